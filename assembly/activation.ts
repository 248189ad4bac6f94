import {
  FAINT, lanes, splat, vadd, vflush, vload, vmul, vrelu, vselectGreater, vselectLessEqual, vstore,
  vstorePart, vsub, vzeroWhereLessEqual,
} from "./simd";
import { vexpm1, vsigmoid, vtanh } from "./vmath";

// Kinds of activation, with alpha where one is used. Gradients are functions of y, so x need not be kept.
/** max(x, 0) */
// @host
export const RELU = 0;
/** x > 0 ? x : alpha x; alpha >= 0 (Keras's negative_slope, default 0.3) */
// @host
export const LEAKY_RELU = 1;
/** x > 0 ? x : alpha (e^x - 1); alpha >= 0 (Keras default 1) */
// @host
export const ELU = 2;
/** 1 / (1 + e^-x) */
// @host
export const SIGMOID = 3;
// @host
export const TANH = 4;

/** y[n] = f(x[n]); y may be x. NaN stays NaN. But for SIGMOID, |y| < FAINT is stored as 0: see simd.ts. */
@unmanaged
export class ActivationForwardArgs {
  y: usize;
  x: usize;
  n: i32;
  kind: i32; // RELU .. TANH, see the constants above
  alpha: f32; // LEAKY_RELU, ELU
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function bent<V>(x: V, kind: i32, alpha: V): V {
  return vselectGreater<V>(x, splat<V>(0), x, vmul<V>(alpha, kind == LEAKY_RELU ? x : vexpm1<V>(x)));
}

// @ts-ignore: decorator
@inline
function activate<V>(x: V, kind: i32, alpha: V): V {
  if (kind == RELU) return vrelu<V>(x);
  if (kind == SIGMOID) return vsigmoid<V>(x);
  return vflush<V>(kind == TANH ? vtanh<V>(x) : bent<V>(x, kind, alpha), splat<V>(FAINT));
}

// @ts-ignore: decorator
@inline
function forwardLoop<V>(y: usize, x: usize, n: i32, kind: i32, a: f32): void {
  const alpha = splat<V>(a);
  for (; n >= lanes<V>(); n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>()) {
    vstore<V>(y, activate<V>(vload<V>(x), kind, alpha));
  }
  if (isVector<V>() && n > 0) vstorePart<V>(y, activate<V>(vload<V>(x), kind, alpha), n);
}

function forward<V>(y: usize, x: usize, n: i32, kind: i32, alpha: f32): void {
  switch (kind) {
    case RELU: return forwardLoop<V>(y, x, n, RELU, alpha);
    case LEAKY_RELU: return forwardLoop<V>(y, x, n, LEAKY_RELU, alpha);
    case ELU: return forwardLoop<V>(y, x, n, ELU, alpha);
    case SIGMOID: return forwardLoop<V>(y, x, n, SIGMOID, alpha);
    case TANH: return forwardLoop<V>(y, x, n, TANH, alpha);
    default: unreachable();
  }
}

export function activationForward(args: ActivationForwardArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const y = args.y + (<usize>i0 << 2), x = args.x + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) forward<v128>(y, x, n, args.kind, args.alpha);
  else forward<f32>(y, x, n, args.kind, args.alpha);
}

/**
 * dx[n] = dy[n] f'(x[n]), f' from y = f(x); dx may be dy. Overwrites. |dx| < FAINT is stored as 0.
 * At x = 0: RELU 0, LEAKY_RELU and ELU alpha, as Keras has them. y = 0 belongs to x <= 0 alone, whatever alpha: where
 * alpha is 0 or the product underflows, y is a zero for x < 0, too.
 */
@unmanaged
export class ActivationBackwardArgs {
  dx: usize;
  dy: usize;
  y: usize;
  n: i32;
  kind: i32;
  alpha: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function derive<V>(dy: V, y: V, kind: i32, alpha: V): V {
  if (kind == RELU) return vzeroWhereLessEqual<V>(y, splat<V>(0), dy);
  if (kind == LEAKY_RELU) return vselectLessEqual<V>(y, splat<V>(0), vmul<V>(alpha, dy), dy);
  if (kind == ELU) return vselectLessEqual<V>(y, splat<V>(0), vmul<V>(dy, vadd<V>(y, alpha)), dy);
  if (kind == SIGMOID) return vmul<V>(dy, vmul<V>(y, vsub<V>(splat<V>(1), y)));
  return vmul<V>(dy, vsub<V>(splat<V>(1), vmul<V>(y, y)));
}

// @ts-ignore: decorator
@inline
function backwardLoop<V>(dx: usize, dy: usize, y: usize, n: i32, kind: i32, a: f32): void {
  const alpha = splat<V>(a), faint = splat<V>(FAINT);
  for (; n >= lanes<V>(); n -= lanes<V>(), dx += sizeof<V>(), dy += sizeof<V>(), y += sizeof<V>()) {
    vstore<V>(dx, vflush<V>(derive<V>(vload<V>(dy), vload<V>(y), kind, alpha), faint));
  }
  if (isVector<V>() && n > 0) {
    vstorePart<V>(dx, vflush<V>(derive<V>(vload<V>(dy), vload<V>(y), kind, alpha), faint), n);
  }
}

function backward<V>(dx: usize, dy: usize, y: usize, n: i32, kind: i32, alpha: f32): void {
  switch (kind) {
    case RELU: return backwardLoop<V>(dx, dy, y, n, RELU, alpha);
    case LEAKY_RELU: return backwardLoop<V>(dx, dy, y, n, LEAKY_RELU, alpha);
    case ELU: return backwardLoop<V>(dx, dy, y, n, ELU, alpha);
    case SIGMOID: return backwardLoop<V>(dx, dy, y, n, SIGMOID, alpha);
    case TANH: return backwardLoop<V>(dx, dy, y, n, TANH, alpha);
    default: unreachable();
  }
}

export function activationBackward(args: ActivationBackwardArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const o = <usize>i0 << 2;
  if (ASC_FEATURE_SIMD) backward<v128>(args.dx + o, args.dy + o, args.y + o, n, args.kind, args.alpha);
  else backward<f32>(args.dx + o, args.dy + o, args.y + o, n, args.kind, args.alpha);
}
