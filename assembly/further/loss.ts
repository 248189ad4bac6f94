import { LossArgs } from "../loss";
import {
  firstLanes, hsum, lanes, madd, splat, vabs, vadd, vdiv, vload, vmul, vpmax, vpmin, vselectGreater,
  vselectLessEqual, vstorePart, vsub,
} from "../simd";
import { vexp, vlog, vlog1p, vtanh } from "../vmath";

// Further losses of values y[rows, cols] against targets t[rows, cols], with Keras's formulas: see ../loss.ts for the arguments and
// for `scale`. y and t are of f32; dy may be y.

/** Keras's epsilon. */
const EPSILON: f32 = 1e-7;
const LN2: f32 = 0.69314718;

const PERCENTAGE = 0;
const LOGARITHMIC = 1;
const HUBER = 2;
const LOG_COSH = 3;
const KL = 4;
const POISSON = 5;
const HINGE = 6;
const SQUARED_HINGE = 7;

// @ts-ignore: decorator
@inline
function negative<V>(x: V): V {
  return vsub<V>(splat<V>(0), x);
}

/** y where low <= y <= high; NaN stays. */
// @ts-ignore: decorator
@inline
function clip<V>(y: V, low: f32, high: f32): V {
  return vpmin<V>(vpmax<V>(y, splat<V>(low)), splat<V>(high));
}

/** x > 0 ? up : x < 0 ? down : 0; NaN stays. */
// @ts-ignore: decorator
@inline
function bySign<V>(x: V, up: V, down: V): V {
  const zero = splat<V>(0);
  return vselectGreater<V>(x, zero, up, vselectGreater<V>(zero, x, down, vmul<V>(x, zero)));
}

/** log(cosh x): by its series near 0, where the logarithm's rounding would be all there is. */
// @ts-ignore: decorator
@inline
function logCoshOf<V>(x: V): V {
  const a = vabs<V>(x), z = vmul<V>(x, x);
  let series = madd<V>(z, splat<V>(-0.0021869488), splat<V>(0.0067460317));
  series = madd<V>(z, series, splat<V>(-0.022222222));
  series = madd<V>(z, series, splat<V>(0.083333333));
  series = vmul<V>(z, vsub<V>(splat<V>(0.5), vmul<V>(z, series)));
  const far = vadd<V>(a, vsub<V>(vlog1p<V>(vexp<V>(vmul<V>(a, splat<V>(-2)))), splat<V>(LN2)));
  return vselectGreater<V>(splat<V>(0.3), a, series, far);
}

/** What a pair of an output and its target adds to its row's loss. `kind` is a constant. */
// @ts-ignore: decorator
@inline
function lossOf<V>(kind: i32, y: V, t: V, delta: V): V {
  const zero = splat<V>(0), one = splat<V>(1), half = splat<V>(0.5), d = vsub<V>(y, t);
  if (kind == PERCENTAGE) return vabs<V>(vdiv<V>(d, vpmax<V>(vabs<V>(t), splat<V>(EPSILON))));
  if (kind == LOGARITHMIC) {
    const e = vsub<V>(vlog1p<V>(vpmax<V>(y, splat<V>(EPSILON))), vlog1p<V>(vpmax<V>(t, splat<V>(EPSILON))));
    return vmul<V>(e, e);
  }
  if (kind == HUBER) {
    const a = vabs<V>(d);
    const linear = vmul<V>(delta, vsub<V>(a, vmul<V>(half, delta)));
    return vselectGreater<V>(a, delta, linear, vmul<V>(vmul<V>(half, d), d));
  }
  if (kind == LOG_COSH) return logCoshOf<V>(d);
  if (kind == KL) {
    const p = clip<V>(t, EPSILON, 1), q = clip<V>(y, EPSILON, 1);
    return vmul<V>(p, vsub<V>(vlog<V>(p), vlog<V>(q)));
  }
  if (kind == POISSON) {
    // Of a negative output there is no logarithm.
    const q = vadd<V>(y, splat<V>(EPSILON));
    const log = vselectGreater<V>(q, zero, vlog<V>(q), splat<V>(NaN));
    return vsub<V>(y, vmul<V>(t, log));
  }
  const lacks = vsub<V>(one, vmul<V>(t, y));
  const short = vselectLessEqual<V>(lacks, zero, zero, lacks); // NaN stays
  return kind == HINGE ? short : vmul<V>(short, short);
}

/** The derivative of lossOf() by y. */
// @ts-ignore: decorator
@inline
function slopeOf<V>(kind: i32, y: V, t: V, delta: V): V {
  const zero = splat<V>(0), one = splat<V>(1), d = vsub<V>(y, t);
  if (kind == PERCENTAGE) {
    const slope = vdiv<V>(one, vpmax<V>(vabs<V>(t), splat<V>(EPSILON)));
    return bySign<V>(d, slope, negative<V>(slope));
  }
  if (kind == LOGARITHMIC) {
    const q = vpmax<V>(y, splat<V>(EPSILON));
    const e = vsub<V>(vlog1p<V>(q), vlog1p<V>(vpmax<V>(t, splat<V>(EPSILON))));
    return vselectGreater<V>(splat<V>(EPSILON), y, zero, vdiv<V>(vadd<V>(e, e), vadd<V>(q, one)));
  }
  if (kind == HUBER) return vpmin<V>(vpmax<V>(d, negative<V>(delta)), delta);
  if (kind == LOG_COSH) return vtanh<V>(d);
  if (kind == KL) {
    const g = negative<V>(vdiv<V>(clip<V>(t, EPSILON, 1), y));
    return vselectGreater<V>(splat<V>(EPSILON), y, zero, vselectGreater<V>(y, one, zero, g));
  }
  if (kind == POISSON) return vsub<V>(one, vdiv<V>(t, vadd<V>(y, splat<V>(EPSILON))));
  const lacks = vsub<V>(one, vmul<V>(t, y));
  const slope = kind == HINGE ? negative<V>(t) : vmul<V>(vmul<V>(splat<V>(-2), t), lacks);
  return vselectLessEqual<V>(lacks, zero, zero, slope);
}

/** A row whose loss is `factor` times the sum over its columns; dy: the derivative times factor * scale. */
// @ts-ignore: decorator
@inline
function rowOf<V>(kind: i32, dy: usize, y: usize, t: usize, cols: i32, factor: f32, scale: f32, option: f32): f32 {
  const delta = splat<V>(option), times = splat<V>(factor * scale);
  let loss = splat<V>(0);
  for (let n = cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), t += sizeof<V>()) {
    const v = vload<V>(y), target = vload<V>(t);
    loss = vadd<V>(loss, firstLanes<V>(lossOf<V>(kind, v, target, delta), n));
    if (dy) {
      vstorePart<V>(dy, vmul<V>(slopeOf<V>(kind, v, target, delta), times), n);
      dy += sizeof<V>();
    }
  }
  return hsum<V>(loss) * factor;
}

/** The rows of a task. `kind` is a constant. */
// @ts-ignore: decorator
@inline
function eachRow(kind: i32, args: LossArgs, task: i32, option: f32 = 0): void {
  const cols = args.cols;
  const factor: f32 = kind == KL ? 1 : (kind == PERCENTAGE ? 100 : 1) / f32(cols);
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const dy = args.dy ? args.dy + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? rowOf<v128>(kind, dy, args.y + o, args.t + o, cols, factor, args.scale, option)
      : rowOf<f32>(kind, dy, args.y + o, args.t + o, cols, factor, args.scale, option);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

/** losses = 100 mean over the row of |y - t| / max(|t|, 1e-7). */
export function meanAbsolutePercentageError(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(PERCENTAGE, args, task);
}

/** losses = mean over the row of (log(1 + max(y, 1e-7)) - log(1 + max(t, 1e-7)))^2; no gradient where y < 1e-7. */
export function meanSquaredLogarithmicError(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(LOGARITHMIC, args, task);
}

/** As LossArgs, and what huber is told. */
@unmanaged
export class HuberArgs {
  losses: usize; // [rows]
  dy: usize; // or 0
  y: usize;
  t: usize;
  rows: i32;
  cols: i32;
  scale: f32;
  grain: i32; // rows in one task
  delta: f32;
}

/** losses = mean over the row of d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2); d = y - t. */
export function huber(args: HuberArgs, task: i32, scratch: usize): void {
  eachRow(HUBER, changetype<LossArgs>(changetype<usize>(args)), task, args.delta);
}

/** losses = mean over the row of log(cosh(y - t)). */
export function logCosh(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(LOG_COSH, args, task);
}

/** losses = sum over the row of p log(p / q), p = clip(t, 1e-7, 1), q = clip(y, 1e-7, 1); no gradient outside of the clip. */
export function klDivergence(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(KL, args, task);
}

/** losses = mean over the row of y - t log(y + 1e-7); NaN where y + 1e-7 <= 0. */
export function poisson(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(POISSON, args, task);
}

/** losses = mean over the row of max(1 - t y, 0), targets -1 and 1; no gradient where it is 0. */
export function hinge(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(HINGE, args, task);
}

/** losses = mean over the row of max(1 - t y, 0)^2, targets -1 and 1. */
export function squaredHinge(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(SQUARED_HINGE, args, task);
}

/**
 * losses = max(1 + greatest of (1 - t) y - sum of t y, 0) over the row. Its gradient goes to the first of equally great ones.
 * Plain f32, sums in f64: in every build the same bits.
 */
export function categoricalHinge(args: LossArgs, task: i32, scratch: usize): void {
  const cols = args.cols;
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const y = args.y + o, t = args.t + o;
    let right: f64 = 0, most: f32 = -Infinity, at = 0, broken = false;
    for (let j = 0; j < cols; j++) {
      const v = load<f32>(y + (<usize>j << 2)), target = load<f32>(t + (<usize>j << 2));
      const wrong = (<f32>1 - target) * v;
      right += <f64>target * <f64>v;
      broken = broken || wrong != wrong;
      if (wrong > most) {
        most = wrong;
        at = j;
      }
    }
    const lacks = broken ? NaN : <f64>most - right + 1;
    const loss: f32 = lacks <= 0 ? <f32>0 : <f32>lacks; // NaN stays
    store<f32>(args.losses + (<usize>r << 2), loss);
    if (args.dy == 0) continue;
    for (let j = 0; j < cols; j++) {
      const target = load<f32>(t + (<usize>j << 2));
      const slope: f32 = j == at ? <f32>1 - target - target : -target;
      store<f32>(args.dy + o + (<usize>j << 2), loss == 0 ? <f32>0 : (broken ? <f32>NaN : slope) * args.scale);
    }
  }
}

/**
 * losses = -sum over the row of y / |y| t / |t|, norms held above 1e-7 as Keras holds them: from -1, the same direction, to 1.
 * dy = (c y / |y| - t / |t|) / |y|, c that sum; 0 where |y| < 1e-7, which has no direction to turn. Plain f32, sums in f64.
 */
export function cosineSimilarity(args: LossArgs, task: i32, scratch: usize): void {
  const cols = args.cols;
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const y = args.y + o, t = args.t + o;
    let yy: f64 = 0, tt: f64 = 0, yt: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const v = <f64>load<f32>(y + (<usize>j << 2)), target = <f64>load<f32>(t + (<usize>j << 2));
      yy += v * v;
      tt += target * target;
      yt += v * target;
    }
    const ry = min<f64>(1 / sqrt<f64>(yy), 1e7), rt = min<f64>(1 / sqrt<f64>(tt), 1e7);
    const cosine = yt * ry * rt;
    store<f32>(args.losses + (<usize>r << 2), <f32>-cosine);
    if (args.dy == 0) continue;
    const turn = cosine * ry, scale = ry < 1e7 || ry != ry ? <f64>args.scale * ry : 0;
    for (let j = 0; j < cols; j++) {
      const v = <f64>load<f32>(y + (<usize>j << 2)), target = <f64>load<f32>(t + (<usize>j << 2));
      store<f32>(args.dy + o + (<usize>j << 2), <f32>((turn * v - target * rt) * scale));
    }
  }
}

/** out[n] = t keep + add: targets with label smoothing. out may be t. */
@unmanaged
export class SmoothTargetsArgs {
  out: usize;
  t: usize;
  n: i32;
  keep: f32;
  add: f32;
  grain: i32; // elements in one task
}

export function smoothTargets(args: SmoothTargetsArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * args.grain, args.n);
  for (let i = task * args.grain; i < i1; i++) {
    const o = <usize>i << 2;
    store<f32>(args.out + o, load<f32>(args.t + o) * args.keep + args.add);
  }
}

/** out[n] = 2 t - 1 where all of t[n] are 0 or 1, else t: what hinges take, as Keras does it. One task. */
@unmanaged
export class HingeTargetsArgs {
  out: usize;
  t: usize;
  n: i32;
}

export function hingeTargets(args: HingeTargetsArgs, task: i32, scratch: usize): void {
  let binary = true;
  for (let i = 0; i < args.n; i++) {
    const t = load<f32>(args.t + (<usize>i << 2));
    if (t != 0 && t != 1) {
      binary = false;
      break;
    }
  }
  for (let i = 0; i < args.n; i++) {
    const o = <usize>i << 2, t = load<f32>(args.t + o);
    store<f32>(args.out + o, binary ? t + t - 1 : t);
  }
}
