import { loadSplat, madd, splat, vabs, vadd, vcopysign, vdiv, vmul, vpmax, vpmin, vselectGreater, vsub } from "./simd";

// Elementary functions over V. One formula for all lanes and builds: in scalar and simd the same bits come out.
// Polynomials are minimax fits (Lawson's weighting of least squares, coefficients rounded to f32).
// Errors are bounds over every 1999th f32 of the domain (test/kernels/vmath.test.ts tries fewer).

// Constants lie in memory, where one instruction fetches and broadcasts them: V8 makes a vector constant from three,
// anew in every turn of a loop.
const TABLE = memory.data<f32>([
  1.44269502, 12583039, -0.693359375, 2.12194442e-4,
  0.49999994, 0.166665196, 0.0416683927, 0.00836879015, 0.00138146628,
  0.666666627, 0.400003344, 0.285372883, 0.235825703,
  -87.3, 88.3,
]);
/** log2(e) */
const LOG2E: usize = 0;
/** 1.5 * 2^23 + 127: added to x, leaves x rounded to an integer (ties to even) plus 127 in the low bits, for |x| < 2^22. */
const ROUND: usize = 4;
/** -ln 2 in two parts: n times the first, which has 9 bits, is exact. */
const MINUS_LN2_HIGH: usize = 8;
const MINUS_LN2_LOW: usize = 12;
/** (e^r - 1 - r) / r^2, lowest power first. */
const EXP: usize = 16;
/** (atanh(s) - s) / s^3 * 2 in s^2, lowest power first. */
const LOG: usize = 36;
/** Where the results of vexp end: see there. */
const EXP_LOW: usize = 52;
const EXP_HIGH: usize = 56;

// @ts-ignore: decorator
@inline
function constant<V>(name: usize): V {
  return loadSplat<V>(TABLE + name);
}

/** x log2(e) + ROUND: holds n of x = n ln 2 + r, |r| <= ln 2 / 2, as a number and as the exponent bits of 2^n. */
// @ts-ignore: decorator
@inline
function exponentOf<V>(x: V): V {
  return madd<V>(x, constant<V>(LOG2E), constant<V>(ROUND));
}

/** 2^n for n in [-126, 127], from exponentOf: the low bits moved to where an exponent stands. */
// @ts-ignore: decorator
@inline
function powerOf<V>(exponent: V): V {
  if (isVector<V>()) return i32x4.shl(exponent, 23);
  return reinterpret<f32>(reinterpret<i32>(exponent as f32) << 23) as V;
}

/** e^r - 1 = r + r^2 P(r) for the r of exponentOf. */
// @ts-ignore: decorator
@inline
function expm1Reduced<V>(x: V, exponent: V): V {
  const n = vsub<V>(exponent, constant<V>(ROUND));
  const r = madd<V>(n, constant<V>(MINUS_LN2_LOW), madd<V>(n, constant<V>(MINUS_LN2_HIGH), x));
  let p = madd<V>(constant<V>(EXP + 16), r, constant<V>(EXP + 12));
  p = madd<V>(p, r, constant<V>(EXP + 8));
  p = madd<V>(p, r, constant<V>(EXP + 4));
  p = madd<V>(p, r, constant<V>(EXP));
  return madd<V>(vmul<V>(r, r), p, r);
}

/**
 * e^x; error below 1 ULP. Below x = -87.3 the result is 0, for denormals cost a hundred cycles each; above 88.3,
 * near the greatest f32, it is infinity.
 */
// @ts-ignore: decorator
@inline
export function vexp<V>(x: V): V {
  const low = constant<V>(EXP_LOW), high = constant<V>(EXP_HIGH);
  const t = vpmin<V>(vpmax<V>(x, low), high);
  const exponent = exponentOf<V>(t);
  const y = vmul<V>(vadd<V>(expm1Reduced<V>(t, exponent), splat<V>(1)), powerOf<V>(exponent));
  return vselectGreater<V>(low, x, splat<V>(0), vselectGreater<V>(x, high, splat<V>(Infinity), y));
}

/** e^x - 1, accurate near 0 too; error below 1.6 ULP. Domain x <= 88. */
// @ts-ignore: decorator
@inline
export function vexpm1<V>(x: V): V {
  x = vpmax<V>(x, splat<V>(-30));
  const exponent = exponentOf<V>(x), power = powerOf<V>(exponent);
  return madd<V>(expm1Reduced<V>(x, exponent), power, vsub<V>(power, splat<V>(1)));
}

/** tanh x = e / (e + 2), e = e^(2 |x|) - 1, with the sign of x; error below 2.6 ULP. */
// @ts-ignore: decorator
@inline
export function vtanh<V>(x: V): V {
  const a = vpmin<V>(vabs<V>(x), splat<V>(10));
  const e = vexpm1<V>(vadd<V>(a, a));
  return vcopysign<V>(vdiv<V>(e, vadd<V>(e, splat<V>(2))), x);
}

/** 1 / (1 + e^-x); error below 2.6 ULP, 0 below x = -88.3. */
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
  let R = madd<V>(constant<V>(LOG + 12), z, constant<V>(LOG + 8));
  R = madd<V>(R, z, constant<V>(LOG + 4));
  R = madd<V>(R, z, constant<V>(LOG));
  R = vmul<V>(R, z);
  const h = vmul<V>(vmul<V>(f, splat<V>(0.5)), f);
  const low = vmul<V>(k, constant<V>(MINUS_LN2_LOW)), high = vmul<V>(k, constant<V>(MINUS_LN2_HIGH));
  const tail = vsub<V>(vmul<V>(s, vadd<V>(h, R)), low);
  const log = vsub<V>(vadd<V>(vsub<V>(tail, h), f), high);
  return vadd<V>(log, vsub<V>(x, x)); // x - x is 0, or NaN for a NaN
}

/**
 * log(1 + x) for 0 <= x (NaN passes through), accurate near 0 too; error below 2.5 ULP. What 1 + x loses to rounding is
 * made up for: log(u) x / (u - 1), u = 1 + x (Kahan; HP-15C Advanced Functions Handbook, appendix).
 */
// @ts-ignore: decorator
@inline
export function vlog1p<V>(x: V): V {
  const one = splat<V>(1), u = vadd<V>(x, one), d = vsub<V>(u, one);
  return vselectGreater<V>(d, splat<V>(0), vdiv<V>(vmul<V>(vlog<V>(u), x), d), x);
}
