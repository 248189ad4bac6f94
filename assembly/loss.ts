import {
  FAINT, firstLanes, hsum, lanes, madd, splat, vabs, vadd, vdiv, vflush, vload, vloadPart, vmul, vpmax, vpmin, vselectGreater, vstore,
  vstorePart, vsub,
} from "./simd";
import { rowExp, rowMax } from "./softmax";
import { vexp, vlog, vlog1p, vsigmoid } from "./vmath";

// Losses against dense targets t[rows, cols]. Each writes losses[rows] and, unless its pointer is 0, a gradient that is
// scaled by `scale` = 1 / rows of the batch, so that it is the gradient of the mean over the batch.

/** Keras's epsilon: probabilities are clipped to [EPSILON, 1 - EPSILON] before a logarithm. */
const EPSILON: f32 = 1e-7;
const CEILING: f32 = 1 - 1e-7; // in f32 1 - 2^-23

/**
 * Softmax and categorical crossentropy in one, from logits x: y = softmax(x), losses = -sum of t log y over the row,
 * dx = (y sum of t - t) scale. All [rows, cols]. Overwrites. dx may be x or t; y must not overlap x, dx or t.
 */
@unmanaged
export class LogitsLossArgs {
  losses: usize; // [rows]
  dx: usize; // or 0
  y: usize;
  x: usize;
  t: usize;
  rows: i32;
  cols: i32;
  scale: f32;
  grain: i32; // rows in one task
}

// @ts-ignore: decorator
@inline
function softmaxPart<V>(
  dx: usize, y: usize, x: usize, t: usize, n: i32, max: V, sum: V, log: V, mass: V, scale: V,
): V {
  const p = vdiv<V>(vload<V>(y), sum);
  const target = vloadPart<V>(t, n, 0);
  const lost = vmul<V>(target, vsub<V>(log, vsub<V>(vloadPart<V>(x, n, 0), max)));
  vstorePart<V>(y, p, n);
  if (dx) vstorePart<V>(dx, vflush<V>(vmul<V>(vsub<V>(vmul<V>(p, mass), target), scale), splat<V>(FAINT)), n);
  return lost;
}

function softmaxRow<V>(dx: usize, y: usize, x: usize, t: usize, cols: i32, scale: f32): f32 {
  const m = rowMax<V>(x, cols);
  const sum = rowExp<V>(y, x, cols, m);
  const logSum = vlog<f32>(sum);
  const max = splat<V>(m), total = splat<V>(sum), log = splat<V>(logSum), factor = splat<V>(scale);
  // 1 for one-hot targets, exactly; dense ones may sum to anything.
  const mass = splat<V>(dx ? rowSum<V>(t, cols) : 1);
  let loss = splat<V>(0);
  for (; cols >= lanes<V>(); cols -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>(), t += sizeof<V>()) {
    const p = vdiv<V>(vload<V>(y), total), target = vload<V>(t);
    loss = vadd<V>(loss, vmul<V>(target, vsub<V>(log, vsub<V>(vload<V>(x), max))));
    vstore<V>(y, p);
    if (dx) {
      vstore<V>(dx, vflush<V>(vmul<V>(vsub<V>(vmul<V>(p, mass), target), factor), splat<V>(FAINT)));
      dx += sizeof<V>();
    }
  }
  if (isVector<V>() && cols > 0) {
    loss = vadd<V>(loss, softmaxPart<V>(dx, y, x, t, cols, max, total, log, mass, factor));
  }
  return hsum<V>(loss);
}

export function softmaxCrossentropy(args: LogitsLossArgs, task: i32, scratch: usize): void {
  const cols = args.cols;
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const dx = args.dx ? args.dx + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? softmaxRow<v128>(dx, args.y + o, args.x + o, args.t + o, cols, args.scale)
      : softmaxRow<f32>(dx, args.y + o, args.x + o, args.t + o, cols, args.scale);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

function sigmoidRow<V>(dx: usize, y: usize, x: usize, t: usize, cols: i32, scale: f32): f32 {
  const zero = splat<V>(0), one = splat<V>(1), factor = splat<V>(scale / f32(cols));
  let loss = zero;
  for (let n = cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>(), t += sizeof<V>()) {
    const v = vload<V>(x), target = vload<V>(t), p = vsigmoid<V>(v);
    const a = vabs<V>(v), wrong = vselectGreater<V>(v, zero, vsub<V>(one, target), target);
    const lost = vadd<V>(vmul<V>(a, wrong), vlog1p<V>(vexp<V>(vsub<V>(zero, a))));
    loss = vadd<V>(loss, firstLanes<V>(lost, n));
    vstorePart<V>(y, p, n);
    if (dx) {
      vstorePart<V>(dx, vflush<V>(vmul<V>(vsub<V>(p, target), factor), splat<V>(FAINT)), n);
      dx += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(cols);
}

/**
 * Sigmoid and binary crossentropy in one, from logits x: y = sigmoid(x), losses = mean over the row of
 * -(t log y + (1 - t) log(1 - y)), as |x| (x > 0 ? 1 - t : t) + log(1 + e^-|x|), no term of which overflows or cancels;
 * dx = (y - t) / cols * scale, which never fades for a wrong unit, however sure. Arguments as in softmaxCrossentropy.
 */
export function sigmoidCrossentropy(args: LogitsLossArgs, task: i32, scratch: usize): void {
  const cols = args.cols;
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const dx = args.dx ? args.dx + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? sigmoidRow<v128>(dx, args.y + o, args.x + o, args.t + o, cols, args.scale)
      : sigmoidRow<f32>(dx, args.y + o, args.x + o, args.t + o, cols, args.scale);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

/** A loss of probabilities or values y[rows, cols]; dy may be y. */
@unmanaged
export class LossArgs {
  losses: usize; // [rows]
  dy: usize; // or 0
  y: usize;
  t: usize;
  rows: i32;
  cols: i32;
  scale: f32;
  grain: i32; // rows in one task
}

const CATEGORICAL = 0;
const BINARY = 1;
const SQUARED = 2;
const ABSOLUTE = 3;

// @ts-ignore: decorator
@inline
function lossOfRow<V>(kind: i32, dy: usize, y: usize, t: usize, cols: i32, scale: f32): f32 {
  if (kind == CATEGORICAL) return categoricalRow<V>(dy, y, t, cols, scale);
  if (kind == BINARY) return binaryRow<V>(dy, y, t, cols, scale);
  if (kind == SQUARED) return squaredRow<V>(dy, y, t, cols, scale);
  return absoluteRow<V>(dy, y, t, cols, scale);
}

/** The rows of a task. `kind` is a constant: each kernel is left with the call of its own row. */
// @ts-ignore: decorator
@inline
function eachRow(kind: i32, args: LossArgs, task: i32): void {
  const cols = args.cols;
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>cols) << 2;
    const dy = args.dy ? args.dy + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? lossOfRow<v128>(kind, dy, args.y + o, args.t + o, cols, args.scale)
      : lossOfRow<f32>(kind, dy, args.y + o, args.t + o, cols, args.scale);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

/** g where y is in [low, high] or NaN, else 0: the derivative of clip(y, low, high) times g. */
// @ts-ignore: decorator
@inline
function whereUnclipped<V>(y: V, g: V): V {
  const zero = splat<V>(0);
  return vselectGreater<V>(splat<V>(EPSILON), y, zero, vselectGreater<V>(y, splat<V>(CEILING), zero, g));
}

// @ts-ignore: decorator
@inline
function clip<V>(y: V): V {
  return vpmin<V>(vpmax<V>(y, splat<V>(EPSILON)), splat<V>(CEILING));
}

/** Sum of y[n]. */
// @ts-ignore: decorator
@inline
function rowSum<V>(y: usize, n: i32): f32 {
  let sum = splat<V>(0);
  for (; n >= lanes<V>(); n -= lanes<V>(), y += sizeof<V>()) sum = vadd<V>(sum, vload<V>(y));
  if (isVector<V>() && n > 0) sum = vadd<V>(sum, vloadPart<V>(y, n, 0));
  return hsum<V>(sum);
}

function categoricalRow<V>(dy: usize, y: usize, t: usize, cols: i32, scale: f32): f32 {
  const total = splat<V>(rowSum<V>(y, cols));
  let loss = splat<V>(0), dot = splat<V>(0);
  let n = cols, p = y, q = t;
  for (; n > 0; n -= lanes<V>(), p += sizeof<V>(), q += sizeof<V>()) {
    const s = vdiv<V>(vload<V>(p), total), target = vloadPart<V>(q, n, 0), c = clip<V>(s);
    // Lanes past the row have t = 0, but whatever y: selected away, since 0 times NaN is NaN.
    const lost = vmul<V>(target, vlog<V>(c)), g = vmul<V>(vdiv<V>(target, c), s);
    loss = vsub<V>(loss, firstLanes<V>(lost, n));
    dot = vadd<V>(dot, firstLanes<V>(whereUnclipped<V>(s, g), n));
  }
  if (dy) {
    // With s = y / total, dL/ds = -t/s inside of the clip: dL/dy = (dL/ds - sum of dL/ds s) / total.
    const d = splat<V>(hsum<V>(dot)), factor = vdiv<V>(splat<V>(scale), total);
    n = cols, p = y, q = t;
    for (; n > 0; n -= lanes<V>(), p += sizeof<V>(), q += sizeof<V>(), dy += sizeof<V>()) {
      const s = vdiv<V>(vload<V>(p), total);
      const g = whereUnclipped<V>(s, vdiv<V>(vload<V>(q), clip<V>(s)));
      vstorePart<V>(dy, vmul<V>(vsub<V>(d, g), factor), n);
    }
  }
  return hsum<V>(loss);
}

/**
 * losses = -sum over the row of t log(clip(y / sum of y)): Keras's categorical crossentropy of probabilities, which
 * renormalises the row and clips to [1e-7, 1 - 1e-7]. dy is the gradient of just that: a clipped term adds nothing.
 */
export function categoricalCrossentropy(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(CATEGORICAL, args, task);
}

function binaryRow<V>(dy: usize, y: usize, t: usize, cols: i32, scale: f32): f32 {
  const one = splat<V>(1), factor = splat<V>(scale / f32(cols));
  let loss = splat<V>(0);
  for (let n = cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), t += sizeof<V>()) {
    const v = vload<V>(y), target = vload<V>(t), p = clip<V>(v);
    const rest = vsub<V>(one, p);
    const likelihood = vadd<V>(
      vmul<V>(target, vlog<V>(p)), vmul<V>(vsub<V>(one, target), vlog<V>(rest)),
    );
    loss = vsub<V>(loss, firstLanes<V>(likelihood, n));
    if (dy) {
      const g = vdiv<V>(vsub<V>(p, target), vmul<V>(p, rest));
      vstorePart<V>(dy, vmul<V>(whereUnclipped<V>(v, g), factor), n);
      dy += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(cols);
}

/**
 * losses = mean over the row of -(t log p + (1 - t) log(1 - p)), p = clip(y, 1e-7, 1 - 1e-7);
 * dy = (p - t) / (p (1 - p)) / cols * scale inside of the clip, 0 outside.
 */
export function binaryCrossentropy(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(BINARY, args, task);
}

function squaredRow<V>(dy: usize, y: usize, t: usize, cols: i32, scale: f32): f32 {
  const factor = splat<V>(2 * scale / f32(cols));
  let loss = splat<V>(0);
  for (let n = cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), t += sizeof<V>()) {
    const d = firstLanes<V>(vsub<V>(vload<V>(y), vload<V>(t)), n);
    loss = madd<V>(d, d, loss);
    if (dy) {
      vstorePart<V>(dy, vmul<V>(d, factor), n);
      dy += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(cols);
}

/** losses = mean over the row of (y - t)^2; dy = 2 (y - t) / cols * scale. */
export function meanSquaredError(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(SQUARED, args, task);
}

function absoluteRow<V>(dy: usize, y: usize, t: usize, cols: i32, scale: f32): f32 {
  const zero = splat<V>(0), up = splat<V>(scale / f32(cols)), down = splat<V>(-scale / f32(cols));
  let loss = zero;
  for (let n = cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), t += sizeof<V>()) {
    const d = firstLanes<V>(vsub<V>(vload<V>(y), vload<V>(t)), n);
    loss = vadd<V>(loss, vabs<V>(d));
    if (dy) {
      vstorePart<V>(dy, vselectGreater<V>(d, zero, up, vselectGreater<V>(zero, d, down, vmul<V>(d, zero))), n); // NaN stays
      dy += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(cols);
}

/** losses = mean over the row of |y - t|; dy = sign(y - t) / cols * scale, 0 where they are equal. */
export function meanAbsoluteError(args: LossArgs, task: i32, scratch: usize): void {
  eachRow(ABSOLUTE, args, task);
}

/** out[1] = mean of losses[rows], summed in f64 from the first to the last. One task. */
@unmanaged
export class MeanLossArgs {
  out: usize;
  losses: usize;
  rows: i32;
}

export function meanLoss(args: MeanLossArgs, task: i32, scratch: usize): void {
  let sum: f64 = 0;
  for (let r = 0; r < args.rows; r++) sum += <f64>load<f32>(args.losses + (<usize>r << 2));
  store<f32>(args.out, <f32>(sum / <f64>args.rows));
}
