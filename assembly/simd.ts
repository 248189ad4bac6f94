// A small vocabulary over one vector type V: v128 (four f32 lanes) in the simd and relaxed builds, f32
// (one lane) in the scalar build and in every build's remainders. A kernel is written once against it.

/** f32 of a vector. */
// @host
// @ts-ignore: decorator
@inline
export const LANES: i32 = 4;

/**
 * Two vectors side by side, eight lanes: what V8 makes one instruction of where it may. In the builds called wide, kernels whose lanes
 * are outputs of their own have it for V, with each output's sums in the same order. Held by no function but @inline ones: it is
 * scripts/pairs.mjs that puts two v128 in place of what the compiler takes for an f64.
 */
export type Pair = f64;

/** Whether this build has pairs. */
// @ts-ignore: decorator
@inline
// @ts-ignore: of the command that builds
export const WIDE: i32 = PAIRS;

// @ts-ignore: decorator
@external("pair", "low")
export declare function low(v: Pair): v128;
// @ts-ignore: decorator
@external("pair", "high")
export declare function high(v: Pair): v128;
// @ts-ignore: decorator
@external("pair", "both")
export declare function both(low: v128, high: v128): Pair;

/** f32 lanes of V: LANES for v128, twice as many for Pair, 1 for f32. */
// @ts-ignore: decorator
@inline
export function lanes<V>(): i32 {
  return isVector<V>() ? LANES : isPair<V>() ? 2 * LANES : 1;
}

/** Bytes of V in memory. */
// @ts-ignore: decorator
@inline
export function vbytes<V>(): usize {
  return <usize>(4 * lanes<V>());
}

// @ts-ignore: decorator
@inline
export function isPair<V>(): bool {
  return sizeof<V>() == sizeof<Pair>();
}

/** All lanes set to x. */
// @ts-ignore: decorator
@inline
export function splat<V>(x: f32): V {
  if (isPair<V>()) return same(f32x4.splat(x));
  if (isVector<V>()) return f32x4.splat(x);
  return x as V;
}

/** The same vector twice. */
// @ts-ignore: decorator
@inline
function same(v: v128): Pair {
  return both(v, v);
}

/** All lanes set to the f32 at p: one instruction, where splat(load) would be two. */
// @ts-ignore: decorator
@inline
export function loadSplat<V>(p: usize): V {
  if (isPair<V>()) return same(v128.load32_splat(p));
  if (isVector<V>()) return v128.load32_splat(p);
  return load<f32>(p) as V;
}

/** Lanes from memory at p + offset bytes; offset is a constant that folds into the instruction. */
// @ts-ignore: decorator
@inline
export function vload<V>(p: usize, offset: usize = 0): V {
  if (isPair<V>()) return both(v128.load(p + offset), v128.load(p + offset + 16));
  if (isVector<V>()) return v128.load(p + offset);
  return load<f32>(p + offset) as V;
}

// @ts-ignore: decorator
@inline
export function vstore<V>(p: usize, v: V): void {
  if (isPair<V>()) {
    // From behind: of the other order V8 makes two instructions.
    v128.store(p, high(v), 16);
    v128.store(p, low(v));
  } else if (isVector<V>()) v128.store(p, v);
  else store<f32>(p, v as f32);
}

// @ts-ignore: decorator
@inline
export function vadd<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vadd<v128>(low(a), low(b)), vadd<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.add(a, b);
  return ((a as f32) + (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vsub<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vsub<v128>(low(a), low(b)), vsub<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.sub(a, b);
  return ((a as f32) - (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vmul<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vmul<v128>(low(a), low(b)), vmul<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.mul(a, b);
  return ((a as f32) * (b as f32)) as V;
}

// @ts-ignore: decorator
@inline
export function vdiv<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vdiv<v128>(low(a), low(b)), vdiv<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.div(a, b);
  return ((a as f32) / (b as f32)) as V;
}

/** Square root, correctly rounded. */
// @ts-ignore: decorator
@inline
export function vsqrt<V>(a: V): V {
  if (isPair<V>()) return both(vsqrt<v128>(low(a)), vsqrt<v128>(high(a)));
  if (isVector<V>()) return f32x4.sqrt(a);
  return sqrt<f32>(a as f32) as V;
}

/** The greater lane by lane; NaN if either is: a pool must show a broken net. */
// @ts-ignore: decorator
@inline
export function vmax<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vmax<v128>(low(a), low(b)), vmax<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.max(a, b);
  return max<f32>(a as f32, b as f32) as V;
}

/** a < b ? b : a in one instruction: NaN in a survives, NaN in b does not. */
// @ts-ignore: decorator
@inline
export function vpmax<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vpmax<v128>(low(a), low(b)), vpmax<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.pmax(a, b);
  return select<V>(b, a, (a as f32) < (b as f32));
}

/** b < a ? b : a in one instruction: NaN in a survives, NaN in b does not. */
// @ts-ignore: decorator
@inline
export function vpmin<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vpmin<v128>(low(a), low(b)), vpmin<v128>(high(a), high(b)));
  if (isVector<V>()) return f32x4.pmin(a, b);
  return select<V>(b, a, (b as f32) < (a as f32));
}

/** where(a > b, x, y) lane by lane. */
// @ts-ignore: decorator
@inline
export function vselectGreater<V>(a: V, b: V, x: V, y: V): V {
  if (isPair<V>()) return both(vselectGreater<v128>(low(a), low(b), low(x), low(y)), vselectGreater<v128>(high(a), high(b), high(x), high(y)));
  if (isVector<V>()) return v128.bitselect(x, y, f32x4.gt(a, b));
  return select<V>(x, y, (a as f32) > (b as f32));
}

/** a * b + c; fused in the relaxed build, two roundings in the others. */
// @ts-ignore: decorator
@inline
export function madd<V>(a: V, b: V, c: V): V {
  if (isPair<V>()) return both(madd<v128>(low(a), low(b), low(c)), madd<v128>(high(a), high(b), high(c)));
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
  if (isPair<V>()) {
    if (n >= 8) vstore<V>(p, v);
    else {
      vstorePart<v128>(p, low(v), n);
      if (n > 4) vstorePart<v128>(p + 16, high(v), n - 4);
    }
  } else if (isVector<V>()) {
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
  if (isPair<V>()) return both(vabs<v128>(low(a)), vabs<v128>(high(a)));
  if (isVector<V>()) return f32x4.abs(a);
  return abs<f32>(a as f32) as V;
}

/** |a| with the sign of b. */
// @ts-ignore: decorator
@inline
export function vcopysign<V>(a: V, b: V): V {
  if (isPair<V>()) return both(vcopysign<v128>(low(a), low(b)), vcopysign<v128>(high(a), high(b)));
  if (isVector<V>()) return v128.bitselect(b, a, i32x4.splat(i32.MIN_VALUE));
  return copysign<f32>(a as f32, b as f32) as V;
}

/** where(a <= b, x, y) lane by lane. */
// @ts-ignore: decorator
@inline
export function vselectLessEqual<V>(a: V, b: V, x: V, y: V): V {
  if (isPair<V>()) return both(vselectLessEqual<v128>(low(a), low(b), low(x), low(y)), vselectLessEqual<v128>(high(a), high(b), high(x), high(y)));
  if (isVector<V>()) return v128.bitselect(x, y, f32x4.le(a, b));
  return select<V>(x, y, (a as f32) <= (b as f32));
}

/** where(a <= b, 0, x) lane by lane. */
// @ts-ignore: decorator
@inline
export function vzeroWhereLessEqual<V>(a: V, b: V, x: V): V {
  if (isPair<V>()) return both(vzeroWhereLessEqual<v128>(low(a), low(b), low(x)), vzeroWhereLessEqual<v128>(high(a), high(b), high(x)));
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
  if (isPair<V>()) return both(vflush<v128>(low(v), low(floor)), vflush<v128>(high(v), high(floor)));
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
