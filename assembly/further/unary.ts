import {
  FAINT, lanes, loadSplat, madd, splat, vabs, vadd, vdiv, vflush, vload, vmul, vpmax, vpmin, vselectGreater,
  vstorePart, vsub,
} from "../simd";
import { vexp, vexpm1, vlog1p, vsigmoid } from "../vmath";

// Functions of one number whose derivative needs x. Formulas and constants are Keras 3's.
/** a x + b */
// @host
export const LINEAR = 0;
/** x > c ? min(x, b) : a (x - c) */
// @host
export const BOUNDED_RELU = 1;
/** x / (1 + e^-x) */
// @host
export const SILU = 2;
/** x Phi(x), Phi the normal distribution: (1 + erf(x / sqrt 2)) / 2 */
// @host
export const GELU = 3;
/** x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
// @host
export const GELU_APPROXIMATE = 4;
/** log(1 + e^x) */
// @host
export const SOFTPLUS = 5;
/** x / (1 + |x|) */
// @host
export const SOFTSIGN = 6;
/** a x for x > 0, b (e^x - 1) below */
// @host
export const SELU = 7;
/** min(max(x + 3, 0), 6) / 6 */
// @host
export const HARD_SIGMOID = 8;
/** x times that */
// @host
export const HARD_SILU = 9;
/** e^x */
// @host
export const EXPONENTIAL = 10;
/** x tanh(log(1 + e^x)) */
// @host
export const MISH = 11;

/** y[n] = f(x[n]); y may be x. NaN stays NaN. |y| < FAINT is stored as 0: see simd.ts. */
@unmanaged
export class UnaryForwardArgs {
  y: usize;
  x: usize;
  n: i32;
  kind: i32; // LINEAR .. MISH, see the constants above
  a: f32; // LINEAR, BOUNDED_RELU, SELU
  b: f32; // LINEAR, BOUNDED_RELU, SELU
  c: f32; // BOUNDED_RELU
  grain: i32; // elements in one task
}

// (1 - Phi(t)) e^(t^2 / 2) for t >= 0 in u = 1 / (1 + 0.3 t), lowest power first: a fit as those of vmath.ts, to 3.5
// ULP after rounding; at u = 1 it is 0.5 exactly.
const TAIL = memory.data<f32>([
  6.68674966e-6, 0.119495876, 0.121862106, 0.094910562, 0.142003685, -0.0757379681, 0.227989286, -0.168841884,
  0.0383116789,
]);
/** Where the smaller of Phi(t) and 1 - Phi(t) is 0 in f32, for no number below is normal. */
const NORMAL_END: f32 = 13.3;
const DENSITY: f32 = 0.3989422804014327; // 1 / sqrt(2 pi)
const GELU_SCALE: f32 = 1.5957691216057308; // 2 sqrt(2 / pi)
const GELU_CUBE: f32 = 0.044715;

/** x within +-limit; NaN stays. */
// @ts-ignore: decorator
@inline
function within<V>(x: V, limit: f32): V {
  return vpmin<V>(vpmax<V>(x, splat<V>(-limit)), splat<V>(limit));
}

/** e^(-x^2 / 2) for |x| <= NORMAL_END */
// @ts-ignore: decorator
@inline
function bell<V>(x: V): V {
  return vexp<V>(vmul<V>(vmul<V>(x, splat<V>(-0.5)), x));
}

/** Phi(x), of e = bell(x): of small results, too, the relative error is that of e and 4 ULP. */
// @ts-ignore: decorator
@inline
function normal<V>(x: V, e: V): V {
  const u = vdiv<V>(splat<V>(1), madd<V>(vabs<V>(x), splat<V>(0.3), splat<V>(1)));
  let p = madd<V>(loadSplat<V>(TAIL + 32), u, loadSplat<V>(TAIL + 28));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 24));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 20));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 16));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 12));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 8));
  p = madd<V>(p, u, loadSplat<V>(TAIL + 4));
  p = madd<V>(p, u, loadSplat<V>(TAIL));
  const tail = vmul<V>(p, e);
  return vselectGreater<V>(x, splat<V>(0), vsub<V>(splat<V>(1), tail), tail);
}

/** min(max(x + 3, 0), 6) / 6 */
// @ts-ignore: decorator
@inline
function hardSigmoid<V>(x: V): V {
  const six = splat<V>(6);
  return vdiv<V>(vpmin<V>(vpmax<V>(vadd<V>(x, splat<V>(3)), splat<V>(0)), six), six);
}

/** v where -3 < x < 3, else 0. */
// @ts-ignore: decorator
@inline
function inBend<V>(x: V, v: V): V {
  return vselectGreater<V>(splat<V>(3), vabs<V>(x), v, splat<V>(0));
}

/** What is tanh's e^(2 s) - 1 of s = log(1 + e^x): n (n + 2), n = e^x. */
// @ts-ignore: decorator
@inline
function ofMish<V>(n: V): V {
  return vmul<V>(n, vadd<V>(n, splat<V>(2)));
}

// x itself, as a factor, is kept from where the other is 0: no infinity meets it.
// @ts-ignore: decorator
@inline
function apply<V>(x: V, kind: i32, a: V, b: V, c: V): V {
  const one = splat<V>(1);
  if (kind == LINEAR) return vadd<V>(vmul<V>(x, a), b);
  if (kind == BOUNDED_RELU) {
    const below = vmul<V>(a, vpmax<V>(vsub<V>(x, c), splat<V>(-f32.MAX_VALUE)));
    return vselectGreater<V>(x, c, vpmin<V>(x, b), below);
  }
  if (kind == SILU) return vmul<V>(vpmax<V>(x, splat<V>(-90)), vsigmoid<V>(x));
  if (kind == GELU) {
    const t = within<V>(x, NORMAL_END);
    return vmul<V>(vpmax<V>(x, splat<V>(-NORMAL_END)), normal<V>(t, bell<V>(t)));
  }
  if (kind == GELU_APPROXIMATE) {
    const t = within<V>(x, 20);
    const u = vmul<V>(t, madd<V>(vmul<V>(t, t), splat<V>(GELU_SCALE * GELU_CUBE), splat<V>(GELU_SCALE)));
    return vmul<V>(vpmax<V>(x, splat<V>(-20)), vsigmoid<V>(u));
  }
  if (kind == SOFTPLUS) {
    return vadd<V>(vpmax<V>(x, splat<V>(0)), vlog1p<V>(vexp<V>(vsub<V>(splat<V>(0), vabs<V>(x)))));
  }
  if (kind == SOFTSIGN) return vdiv<V>(x, vadd<V>(one, vabs<V>(x)));
  if (kind == SELU) return vselectGreater<V>(x, splat<V>(0), vmul<V>(a, x), vmul<V>(b, vexpm1<V>(x)));
  if (kind == HARD_SIGMOID) return hardSigmoid<V>(x);
  if (kind == HARD_SILU) return vmul<V>(vpmax<V>(x, splat<V>(-3)), hardSigmoid<V>(x));
  if (kind == EXPONENTIAL) return vexp<V>(x);
  const t = ofMish<V>(vexp<V>(vpmin<V>(x, splat<V>(20))));
  return vmul<V>(vpmax<V>(x, splat<V>(-90)), vdiv<V>(t, vadd<V>(t, splat<V>(2))));
}

// @ts-ignore: decorator
@inline
function forwardLoop<V>(y: usize, x: usize, n: i32, kind: i32, a: f32, b: f32, c: f32): void {
  const va = splat<V>(a), vb = splat<V>(b), vc = splat<V>(c), faint = splat<V>(FAINT);
  for (; n > 0; n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>()) {
    vstorePart<V>(y, vflush<V>(apply<V>(vload<V>(x), kind, va, vb, vc), faint), n);
  }
}

function forward<V>(y: usize, x: usize, n: i32, kind: i32, a: f32, b: f32, c: f32): void {
  switch (kind) {
    case LINEAR: return forwardLoop<V>(y, x, n, LINEAR, a, b, c);
    case BOUNDED_RELU: return forwardLoop<V>(y, x, n, BOUNDED_RELU, a, b, c);
    case SILU: return forwardLoop<V>(y, x, n, SILU, a, b, c);
    case GELU: return forwardLoop<V>(y, x, n, GELU, a, b, c);
    case GELU_APPROXIMATE: return forwardLoop<V>(y, x, n, GELU_APPROXIMATE, a, b, c);
    case SOFTPLUS: return forwardLoop<V>(y, x, n, SOFTPLUS, a, b, c);
    case SOFTSIGN: return forwardLoop<V>(y, x, n, SOFTSIGN, a, b, c);
    case SELU: return forwardLoop<V>(y, x, n, SELU, a, b, c);
    case HARD_SIGMOID: return forwardLoop<V>(y, x, n, HARD_SIGMOID, a, b, c);
    case HARD_SILU: return forwardLoop<V>(y, x, n, HARD_SILU, a, b, c);
    case EXPONENTIAL: return forwardLoop<V>(y, x, n, EXPONENTIAL, a, b, c);
    case MISH: return forwardLoop<V>(y, x, n, MISH, a, b, c);
    default: unreachable();
  }
}

export function unaryForward(args: UnaryForwardArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const y = args.y + (<usize>i0 << 2), x = args.x + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) forward<v128>(y, x, n, args.kind, args.a, args.b, args.c);
  else forward<f32>(y, x, n, args.kind, args.a, args.b, args.c);
}

/**
 * dx[n] = dy[n] f'(x[n]); dx may be dy. Overwrites. |dx| < FAINT is stored as 0. At kinks as Keras has it on TensorFlow: the
 * slope is that of the side below for BOUNDED_RELU at c, above for SELU at 0; it is 0 at both ends of HARD_SIGMOID's bend, and at b.
 */
@unmanaged
export class UnaryBackwardArgs {
  dx: usize;
  dy: usize;
  x: usize;
  n: i32;
  kind: i32;
  a: f32;
  b: f32;
  c: f32;
  grain: i32; // elements in one task
}

/** f'(x) */
// @ts-ignore: decorator
@inline
function derive<V>(x: V, kind: i32, a: V, b: V, c: V): V {
  const zero = splat<V>(0), one = splat<V>(1);
  if (kind == LINEAR) return a;
  if (kind == BOUNDED_RELU) {
    return vselectGreater<V>(x, c, vselectGreater<V>(b, x, one, zero), a);
  }
  if (kind == SILU) {
    const s = vsigmoid<V>(x);
    return vmul<V>(s, madd<V>(within<V>(x, 90), vsub<V>(one, s), one));
  }
  if (kind == GELU) {
    const t = within<V>(x, NORMAL_END), e = bell<V>(t);
    return madd<V>(vmul<V>(t, splat<V>(DENSITY)), e, normal<V>(t, e));
  }
  if (kind == GELU_APPROXIMATE) {
    const t = within<V>(x, 20), q = vmul<V>(t, t);
    const s = vsigmoid<V>(vmul<V>(t, madd<V>(q, splat<V>(GELU_SCALE * GELU_CUBE), splat<V>(GELU_SCALE))));
    const slope = madd<V>(q, splat<V>(3 * GELU_SCALE * GELU_CUBE), splat<V>(GELU_SCALE));
    return vmul<V>(s, madd<V>(vmul<V>(t, slope), vsub<V>(one, s), one));
  }
  if (kind == SOFTPLUS) return vsigmoid<V>(x);
  if (kind == SOFTSIGN) {
    const r = vdiv<V>(one, vadd<V>(one, vabs<V>(x)));
    return vmul<V>(r, r);
  }
  if (kind == SELU) return vselectGreater<V>(zero, x, vmul<V>(b, vexp<V>(x)), a);
  if (kind == HARD_SIGMOID) return inBend<V>(x, splat<V>(1 / <f32>6));
  if (kind == HARD_SILU) return vadd<V>(hardSigmoid<V>(x), inBend<V>(x, vdiv<V>(x, splat<V>(6))));
  if (kind == EXPONENTIAL) return vexp<V>(x);
  // w + x w', w = t / (t + 2): w' = (1 - w) (1 + w) n / (1 + n), 1 - w = 2 / (t + 2)
  const limited = vpmin<V>(vpmax<V>(x, splat<V>(-90)), splat<V>(20)), n = vexp<V>(limited), t = ofMish<V>(n);
  const r = vdiv<V>(one, vadd<V>(t, splat<V>(2))), w = vmul<V>(t, r);
  const slope = vmul<V>(vmul<V>(vadd<V>(r, r), vadd<V>(one, w)), vdiv<V>(n, vadd<V>(one, n)));
  return madd<V>(limited, slope, w);
}

// @ts-ignore: decorator
@inline
function backwardLoop<V>(dx: usize, dy: usize, x: usize, n: i32, kind: i32, a: f32, b: f32, c: f32): void {
  const va = splat<V>(a), vb = splat<V>(b), vc = splat<V>(c), faint = splat<V>(FAINT);
  for (; n > 0; n -= lanes<V>(), dx += sizeof<V>(), dy += sizeof<V>(), x += sizeof<V>()) {
    vstorePart<V>(dx, vflush<V>(vmul<V>(vload<V>(dy), derive<V>(vload<V>(x), kind, va, vb, vc)), faint), n);
  }
}

function backward<V>(dx: usize, dy: usize, x: usize, n: i32, kind: i32, a: f32, b: f32, c: f32): void {
  switch (kind) {
    case LINEAR: return backwardLoop<V>(dx, dy, x, n, LINEAR, a, b, c);
    case BOUNDED_RELU: return backwardLoop<V>(dx, dy, x, n, BOUNDED_RELU, a, b, c);
    case SILU: return backwardLoop<V>(dx, dy, x, n, SILU, a, b, c);
    case GELU: return backwardLoop<V>(dx, dy, x, n, GELU, a, b, c);
    case GELU_APPROXIMATE: return backwardLoop<V>(dx, dy, x, n, GELU_APPROXIMATE, a, b, c);
    case SOFTPLUS: return backwardLoop<V>(dx, dy, x, n, SOFTPLUS, a, b, c);
    case SOFTSIGN: return backwardLoop<V>(dx, dy, x, n, SOFTSIGN, a, b, c);
    case SELU: return backwardLoop<V>(dx, dy, x, n, SELU, a, b, c);
    case HARD_SIGMOID: return backwardLoop<V>(dx, dy, x, n, HARD_SIGMOID, a, b, c);
    case HARD_SILU: return backwardLoop<V>(dx, dy, x, n, HARD_SILU, a, b, c);
    case EXPONENTIAL: return backwardLoop<V>(dx, dy, x, n, EXPONENTIAL, a, b, c);
    case MISH: return backwardLoop<V>(dx, dy, x, n, MISH, a, b, c);
    default: unreachable();
  }
}

export function unaryBackward(args: UnaryBackwardArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const o = <usize>i0 << 2;
  if (ASC_FEATURE_SIMD) backward<v128>(args.dx + o, args.dy + o, args.x + o, n, args.kind, args.a, args.b, args.c);
  else backward<f32>(args.dx + o, args.dy + o, args.x + o, n, args.kind, args.a, args.b, args.c);
}
