import {
  NORMAL, Pair, WIDE, lanes, madd, splat, vadd, vbytes, vdiv, vflush, vload, vmul, vpmax, vsqrt, vstorePart, vsub,
} from "./simd";

// Optimizers, with Keras's formulas, over one contiguous vector w[n] of all parameters and its gradient g[n].
// What changes from step to step is in memory, in an OptimizerState; the argument structs never change.
// Denormals, which cost a hundred times what other numbers do, are flushed to 0: from weights and state vectors, which decay
// to a denormal where gradients stay 0, and stick there; and from gradients, as soon as a denormal would come of them and no
// weight could tell, since their share of a mean of squares would be lost beside epsilon. (With an epsilon below 1e-14 they are
// not, and such means stay.) Flushing takes as long as an update: it is done in one step of sixteen, and in every step that
// finds such gradients.

/** Aligned to 8 bytes. The host writes learningRate when it changes, beta1 and beta2 once; zero `step` to begin anew. */
// @host
@unmanaged
export class OptimizerState {
  learningRate: f64;
  beta1: f64;
  beta2: f64;
  step: u32; // steps begun; advanceStep adds 1. With w and the state vectors all that a checkpoint needs
  rate: f32; // learningRate in f32
  alpha: f32; // Adam's learningRate sqrt(1 - beta2^step) / (1 - beta1^step)
}

/** Begins a step: step += 1, and the scalars that follow from it. One task, before the update of any parameter. */
@unmanaged
export class AdvanceStepArgs {
  state: usize; // few bytes: an OptimizerState
}

export function advanceStep(args: AdvanceStepArgs, task: i32, scratch: usize): void {
  const s = changetype<OptimizerState>(args.state);
  const t = s.step + 1;
  s.step = t;
  s.rate = <f32>s.learningRate;
  s.alpha = <f32>(s.learningRate * sqrt<f64>(1 - power(s.beta2, t)) / (1 - power(s.beta1, t)));
}

/** b^t by squaring: from the step alone, so that a resumed run has the same bits. */
function power(b: f64, t: u32): f64 {
  let p: f64 = 1;
  for (; t; t >>= 1, b *= b) if (t & 1) p *= b;
  return p;
}

/** Steps between two that flush, less one. */
const REST: u32 = 15;
/** Every so manyth gradient of a task is looked at, in each step others: a kernel's columns are all seen in the end. */
const STRIDE: u32 = 61;

/**
 * Whether this step flushes g[n], and what belongs to it. It hangs on the data and the step alone, never on the threads.
 * Exported, as the loops that flush are, so that the loops that do not are compiled for themselves: see index.ts.
 */
export function flushes(state: usize, g: usize, n: u32, floor: f32): bool {
  if ((changetype<OptimizerState>(state).step & REST) == 0) return true;
  let faint = 0;
  for (let i = changetype<OptimizerState>(state).step % STRIDE; i < n; i += STRIDE) {
    const a = abs<f32>(load<f32>(g + (<usize>i << 2)));
    faint |= i32(a < floor) & i32(a > 0);
  }
  return faint != 0;
}

/** v, where a loop flushes with 0 in the place of what is below floor. */
// @ts-ignore: decorator
@inline
function settled<V>(v: V, floor: V, flush: bool): V {
  return flush ? vflush<V>(v, floor) : v;
}

/**
 * Weight decay wd > 0: w -= learningRate wd w before the update, decoupled from g (Loshchilov and Hutter 2019).
 * momentum 0: w -= learningRate g. Else m = momentum m - learningRate g, then w += m,
 * or with nesterov w += momentum m - learningRate g.
 */
@unmanaged
export class SgdArgs {
  w: usize; // inout
  g: usize;
  m: usize; // inout; 0 if momentum is 0
  state: usize; // few bytes: an OptimizerState
  n: i32;
  momentum: f32;
  nesterov: i32;
  weightDecay: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function sgdLoop<V>(s: SgdArgs, i0: i32, n: i32, kind: i32, flush: bool): void {
  const o = <usize>i0 << 2;
  let pw = s.w + o, pg = s.g + o, pm = s.m + o;
  const learningRate = changetype<OptimizerState>(s.state).rate;
  const rate = splat<V>(learningRate), decay = splat<V>(learningRate * s.weightDecay), momentum = splat<V>(s.momentum);
  const normal = splat<V>(NORMAL), floor = splat<V>(NORMAL / learningRate);
  for (; n > 0; n -= lanes<V>(), pw += vbytes<V>(), pg += vbytes<V>(), pm += vbytes<V>()) {
    let w = vload<V>(pw);
    w = vsub<V>(w, vmul<V>(w, decay));
    const step = vmul<V>(settled<V>(vload<V>(pg), floor, flush), rate);
    if (kind == 0) w = vsub<V>(w, step);
    else {
      const m = settled<V>(vsub<V>(vmul<V>(vload<V>(pm), momentum), step), normal, flush);
      vstorePart<V>(pm, m, n);
      w = vadd<V>(w, kind == 1 ? m : vsub<V>(vmul<V>(m, momentum), step));
    }
    vstorePart<V>(pw, settled<V>(w, normal, flush), n);
  }
}

// @ts-ignore: decorator
@inline
function sgdKinds<V>(s: SgdArgs, i0: i32, n: i32, flush: bool): void {
  if (s.m == 0 || s.momentum == 0) sgdLoop<V>(s, i0, n, 0, flush);
  else if (!s.nesterov) sgdLoop<V>(s, i0, n, 1, flush);
  else sgdLoop<V>(s, i0, n, 2, flush);
}

function sgdOf<V>(s: SgdArgs, i0: i32, n: i32): void {
  const floor = NORMAL / changetype<OptimizerState>(s.state).rate;
  if (flushes(s.state, s.g + (<usize>i0 << 2), n, floor)) sgdFlush(s, i0, n);
  else sgdKinds<V>(s, i0, n, false);
}

export function sgdFlush(s: SgdArgs, i0: i32, n: i32): void {
  if (WIDE) sgdKinds<Pair>(s, i0, n, true);
  else if (ASC_FEATURE_SIMD) sgdKinds<v128>(s, i0, n, true);
  else sgdKinds<f32>(s, i0, n, true);
}

export function sgd(args: SgdArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (WIDE) sgdOf<Pair>(args, i0, n);
  else if (ASC_FEATURE_SIMD) sgdOf<v128>(args, i0, n);
  else sgdOf<f32>(args, i0, n);
}

/** The least gradient whose square, times `rest`, is normal; or the greatest that epsilon hides, where that is less. */
function leastGradient(rest: f32, hidden: f32): f32 {
  return min<f32>(sqrt<f32>(NORMAL / rest) * 1.0001, hidden);
}

/** Half a unit in the last place of an f32, and less. */
const INVISIBLE: f32 = 1 / 33554432.0;

/**
 * RMSprop (Hinton's lecture 6, 2012) with Keras's placing of epsilon, under the root:
 *   v = rho v + (1 - rho) g^2;  centered: a = rho a + (1 - rho) g, and v - a^2 in the place of v below
 *   u = learningRate g / sqrt(v + epsilon);  momentum > 0: m = momentum m + u, u = m;  w -= u
 * Departure: v - a^2 is held above 0, where rounding could make a root of a negative number. Weight decay as in sgd.
 */
@unmanaged
export class RmspropArgs {
  w: usize; // inout
  g: usize;
  v: usize; // inout
  a: usize; // inout; 0 if not centered
  m: usize; // inout; 0 if momentum is 0
  state: usize; // few bytes: an OptimizerState
  n: i32;
  rho: f32; // Keras default 0.9
  oneMinusRho: f32; // rounded once, by the host
  momentum: f32;
  epsilon: f32; // Keras default 1e-7
  weightDecay: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function rmspropLoop<V>(
  s: RmspropArgs, i0: i32, n: i32, centered: bool, withMomentum: bool, flush: bool, least: f32,
): void {
  const o = <usize>i0 << 2;
  let pw = s.w + o, pg = s.g + o, pv = s.v + o, pa = s.a + o, pm = s.m + o;
  const learningRate = changetype<OptimizerState>(s.state).rate;
  const rate = splat<V>(learningRate), decay = splat<V>(learningRate * s.weightDecay), momentum = splat<V>(s.momentum);
  const rho = splat<V>(s.rho), rest = splat<V>(s.oneMinusRho), epsilon = splat<V>(s.epsilon);
  const normal = splat<V>(NORMAL), floor = splat<V>(least), floorV = splat<V>(least * least);
  for (; n > 0; n -= lanes<V>(), pw += vbytes<V>(), pg += vbytes<V>(), pv += vbytes<V>()) {
    let w = vload<V>(pw);
    w = vsub<V>(w, vmul<V>(w, decay));
    const g = settled<V>(vload<V>(pg), floor, flush);
    let v = settled<V>(madd<V>(rho, vload<V>(pv), vmul<V>(rest, vmul<V>(g, g))), floorV, flush);
    vstorePart<V>(pv, v, n);
    if (centered) {
      const a = settled<V>(madd<V>(rho, vload<V>(pa), vmul<V>(rest, g)), normal, flush);
      vstorePart<V>(pa, a, n);
      v = vpmax<V>(vsub<V>(v, vmul<V>(a, a)), splat<V>(0));
      pa += vbytes<V>();
    }
    let u = vdiv<V>(vmul<V>(rate, g), vsqrt<V>(vadd<V>(v, epsilon)));
    if (withMomentum) {
      u = settled<V>(madd<V>(momentum, vload<V>(pm), u), normal, flush);
      vstorePart<V>(pm, u, n);
      pm += vbytes<V>();
    }
    vstorePart<V>(pw, settled<V>(vsub<V>(w, u), normal, flush), n);
  }
}

// @ts-ignore: decorator
@inline
function rmspropKinds<V>(s: RmspropArgs, i0: i32, n: i32, flush: bool, least: f32): void {
  const withMomentum = s.m != 0 && s.momentum != 0;
  if (s.a == 0) {
    if (withMomentum) rmspropLoop<V>(s, i0, n, false, true, flush, least);
    else rmspropLoop<V>(s, i0, n, false, false, flush, least);
  } else {
    if (withMomentum) rmspropLoop<V>(s, i0, n, true, true, flush, least);
    else rmspropLoop<V>(s, i0, n, true, false, flush, least);
  }
}

function rmspropOf<V>(s: RmspropArgs, i0: i32, n: i32): void {
  const least = leastGradient(s.oneMinusRho, sqrt<f32>(s.epsilon * INVISIBLE));
  if (flushes(s.state, s.g + (<usize>i0 << 2), n, least)) rmspropFlush(s, i0, n, least);
  else rmspropKinds<V>(s, i0, n, false, least);
}

export function rmspropFlush(s: RmspropArgs, i0: i32, n: i32, least: f32): void {
  if (WIDE) rmspropKinds<Pair>(s, i0, n, true, least);
  else if (ASC_FEATURE_SIMD) rmspropKinds<v128>(s, i0, n, true, least);
  else rmspropKinds<f32>(s, i0, n, true, least);
}

export function rmsprop(args: RmspropArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (WIDE) rmspropOf<Pair>(args, i0, n);
  else if (ASC_FEATURE_SIMD) rmspropOf<v128>(args, i0, n);
  else rmspropOf<f32>(args, i0, n);
}

/**
 * Adam (Kingma and Ba 2015) in the form before the paper's section 2.1, as Keras has it (epsilon is its "epsilon hat"):
 *   m += (g - m) (1 - beta1);  v += (g^2 - v) (1 - beta2);  w -= alpha m / (sqrt(v) + epsilon)
 * alpha from advanceStep. With weightDecay this is AdamW: see sgd.
 */
@unmanaged
export class AdamArgs {
  w: usize; // inout
  g: usize;
  m: usize; // inout
  v: usize; // inout
  state: usize; // few bytes: an OptimizerState
  n: i32;
  oneMinusBeta1: f32; // 1 - beta1, rounded once by the host; Keras default 0.1
  oneMinusBeta2: f32; // Keras default 0.001
  epsilon: f32; // Keras default 1e-7
  weightDecay: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function adamVector<V>(
  pw: usize, pg: usize, pm: usize, pv: usize, n: i32, alpha: V, decay: V, rest1: V, rest2: V, epsilon: V, floor: V,
  floorV: V, flush: bool,
): void {
  const normal = splat<V>(NORMAL);
  let w = vload<V>(pw);
  w = vsub<V>(w, vmul<V>(w, decay));
  const g = settled<V>(vload<V>(pg), floor, flush);
  let m = vload<V>(pm), v = vload<V>(pv);
  m = settled<V>(madd<V>(vsub<V>(g, m), rest1, m), normal, flush);
  v = settled<V>(madd<V>(vsub<V>(vmul<V>(g, g), v), rest2, v), floorV, flush);
  w = vsub<V>(w, vdiv<V>(vmul<V>(m, alpha), vadd<V>(vsqrt<V>(v), epsilon)));
  vstorePart<V>(pm, m, n);
  vstorePart<V>(pv, v, n);
  vstorePart<V>(pw, settled<V>(w, normal, flush), n);
}

// @ts-ignore: decorator
@inline
function adamLoop<V>(s: AdamArgs, i0: i32, n: i32, flush: bool, least: f32): void {
  const o = <usize>i0 << 2;
  let pw = s.w + o, pg = s.g + o, pm = s.m + o, pv = s.v + o;
  const state = changetype<OptimizerState>(s.state);
  const alpha = splat<V>(state.alpha), decay = splat<V>(state.rate * s.weightDecay), epsilon = splat<V>(s.epsilon);
  const rest1 = splat<V>(s.oneMinusBeta1), rest2 = splat<V>(s.oneMinusBeta2);
  const floor = splat<V>(least), floorV = splat<V>(least * least);
  for (; n >= lanes<V>(); n -= lanes<V>()) {
    adamVector<V>(pw, pg, pm, pv, lanes<V>(), alpha, decay, rest1, rest2, epsilon, floor, floorV, flush);
    pw += vbytes<V>();
    pg += vbytes<V>();
    pm += vbytes<V>();
    pv += vbytes<V>();
  }
  if (lanes<V>() > 1 && n > 0) {
    adamVector<V>(pw, pg, pm, pv, n, alpha, decay, rest1, rest2, epsilon, floor, floorV, flush);
  }
}

function adamOf<V>(s: AdamArgs, i0: i32, n: i32): void {
  const least = leastGradient(s.oneMinusBeta2, s.epsilon * INVISIBLE);
  if (flushes(s.state, s.g + (<usize>i0 << 2), n, least)) adamFlush(s, i0, n, least);
  else adamLoop<V>(s, i0, n, false, least);
}

export function adamFlush(s: AdamArgs, i0: i32, n: i32, least: f32): void {
  if (WIDE) adamLoop<Pair>(s, i0, n, true, least);
  else if (ASC_FEATURE_SIMD) adamLoop<v128>(s, i0, n, true, least);
  else adamLoop<f32>(s, i0, n, true, least);
}

export function adam(args: AdamArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (WIDE) adamOf<Pair>(args, i0, n);
  else if (ASC_FEATURE_SIMD) adamOf<v128>(args, i0, n);
  else adamOf<f32>(args, i0, n);
}
