import {
  FAINT, firstLanes, hsum, lanes, splat, vabs, vadd, vdiv, vflush, vload, vloadPart, vmul, vpmax, vpmin, vselectGreater,
  vstorePart, vsub,
} from "../simd";
import { rowExp, rowMax } from "../softmax";
import { vexp, vlog, vlog1p, vsigmoid } from "../vmath";

// Focal losses (Lin et al. 2017): crossentropy times a power of what the answer lacks, so that what is right already counts little.

/** Keras's epsilon: what an answer lacks is held above it before a power, probabilities within [EPSILON, 1 - EPSILON]. */
const EPSILON: f32 = 1e-7;
const CEILING: f32 = 1 - 1e-7;

/** A focal loss of probabilities y[rows, cols] against t[rows, cols]: as LossArgs, and what it is told. */
@unmanaged
export class FocalArgs {
  losses: usize; // [rows]
  dy: usize; // or 0; may be y
  y: usize;
  t: usize;
  rows: i32;
  cols: i32;
  scale: f32;
  grain: i32; // rows in one task
  gamma: f32;
  alpha: f32;
  applyClassBalancing: i32; // binary: whether alpha counts
}

/** A focal loss from logits x: as LogitsLossArgs, and what it is told. */
@unmanaged
export class LogitsFocalArgs {
  losses: usize; // [rows]
  dx: usize; // or 0; may be x or t
  y: usize; // the probabilities: overwritten
  x: usize;
  t: usize;
  rows: i32;
  cols: i32;
  scale: f32;
  grain: i32; // rows in one task
  gamma: f32;
  alpha: f32;
  applyClassBalancing: i32; // sigmoid: whether alpha counts
}

/** q^gamma for q of 0 to 1, which is held above EPSILON. */
// @ts-ignore: decorator
@inline
function power<V>(q: V, gamma: f32): V {
  if (gamma == 0) return vadd<V>(vsub<V>(q, q), splat<V>(1)); // NaN stays
  return vexp<V>(vmul<V>(vlog<V>(vpmax<V>(q, splat<V>(EPSILON))), splat<V>(gamma)));
}

/** t a + (1 - t) b. */
// @ts-ignore: decorator
@inline
function mix<V>(t: V, a: V, b: V): V {
  return vadd<V>(vmul<V>(t, a), vmul<V>(vsub<V>(splat<V>(1), t), b));
}

/** What a unit of target t counts. */
// @ts-ignore: decorator
@inline
function balance<V>(t: V, alpha: f32, balanced: bool): V {
  return balanced ? mix<V>(t, splat<V>(alpha), splat<V>(1 - alpha)) : splat<V>(1);
}

function sigmoidRow<V>(s: LogitsFocalArgs, dx: usize, y: usize, x: usize, t: usize): f32 {
  const zero = splat<V>(0), one = splat<V>(1), gamma = s.gamma, balanced = s.applyClassBalancing != 0;
  const factor = splat<V>(s.scale / f32(s.cols));
  let loss = zero;
  for (let n = s.cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>(), t += sizeof<V>()) {
    const v = vload<V>(x), target = vload<V>(t);
    const p = vsigmoid<V>(v), rest = vsigmoid<V>(vsub<V>(zero, v)), a = vabs<V>(v);
    const wrong = vselectGreater<V>(v, zero, vsub<V>(one, target), target);
    const entropy = vadd<V>(vmul<V>(a, wrong), vlog1p<V>(vexp<V>(vsub<V>(zero, a))));
    const lacks = mix<V>(target, rest, p);
    const focus = power<V>(lacks, gamma), weight = balance<V>(target, s.alpha, balanced);
    loss = vadd<V>(loss, firstLanes<V>(vmul<V>(weight, vmul<V>(focus, entropy)), n));
    vstorePart<V>(y, p, n);
    if (dx) {
      // By x, of the entropy p - t; of what it lacks (1 - 2 t) p (1 - p).
      const slope = vmul<V>(vmul<V>(vsub<V>(one, vadd<V>(target, target)), p), rest);
      const turn = vmul<V>(vmul<V>(vmul<V>(splat<V>(gamma), power<V>(lacks, gamma - 1)), slope), entropy);
      const g = vadd<V>(vmul<V>(focus, vsub<V>(p, target)), turn);
      vstorePart<V>(dx, vflush<V>(vmul<V>(vmul<V>(weight, g), factor), splat<V>(FAINT)), n);
      dx += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(s.cols);
}

/**
 * Sigmoid and binary focal crossentropy in one: y = sigmoid(x), losses = mean over the row of w (1 - p_t)^gamma H, H the binary
 * crossentropy, from x as in sigmoidCrossentropy, p_t = t y + (1 - t) (1 - y), w = t alpha + (1 - t) (1 - alpha) where balanced, else 1.
 * A unit that is sure and wrong keeps its whole gradient.
 */
export function sigmoidFocalCrossentropy(args: LogitsFocalArgs, task: i32, scratch: usize): void {
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>args.cols) << 2;
    const dx = args.dx ? args.dx + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? sigmoidRow<v128>(args, dx, args.y + o, args.x + o, args.t + o)
      : sigmoidRow<f32>(args, dx, args.y + o, args.x + o, args.t + o);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

/** t (gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma): the derivative of t (1 - p)^gamma -log p by p, times p. */
// @ts-ignore: decorator
@inline
function pull<V>(p: V, log: V, t: V, gamma: f32): V {
  const lacks = vsub<V>(splat<V>(1), p);
  const rising = vmul<V>(vmul<V>(splat<V>(gamma), p), vmul<V>(power<V>(lacks, gamma - 1), log));
  return vmul<V>(t, vsub<V>(rising, power<V>(lacks, gamma)));
}

function softmaxRow<V>(s: LogitsFocalArgs, dx: usize, y: usize, x: usize, t: usize): f32 {
  const gamma = s.gamma, cols = s.cols, m = rowMax<V>(x, cols);
  const sum = rowExp<V>(y, x, cols, m);
  const total = splat<V>(sum), max = splat<V>(m), logSum = splat<V>(vlog<f32>(sum));
  let loss = splat<V>(0), pulls = splat<V>(0);
  let n = cols, p = y, v = x, q = t;
  for (; n > 0; n -= lanes<V>(), p += sizeof<V>(), v += sizeof<V>(), q += sizeof<V>()) {
    const share = vdiv<V>(vload<V>(p), total), target = vloadPart<V>(q, n, 0);
    const log = vsub<V>(vsub<V>(vload<V>(v), max), logSum);
    const focus = power<V>(vsub<V>(splat<V>(1), share), gamma);
    loss = vsub<V>(loss, firstLanes<V>(vmul<V>(target, vmul<V>(focus, log)), n));
    pulls = vadd<V>(pulls, firstLanes<V>(pull<V>(share, log, target, gamma), n));
    vstorePart<V>(p, share, n);
  }
  if (dx) {
    const all = splat<V>(hsum<V>(pulls)), factor = splat<V>(s.alpha * s.scale);
    n = cols, p = y, v = x, q = t;
    for (; n > 0; n -= lanes<V>(), p += sizeof<V>(), v += sizeof<V>(), q += sizeof<V>(), dx += sizeof<V>()) {
      const share = vload<V>(p);
      const log = vsub<V>(vsub<V>(vload<V>(v), max), logSum);
      const g = vsub<V>(pull<V>(share, log, vload<V>(q), gamma), vmul<V>(share, all));
      vstorePart<V>(dx, vflush<V>(vmul<V>(g, factor), splat<V>(FAINT)), n);
    }
  }
  return hsum<V>(loss) * s.alpha;
}

/**
 * Softmax and categorical focal crossentropy in one: y = softmax(x), losses = alpha times the sum over the row of
 * -t (1 - y)^gamma log y, the logarithm from x: no answer is so wrong that it stops learning.
 */
export function softmaxFocalCrossentropy(args: LogitsFocalArgs, task: i32, scratch: usize): void {
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>args.cols) << 2;
    const dx = args.dx ? args.dx + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? softmaxRow<v128>(args, dx, args.y + o, args.x + o, args.t + o)
      : softmaxRow<f32>(args, dx, args.y + o, args.x + o, args.t + o);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

// @ts-ignore: decorator
@inline
function clip<V>(y: V): V {
  return vpmin<V>(vpmax<V>(y, splat<V>(EPSILON)), splat<V>(CEILING));
}

/** g where y is within the clip or NaN, else 0. */
// @ts-ignore: decorator
@inline
function whereUnclipped<V>(y: V, g: V): V {
  const zero = splat<V>(0);
  return vselectGreater<V>(splat<V>(EPSILON), y, zero, vselectGreater<V>(y, splat<V>(CEILING), zero, g));
}

function binaryRow<V>(s: FocalArgs, dy: usize, y: usize, t: usize): f32 {
  const one = splat<V>(1), gamma = s.gamma, balanced = s.applyClassBalancing != 0;
  const factor = splat<V>(s.scale / f32(s.cols));
  let loss = splat<V>(0);
  for (let n = s.cols; n > 0; n -= lanes<V>(), y += sizeof<V>(), t += sizeof<V>()) {
    const v = vload<V>(y), target = vload<V>(t), p = clip<V>(v), rest = vsub<V>(one, p);
    const likelihood = mix<V>(target, vlog<V>(p), vlog<V>(rest));
    const lacks = mix<V>(target, vsub<V>(one, v), v);
    const focus = power<V>(lacks, gamma), weight = balance<V>(target, s.alpha, balanced);
    loss = vsub<V>(loss, firstLanes<V>(vmul<V>(weight, vmul<V>(focus, likelihood)), n));
    if (dy) {
      const g = whereUnclipped<V>(v, vdiv<V>(vsub<V>(p, target), vmul<V>(p, rest)));
      const slope = vsub<V>(vadd<V>(target, target), one);
      const turn = vmul<V>(vmul<V>(vmul<V>(splat<V>(gamma), power<V>(lacks, gamma - 1)), slope), likelihood);
      vstorePart<V>(dy, vmul<V>(vmul<V>(weight, vadd<V>(vmul<V>(focus, g), turn)), factor), n);
      dy += sizeof<V>();
    }
  }
  return hsum<V>(loss) / f32(s.cols);
}

/** Binary focal crossentropy of probabilities, as Keras computes it: the entropy's are clipped, those of the focus are not. */
export function binaryFocalCrossentropy(args: FocalArgs, task: i32, scratch: usize): void {
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>args.cols) << 2;
    const dy = args.dy ? args.dy + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? binaryRow<v128>(args, dy, args.y + o, args.t + o)
      : binaryRow<f32>(args, dy, args.y + o, args.t + o);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}

function categoricalRow<V>(s: FocalArgs, dy: usize, y: usize, t: usize): f32 {
  const gamma = s.gamma, cols = s.cols;
  let sums = splat<V>(0);
  let n = cols, v = y, q = t;
  for (; n > 0; n -= lanes<V>(), v += sizeof<V>()) sums = vadd<V>(sums, vloadPart<V>(v, n, 0));
  const total = splat<V>(hsum<V>(sums));
  let loss = splat<V>(0), pulls = splat<V>(0);
  n = cols, v = y;
  for (; n > 0; n -= lanes<V>(), v += sizeof<V>(), q += sizeof<V>()) {
    const share = vdiv<V>(vload<V>(v), total), p = clip<V>(share), target = vloadPart<V>(q, n, 0), log = vlog<V>(p);
    const focus = power<V>(vsub<V>(splat<V>(1), p), gamma);
    loss = vsub<V>(loss, firstLanes<V>(vmul<V>(target, vmul<V>(focus, log)), n));
    pulls = vadd<V>(pulls, firstLanes<V>(whereUnclipped<V>(share, pull<V>(p, log, target, gamma)), n));
  }
  if (dy) {
    const all = splat<V>(hsum<V>(pulls)), factor = vdiv<V>(splat<V>(s.alpha * s.scale), total);
    n = cols, v = y, q = t;
    for (; n > 0; n -= lanes<V>(), v += sizeof<V>(), q += sizeof<V>(), dy += sizeof<V>()) {
      const share = vdiv<V>(vload<V>(v), total), p = clip<V>(share);
      const g = whereUnclipped<V>(share, vdiv<V>(pull<V>(p, vlog<V>(p), vload<V>(q), gamma), p));
      vstorePart<V>(dy, vmul<V>(vsub<V>(g, all), factor), n);
    }
  }
  return hsum<V>(loss) * s.alpha;
}

/** Categorical focal crossentropy of probabilities, whose rows are made to sum to 1 and clipped as Keras clips them. */
export function categoricalFocalCrossentropy(args: FocalArgs, task: i32, scratch: usize): void {
  const r1 = min((task + 1) * args.grain, args.rows);
  for (let r = task * args.grain; r < r1; r++) {
    const o = (<usize>r * <usize>args.cols) << 2;
    const dy = args.dy ? args.dy + o : 0;
    const loss = ASC_FEATURE_SIMD
      ? categoricalRow<v128>(args, dy, args.y + o, args.t + o)
      : categoricalRow<f32>(args, dy, args.y + o, args.t + o);
    store<f32>(args.losses + (<usize>r << 2), loss);
  }
}
