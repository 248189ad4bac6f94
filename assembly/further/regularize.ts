import { hsum, lanes, madd, splat, vabs, vadd, vload, vloadPart, vmul, vstorePart } from "../simd";

// What keeps weights and activations small: penalties, and constraints after an update.

/**
 * partials[tasks]: the sum of l1 |w| + l2 w^2 over each task's elements, times scale; where there is a gradient,
 * dx = dy + (l1 sign(w) + 2 l2 w) * scale. The sign of 0 is 0. dx may be dy.
 */
@unmanaged
export class PenaltyArgs {
  partials: usize; // 0: only the gradient is wanted
  w: usize;
  dx: usize; // or 0
  dy: usize;
  n: i32;
  l1: f32;
  l2: f32;
  scale: f32;
  grain: i32; // elements in one task
}

/** -1, 0 or 1. */
// @ts-ignore: decorator
@inline
function sign<V>(x: V): V {
  if (isVector<V>()) {
    const one = f32x4.splat(1), zero = f32x4.splat(0);
    return v128.or(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), f32x4.splat(-1)));
  }
  return (f32(i32((x as f32) > 0)) - f32(i32((x as f32) < 0))) as V;
}

// @ts-ignore: decorator
@inline
function penaltyOf<V>(s: PenaltyArgs, i0: i32, n: i32): f32 {
  const l1 = splat<V>(s.l1), l2 = splat<V>(s.l2);
  const slope1 = splat<V>(s.l1 * s.scale), slope2 = splat<V>(2 * s.l2 * s.scale);
  const o = <usize>i0 << 2;
  let w = s.w + o, dx = s.dx ? s.dx + o : 0, dy = s.dy + o;
  let sum = splat<V>(0);
  for (; n > 0; n -= lanes<V>()) {
    const v = vloadPart<V>(w, n, 0);
    sum = madd<V>(v, vmul<V>(v, l2), madd<V>(vabs<V>(v), l1, sum));
    if (dx) {
      vstorePart<V>(dx, vadd<V>(vload<V>(dy), madd<V>(v, slope2, vmul<V>(sign<V>(v), slope1))), n);
      dx += sizeof<V>();
      dy += sizeof<V>();
    }
    w += sizeof<V>();
  }
  return hsum<V>(sum) * s.scale;
}

export function penalty(s: PenaltyArgs, task: i32, scratch: usize): void {
  const i0 = task * s.grain, n = min(s.n - i0, s.grain);
  const sum = ASC_FEATURE_SIMD ? penaltyOf<v128>(s, i0, n) : penaltyOf<f32>(s, i0, n);
  if (s.partials) store<f32>(s.partials + (<usize>task << 2), sum);
}

/** What a constraint does: no number below 0; the norm of each column within low .. high, towards it by `rate`. */
// @host
export const CONSTRAIN_NOT_NEGATIVE: i32 = 0;
// @host
export const CONSTRAIN_NORM: i32 = 1;

/** w[rows, cols] in place, after an update. One task is `grain` columns. */
@unmanaged
export class ConstrainArgs {
  w: usize; // inout
  rows: i32;
  cols: i32;
  kind: i32;
  low: f32;
  high: f32;
  rate: f32;
  grain: i32;
}

const NORM_EPSILON: f32 = 1e-7;

export function constrain(s: ConstrainArgs, task: i32, scratch: usize): void {
  const c1 = min((task + 1) * s.grain, s.cols), row = <usize>s.cols << 2;
  for (let c = task * s.grain; c < c1; c++) {
    const first = s.w + (<usize>c << 2);
    if (s.kind == CONSTRAIN_NOT_NEGATIVE) {
      for (let r = 0, p = first; r < s.rows; r++, p += row) store<f32>(p, max<f32>(load<f32>(p), 0));
      continue;
    }
    let squares: f64 = 0;
    for (let r = 0, p = first; r < s.rows; r++, p += row) squares += f64(load<f32>(p)) * f64(load<f32>(p));
    const norm = f32(sqrt<f64>(squares));
    const wanted = s.rate * min<f32>(max<f32>(norm, s.low), s.high) + (1 - s.rate) * norm;
    // A norm within its limits leaves the bits alone.
    if (wanted == norm && s.low != s.high) continue;
    const scale = wanted / (NORM_EPSILON + norm);
    for (let r = 0, p = first; r < s.rows; r++, p += row) store<f32>(p, load<f32>(p) * scale);
  }
}
