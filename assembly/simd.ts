// A small vocabulary over one vector type V: v128 (four f32 lanes) in the simd and relaxed builds, f32
// (one lane) in the scalar build and in every build's remainders. A kernel is written once against it.

/** f32 of a vector. */
// @host
// @ts-ignore: decorator
@inline
export const LANES: i32 = 4;

/** f32 lanes of V: LANES for v128, 1 for f32. */
// @ts-ignore: decorator
@inline
export function lanes<V>(): i32 {
  return isVector<V>() ? LANES : 1;
}

/** All lanes set to x. */
// @ts-ignore: decorator
@inline
export function splat<V>(x: f32): V {
  if (isVector<V>()) return f32x4.splat(x);
  return x as V;
}

/** All lanes set to the f32 at p: one instruction, where splat(load) would be two. */
// @ts-ignore: decorator
@inline
export function loadSplat<V>(p: usize): V {
  if (isVector<V>()) return v128.load32_splat(p);
  return load<f32>(p) as V;
}

/** Lanes from memory at p + offset bytes; offset is a constant that folds into the instruction. */
// @ts-ignore: decorator
@inline
export function vload<V>(p: usize, offset: usize = 0): V {
  if (isVector<V>()) return v128.load(p + offset);
  return load<f32>(p + offset) as V;
}

// @ts-ignore: decorator
@inline
export function vstore<V>(p: usize, v: V): void {
  if (isVector<V>()) v128.store(p, v);
  else store<f32>(p, v as f32);
}

// @ts-ignore: decorator
@inline
export function vadd<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.add(a, b);
  return ((a as f32) + (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vsub<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.sub(a, b);
  return ((a as f32) - (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vmul<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.mul(a, b);
  return ((a as f32) * (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vdiv<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.div(a, b);
  return ((a as f32) / (b as f32)) as V;
}

/** Square root, correctly rounded. */
// @ts-ignore: decorator
@inline
export function vsqrt<V>(a: V): V {
  if (isVector<V>()) return f32x4.sqrt(a);
  return sqrt<f32>(a as f32) as V;
}

/** The greater lane by lane; NaN if either is: a pool must show a broken net. */
// @ts-ignore: decorator
@inline
export function vmax<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.max(a, b);
  return max<f32>(a as f32, b as f32) as V;
}

/** a < b ? b : a in one instruction: NaN in a survives, NaN in b does not. */
// @ts-ignore: decorator
@inline
export function vpmax<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmax(a, b);
  return select<V>(b, a, (a as f32) < (b as f32));
}

/** b < a ? b : a in one instruction: NaN in a survives, NaN in b does not. */
// @ts-ignore: decorator
@inline
export function vpmin<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmin(a, b);
  return select<V>(b, a, (b as f32) < (a as f32));
}

/** where(a > b, x, y) lane by lane. */
// @ts-ignore: decorator
@inline
export function vselectGreater<V>(a: V, b: V, x: V, y: V): V {
  if (isVector<V>()) return v128.bitselect(x, y, f32x4.gt(a, b));
  return select<V>(x, y, (a as f32) > (b as f32));
}

/** a * b + c; fused in the relaxed build, two roundings in the others. */
// @ts-ignore: decorator
@inline
export function madd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
    return f32x4.add(f32x4.mul(a, b), c);
  }
  return ((a as f32) * (b as f32) + (c as f32)) as V;
}

/** Sum of the lanes, in one fixed order: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function hsum<V>(a: V): f32 {
  if (isVector<V>()) {
    const pairs = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
    return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
  }
  return a as f32;
}

/** The first n (1 .. lanes) lanes from memory, the others set to `rest`. Reads all lanes: up to 12 bytes past the last. */
// @ts-ignore: decorator
@inline
export function vloadPart<V>(p: usize, n: i32, rest: f32): V {
  if (isVector<V>()) {
    return v128.bitselect(v128.load(p), f32x4.splat(rest), i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
  }
  return load<f32>(p) as V;
}

/** v with 0 in the lanes from n on; n >= lanes leaves it as it is. */
// @ts-ignore: decorator
@inline
export function firstLanes<V>(v: V, n: i32): V {
  if (isVector<V>()) return v128.and(v, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
  return v;
}

/** Stores the first n (1 ..) lanes, all where n >= lanes, and not a byte more. */
// @ts-ignore: decorator
@inline
export function vstorePart<V>(p: usize, v: V, n: i32): void {
  if (isVector<V>()) {
    if (n >= 4) v128.store(p, v);
    else if (n == 1) v128.store32_lane(p, v, 0);
    else {
      v128.store64_lane(p, v, 0);
      if (n == 3) v128.store32_lane(p, v, 2, 8);
    }
  } else store<f32>(p, v as f32);
}

// @ts-ignore: decorator
@inline
export function vabs<V>(a: V): V {
  if (isVector<V>()) return f32x4.abs(a);
  return abs<f32>(a as f32) as V;
}

/** |a| with the sign of b. */
// @ts-ignore: decorator
@inline
export function vcopysign<V>(a: V, b: V): V {
  if (isVector<V>()) return v128.bitselect(b, a, i32x4.splat(i32.MIN_VALUE));
  return copysign<f32>(a as f32, b as f32) as V;
}

/** where(a <= b, x, y) lane by lane. */
// @ts-ignore: decorator
@inline
export function vselectLessEqual<V>(a: V, b: V, x: V, y: V): V {
  if (isVector<V>()) return v128.bitselect(x, y, f32x4.le(a, b));
  return select<V>(x, y, (a as f32) <= (b as f32));
}

/** where(a <= b, 0, x) lane by lane. */
// @ts-ignore: decorator
@inline
export function vzeroWhereLessEqual<V>(a: V, b: V, x: V): V {
  if (isVector<V>()) return v128.andnot(x, f32x4.le(a, b));
  return reinterpret<f32>(reinterpret<i32>(x as f32) & (i32((a as f32) <= (b as f32)) - 1)) as V;
}

/** The smallest normal f32: a processor takes some hundred cycles for each smaller number that it meets or makes. */
export const NORMAL: f32 = 1.1754943508222875e-38;

/**
 * The least number of which a product of two is normal, 2^-63. What relu, the other activations, their gradients and the fused
 * losses' gradients store is 0 where it is smaller, and so it is in lists of gradients: no weight would ever tell, and sums of
 * products of such numbers take a hundred times as long.
 */
export const FAINT: f32 = 1.0842021724855044e-19;

/** v, with 0 where |v| < floor; NaN stays. */
// @ts-ignore: decorator
@inline
export function vflush<V>(v: V, floor: V): V {
  if (isVector<V>()) return v128.andnot(v, f32x4.lt(f32x4.abs(v), floor));
  return reinterpret<f32>(reinterpret<i32>(v as f32) & (i32(abs<f32>(v as f32) < (floor as f32)) - 1)) as V;
}

/** max(v, 0) of what an activation is stored as: 0 below FAINT. NaN stays. */
// @ts-ignore: decorator
@inline
export function vrelu<V>(v: V): V {
  return vzeroWhereLessEqual<V>(v, splat<V>(FAINT), v);
}

/** Greatest lane; NaN if a lane is NaN. */
// @ts-ignore: decorator
@inline
export function hmax<V>(a: V): f32 {
  if (isVector<V>()) {
    const pairs = f32x4.max(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
    return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
  }
  return a as f32;
}
