import { OptimizerState } from "../optimizer";
import {
  NORMAL, lanes, madd, splat, vabs, vadd, vdiv, vflush, vload, vmul, vpmax, vselectGreater, vsqrt, vstorePart, vsub,
} from "../simd";

// Further optimizers, with Keras's formulas: see ../optimizer.ts. Weight decay is decoupled there as here. Denormals are flushed to 0
// from weights and state in every step.

const ADAGRAD = 0;
const ADADELTA = 1;
const ADAMAX = 2;
const LION = 3;
const NADAM = 4;

/** What all of these take; which of it counts is said at each. */
@unmanaged
export class FurtherOptimizerArgs {
  w: usize; // inout
  g: usize;
  m: usize; // inout
  v: usize; // inout; 0 for one that keeps one vector
  state: usize; // few bytes: an OptimizerState
  rates: usize; // few bytes: nadam's, else 0
  n: i32;
  a: f32; // beta1, rho
  oneMinusA: f32; // rounded once, by the host
  b: f32; // beta2; adagrad's initialAccumulatorValue
  oneMinusB: f32;
  epsilon: f32;
  weightDecay: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function tiny<V>(v: V): V {
  return vflush<V>(v, splat<V>(NORMAL));
}

// @ts-ignore: decorator
@inline
function loop<V>(kind: i32, s: FurtherOptimizerArgs, i0: i32, n: i32): void {
  const o = <usize>i0 << 2;
  let pw = s.w + o, pg = s.g + o, pm = s.m + o, pv = s.v + o;
  const state = changetype<OptimizerState>(s.state);
  const rate = splat<V>(state.rate), alpha = splat<V>(state.alpha), decay = splat<V>(state.rate * s.weightDecay);
  const a = splat<V>(s.a), restA = splat<V>(s.oneMinusA), b = splat<V>(s.b), restB = splat<V>(s.oneMinusB);
  const epsilon = splat<V>(s.epsilon), zero = splat<V>(0);
  const ofM = splat<V>(kind == NADAM ? load<f32>(s.rates) : 0), ofG = splat<V>(kind == NADAM ? load<f32>(s.rates, 4) : 0);
  const ofV = splat<V>(kind == NADAM ? load<f32>(s.rates, 8) : 0);
  for (; n > 0; n -= lanes<V>(), pw += sizeof<V>(), pg += sizeof<V>(), pm += sizeof<V>(), pv += sizeof<V>()) {
    let w = vload<V>(pw);
    w = vsub<V>(w, vmul<V>(w, decay));
    const g = vload<V>(pg);
    let m = vload<V>(pm), u: V;
    if (kind == ADAGRAD) {
      m = tiny<V>(madd<V>(g, g, m));
      u = vdiv<V>(vmul<V>(rate, g), vsqrt<V>(vadd<V>(vadd<V>(m, b), epsilon)));
    } else if (kind == ADADELTA) {
      const d = vload<V>(pv);
      m = tiny<V>(madd<V>(a, m, vmul<V>(restA, vmul<V>(g, g))));
      const step = vdiv<V>(vmul<V>(vsqrt<V>(vadd<V>(d, epsilon)), g), vsqrt<V>(vadd<V>(m, epsilon)));
      vstorePart<V>(pv, tiny<V>(madd<V>(a, d, vmul<V>(restA, vmul<V>(step, step)))), n);
      u = vmul<V>(rate, step);
    } else if (kind == ADAMAX) {
      m = tiny<V>(madd<V>(vsub<V>(g, m), restA, m));
      const most = tiny<V>(vpmax<V>(vabs<V>(g), vmul<V>(b, vload<V>(pv))));
      vstorePart<V>(pv, most, n);
      u = vdiv<V>(vmul<V>(alpha, m), vadd<V>(most, epsilon));
    } else if (kind == LION) {
      const c = madd<V>(m, a, vmul<V>(g, restA));
      u = vselectGreater<V>(c, zero, rate, vselectGreater<V>(zero, c, vsub<V>(zero, rate), vmul<V>(c, zero))); // NaN stays
      m = tiny<V>(madd<V>(m, b, vmul<V>(g, restB)));
    } else {
      m = tiny<V>(madd<V>(vsub<V>(g, m), restA, m));
      let v = vload<V>(pv);
      v = tiny<V>(madd<V>(vsub<V>(vmul<V>(g, g), v), restB, v));
      vstorePart<V>(pv, v, n);
      const mean = vadd<V>(vmul<V>(ofM, m), vmul<V>(ofG, g));
      u = vdiv<V>(vmul<V>(mean, rate), vadd<V>(vsqrt<V>(vmul<V>(v, ofV)), epsilon));
    }
    vstorePart<V>(pm, m, n);
    vstorePart<V>(pw, tiny<V>(vsub<V>(w, u)), n);
  }
}

// @ts-ignore: decorator
@inline
function update(kind: i32, args: FurtherOptimizerArgs, task: i32): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (ASC_FEATURE_SIMD) loop<v128>(kind, args, i0, n);
  else loop<f32>(kind, args, i0, n);
}

/**
 * Adagrad (Duchi et al. 2011): m += g^2; w -= learningRate g / sqrt(m + b + epsilon). b, the initial value of Keras's accumulator,
 * is added when it is used, so that state begins at 0.
 */
export function adagradStep(args: FurtherOptimizerArgs, task: i32, scratch: usize): void {
  update(ADAGRAD, args, task);
}

/** Adadelta (Zeiler 2012): m = a m + (1 - a) g^2; d = sqrt(v + epsilon) g / sqrt(m + epsilon); v = a v + (1 - a) d^2; w -= learningRate d. */
export function adadeltaStep(args: FurtherOptimizerArgs, task: i32, scratch: usize): void {
  update(ADADELTA, args, task);
}

/** Adamax (Kingma and Ba 2015, section 7.1): m += (g - m) (1 - a); v = max(b v, |g|); w -= alpha m / (v + epsilon), alpha = learningRate / (1 - a^step). */
export function adamaxStep(args: FurtherOptimizerArgs, task: i32, scratch: usize): void {
  update(ADAMAX, args, task);
}

/** Lion (Chen et al. 2023): w -= learningRate sign(a m + (1 - a) g); m = b m + (1 - b) g. */
export function lionStep(args: FurtherOptimizerArgs, task: i32, scratch: usize): void {
  update(LION, args, task);
}

/** Nadam (Dozat 2016): m and v as Adam's; w -= learningRate (rates[0] m + rates[1] g) / (sqrt(rates[2] v) + epsilon), rates of nadamRates. */
export function nadamStep(args: FurtherOptimizerArgs, task: i32, scratch: usize): void {
  update(NADAM, args, task);
}

/**
 * out[3] = u' / (1 - P u'), (1 - u) / (1 - P), 1 / (1 - beta2^step), with u = beta1 (1 - 0.96^step / 2), u' that of the next step, P the product of
 * all u so far. From the step alone, so that a resumed run has the same bits. One task.
 */
@unmanaged
export class NadamRatesArgs {
  out: usize; // few bytes
  state: usize; // few bytes: an OptimizerState
}

export function nadamRates(args: NadamRatesArgs, task: i32, scratch: usize): void {
  const state = changetype<OptimizerState>(args.state);
  let product: f64 = 1, fading: f64 = 1, u: f64 = 0, power: f64 = 1;
  for (let t: u32 = 0; t < state.step; t++) {
    fading *= 0.96;
    power *= state.beta2;
    u = state.beta1 * (1 - 0.5 * fading);
    product *= u;
    // From here on neither of them shows any more.
    if (product < 1e-30 && power < 1e-30) break;
  }
  const next = state.beta1 * (1 - 0.5 * fading * 0.96);
  store<f32>(args.out, <f32>(next / (1 - product * next)));
  store<f32>(args.out, <f32>((1 - u) / (1 - product)), 4);
  store<f32>(args.out, <f32>(1 / (1 - power)), 8);
}

/** average[n] = momentum average + (1 - momentum) w, once more than `begun` steps were begun; before, w. */
@unmanaged
export class MovingAverageArgs {
  average: usize; // inout
  w: usize;
  state: usize; // few bytes: an OptimizerState
  n: i32;
  begun: u32;
  momentum: f32;
  oneMinusMomentum: f32; // rounded once, by the host
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function averageOf<V>(s: MovingAverageArgs, i0: i32, n: i32): void {
  const o = <usize>i0 << 2;
  const first = changetype<OptimizerState>(s.state).step <= s.begun;
  const momentum = splat<V>(first ? 0 : s.momentum), rest = splat<V>(first ? 1 : s.oneMinusMomentum);
  let pa = s.average + o, pw = s.w + o;
  for (; n > 0; n -= lanes<V>(), pa += sizeof<V>(), pw += sizeof<V>()) {
    vstorePart<V>(pa, tiny<V>(madd<V>(momentum, vload<V>(pa), vmul<V>(rest, vload<V>(pw)))), n);
  }
}

export function movingAverage(args: MovingAverageArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (ASC_FEATURE_SIMD) averageOf<v128>(args, i0, n);
  else averageOf<f32>(args, i0, n);
}

/** With `last` 0 sum[n] += g. Else g = (g + sum) share, and sum = 0. */
@unmanaged
export class AccumulateArgs {
  sum: usize; // inout
  g: usize; // inout
  n: i32;
  last: i32;
  share: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function accumulateOf<V>(s: AccumulateArgs, i0: i32, n: i32): void {
  const o = <usize>i0 << 2;
  const share = splat<V>(s.share), zero = splat<V>(0);
  let ps = s.sum + o, pg = s.g + o;
  for (; n > 0; n -= lanes<V>(), ps += sizeof<V>(), pg += sizeof<V>()) {
    const sum = tiny<V>(vadd<V>(vload<V>(pg), vload<V>(ps)));
    if (s.last) vstorePart<V>(pg, vmul<V>(sum, share), n);
    vstorePart<V>(ps, s.last ? zero : sum, n);
  }
}

export function accumulate(args: AccumulateArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  if (ASC_FEATURE_SIMD) accumulateOf<v128>(args, i0, n);
  else accumulateOf<f32>(args, i0, n);
}
