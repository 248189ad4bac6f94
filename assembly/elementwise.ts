import { lanes, splat, vadd, vload, vstore, vstorePart } from "./simd";

/** out[n] = value: the gradient buffers that kernels add to. */
@unmanaged
export class FillArgs {
  out: usize;
  n: i32;
  value: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function fillOf<V>(p: usize, n: i32, value: f32): void {
  const v = splat<V>(value);
  for (; n >= lanes<V>(); n -= lanes<V>(), p += sizeof<V>()) vstore<V>(p, v);
  if (isVector<V>() && n > 0) vstorePart<V>(p, v, n);
}

export function fill(args: FillArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const p = args.out + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) fillOf<v128>(p, n, args.value);
  else fillOf<f32>(p, n, args.value);
}

/** y[n] += x[n]: a second consumer's share of a gradient. */
@unmanaged
export class AddArgs {
  y: usize;
  x: usize;
  n: i32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function addOf<V>(y: usize, x: usize, n: i32): void {
  for (; n >= lanes<V>(); n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>()) {
    vstore<V>(y, vadd<V>(vload<V>(y), vload<V>(x)));
  }
  if (isVector<V>() && n > 0) vstorePart<V>(y, vadd<V>(vload<V>(y), vload<V>(x)), n);
}

export function addInto(args: AddArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const o = <usize>i0 << 2;
  if (ASC_FEATURE_SIMD) addOf<v128>(args.y + o, args.x + o, n);
  else addOf<f32>(args.y + o, args.x + o, n);
}
