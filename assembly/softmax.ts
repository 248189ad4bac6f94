import {
  firstLanes, hmax, hsum, lanes, madd, splat, vadd, vdiv, vload, vloadPart, vmul, vpmax, vstore, vstorePart, vsub,
} from "./simd";
import { vexp } from "./vmath";

/** Greatest of x[n], n >= 1, passing over NaN. */
// @ts-ignore: decorator
@inline
export function rowMax<V>(x: usize, n: i32): f32 {
  let m = splat<V>(-Infinity);
  for (; n >= lanes<V>(); n -= lanes<V>(), x += sizeof<V>()) m = vpmax<V>(m, vload<V>(x));
  if (isVector<V>() && n > 0) m = vpmax<V>(m, vloadPart<V>(x, n, -Infinity));
  return hmax<V>(m);
}

/** y[n] = e^(x[n] - m); returns their sum. y may be x. */
// @ts-ignore: decorator
@inline
export function rowExp<V>(y: usize, x: usize, n: i32, m: f32): f32 {
  const shift = splat<V>(m);
  let sum = splat<V>(0);
  for (; n >= lanes<V>(); n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>()) {
    const e = vexp<V>(vsub<V>(vload<V>(x), shift));
    vstore<V>(y, e);
    sum = vadd<V>(sum, e);
  }
  if (isVector<V>() && n > 0) {
    const e = vexp<V>(vsub<V>(vload<V>(x), shift));
    vstorePart<V>(y, e, n);
    sum = vadd<V>(sum, firstLanes<V>(e, n));
  }
  return hsum<V>(sum);
}

/** y[rows, cols] = e^x / sum of e^x over the row, computed from x - max. y may be x. */
@unmanaged
export class SoftmaxForwardArgs {
  y: usize;
  x: usize;
  rows: i32;
  cols: i32;
  grain: i32; // rows in one task
}

function forward<V>(y: usize, x: usize, rows: i32, cols: i32): void {
  const rowBytes = <usize>cols << 2;
  for (; rows > 0; rows--, y += rowBytes, x += rowBytes) {
    const sum = splat<V>(rowExp<V>(y, x, cols, rowMax<V>(x, cols)));
    let n = cols, p = y;
    for (; n >= lanes<V>(); n -= lanes<V>(), p += sizeof<V>()) vstore<V>(p, vdiv<V>(vload<V>(p), sum));
    if (isVector<V>() && n > 0) vstorePart<V>(p, vdiv<V>(vload<V>(p), sum), n);
  }
}

export function softmaxForward(args: SoftmaxForwardArgs, task: i32, scratch: usize): void {
  const r0 = task * args.grain, cols = args.cols;
  const rows = min(args.rows - r0, args.grain);
  const o = (<usize>r0 * <usize>cols) << 2;
  if (ASC_FEATURE_SIMD) forward<v128>(args.y + o, args.x + o, rows, cols);
  else forward<f32>(args.y + o, args.x + o, rows, cols);
}

/** dx[rows, cols] = y (dy - sum of dy y over the row); dx may be dy. Overwrites. */
@unmanaged
export class SoftmaxBackwardArgs {
  dx: usize;
  dy: usize;
  y: usize;
  rows: i32;
  cols: i32;
  grain: i32; // rows in one task
}

function backward<V>(dx: usize, dy: usize, y: usize, rows: i32, cols: i32): void {
  const rowBytes = <usize>cols << 2;
  for (; rows > 0; rows--, dx += rowBytes, dy += rowBytes, y += rowBytes) {
    let sum = splat<V>(0), n = cols, p = dy, q = y;
    for (; n >= lanes<V>(); n -= lanes<V>(), p += sizeof<V>(), q += sizeof<V>()) {
      sum = madd<V>(vload<V>(p), vload<V>(q), sum);
    }
    if (isVector<V>() && n > 0) sum = madd<V>(vloadPart<V>(p, n, 0), vloadPart<V>(q, n, 0), sum);
    const s = splat<V>(hsum<V>(sum));
    let d = dx;
    n = cols, p = dy, q = y;
    for (; n >= lanes<V>(); n -= lanes<V>(), d += sizeof<V>(), p += sizeof<V>(), q += sizeof<V>()) {
      vstore<V>(d, vmul<V>(vload<V>(q), vsub<V>(vload<V>(p), s)));
    }
    if (isVector<V>() && n > 0) vstorePart<V>(d, vmul<V>(vload<V>(q), vsub<V>(vload<V>(p), s)), n);
  }
}

export function softmaxBackward(args: SoftmaxBackwardArgs, task: i32, scratch: usize): void {
  const r0 = task * args.grain, cols = args.cols;
  const rows = min(args.rows - r0, args.grain);
  const o = (<usize>r0 * <usize>cols) << 2;
  if (ASC_FEATURE_SIMD) backward<v128>(args.dx + o, args.dy + o, args.y + o, rows, cols);
  else backward<f32>(args.dx + o, args.dy + o, args.y + o, rows, cols);
}
