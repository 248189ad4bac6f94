import { madd, splat, vabs, vadd, vcopysign, vdiv, vmax, vmin, vmul, vsub } from "./simd";

// Elementary functions over V. One formula for all lanes and builds: in scalar and simd the same bits come out.
// Polynomials are minimax fits (Lawson's weighting of least squares, coefficients rounded to f32).
// Errors are bounds over every 499th f32 of the domain (test/kernels/vmath.test.ts tries fewer), scalar and simd builds.

/** a rounded to an integer, ties to even. */
// @ts-ignore: decorator
@inline
function vnearest<V>(a: V): V {
  if (isVector<V>()) return f32x4.nearest(a);
  return nearest<f32>(a as f32) as V;
}

/** x * 2^n for integral n in [-252, 254], rounded once: two factors, because 2^n alone may not be a normal f32. */
// @ts-ignore: decorator
@inline
function vscalb<V>(x: V, n: V): V {
  if (isVector<V>()) {
    const k = i32x4.trunc_sat_f32x4_s(n);
    const h = i32x4.shr_s(k, 1);
    const f = i32x4.shl(i32x4.add(h, i32x4.splat(127)), 23);
    const g = i32x4.shl(i32x4.add(i32x4.sub(k, h), i32x4.splat(127)), 23);
    return f32x4.mul(f32x4.mul(x, f), g);
  }
  const k = i32(n as f32);
  const h = k >> 1;
  return ((x as f32) * reinterpret<f32>((h + 127) << 23) * reinterpret<f32>((k - h + 127) << 23)) as V;
}

/** n of x = n ln 2 + r, |r| <= ln 2 / 2. */
// @ts-ignore: decorator
@inline
function exponentOf<V>(x: V): V {
  return vnearest<V>(vmul<V>(x, splat<V>(1.44269502)));
}

/** r of x = n ln 2 + r. ln 2 in two parts: n times the first, which has 9 bits, is exact. */
// @ts-ignore: decorator
@inline
function remainderOf<V>(x: V, n: V): V {
  return madd<V>(n, splat<V>(2.12194442e-4), madd<V>(n, splat<V>(-0.693359375), x));
}

/** e^r - 1 = r + r^2 P(r) for |r| <= ln 2 / 2. */
// @ts-ignore: decorator
@inline
function expm1Reduced<V>(r: V): V {
  let p = madd<V>(splat<V>(0.00138146628), r, splat<V>(0.00836879015));
  p = madd<V>(p, r, splat<V>(0.0416683927));
  p = madd<V>(p, r, splat<V>(0.166665196));
  p = madd<V>(p, r, splat<V>(0.49999994));
  return madd<V>(vmul<V>(r, r), p, r);
}

/** e^x on all of f32, with its denormals, 0 and infinity; error below 1 ULP. */
// @ts-ignore: decorator
@inline
export function vexp<V>(x: V): V {
  x = vmin<V>(vmax<V>(x, splat<V>(-105)), splat<V>(90));
  const n = exponentOf<V>(x);
  return vscalb<V>(vadd<V>(expm1Reduced<V>(remainderOf<V>(x, n)), splat<V>(1)), n);
}

/** e^x - 1, accurate near 0 too; error below 1.6 ULP. Domain x <= 88. */
// @ts-ignore: decorator
@inline
export function vexpm1<V>(x: V): V {
  x = vmax<V>(x, splat<V>(-30));
  const n = exponentOf<V>(x);
  const p = expm1Reduced<V>(remainderOf<V>(x, n));
  const one = splat<V>(1);
  return vadd<V>(vscalb<V>(p, n), vsub<V>(vscalb<V>(one, n), one));
}

/** tanh x = e / (e + 2), e = e^(2 |x|) - 1, with the sign of x; error below 2.6 ULP. */
// @ts-ignore: decorator
@inline
export function vtanh<V>(x: V): V {
  const a = vmin<V>(vabs<V>(x), splat<V>(10));
  const e = vexpm1<V>(vadd<V>(a, a));
  return vcopysign<V>(vdiv<V>(e, vadd<V>(e, splat<V>(2))), x);
}

/** 1 / (1 + e^-x); error below 2.6 ULP where the result is a normal f32. */
// @ts-ignore: decorator
@inline
export function vsigmoid<V>(x: V): V {
  const one = splat<V>(1);
  return vdiv<V>(one, vadd<V>(one, vexp<V>(vsub<V>(splat<V>(0), x))));
}

/**
 * Natural logarithm of positive normal f32 (NaN passes through); error below 0.9 ULP.
 * x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f):
 * the series of atanh, arranged (as fdlibm has it) so that the large terms are added last.
 */
// @ts-ignore: decorator
@inline
export function vlog<V>(x: V): V {
  const SQRT_HALF = 0x3f3504f3; // bits of sqrt(1/2)
  let m: V, k: V;
  if (isVector<V>()) {
    const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(SQRT_HALF)), 23);
    m = i32x4.sub(x, i32x4.shl(e, 23));
    k = f32x4.convert_i32x4_s(e);
  } else {
    const bits = reinterpret<i32>(x as f32);
    const e = (bits - SQRT_HALF) >> 23;
    m = reinterpret<f32>(bits - (e << 23)) as V;
    k = f32(e) as V;
  }
  const f = vsub<V>(m, splat<V>(1));
  const s = vdiv<V>(f, vadd<V>(f, splat<V>(2)));
  const z = vmul<V>(s, s);
  let R = madd<V>(splat<V>(0.235825703), z, splat<V>(0.285372883));
  R = madd<V>(R, z, splat<V>(0.400003344));
  R = madd<V>(R, z, splat<V>(0.666666627));
  R = vmul<V>(R, z);
  const h = vmul<V>(vmul<V>(f, splat<V>(0.5)), f);
  const tail = madd<V>(k, splat<V>(-2.12194442e-4), vmul<V>(s, vadd<V>(h, R)));
  const log = madd<V>(k, splat<V>(0.693359375), vadd<V>(vsub<V>(tail, h), f));
  return vadd<V>(log, vsub<V>(x, x)); // x - x is 0, or NaN for a NaN
}
