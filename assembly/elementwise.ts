import { splat } from "./simd";

/** out[n] = 0: the gradient buffers that kernels add to. */
@unmanaged
export class FillArgs {
  out: usize;
  n: i32;
  value: f32;
  grain: i32; // elements in one task
}

export function fill(args: FillArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  let n = min(args.n - i0, args.grain);
  let p = args.out + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) {
    const v = splat<v128>(args.value);
    for (; n >= 4; n -= 4, p += 16) v128.store(p, v);
  }
  for (; n > 0; n--, p += 4) store<f32>(p, args.value);
}

/** y[n] += x[n]: a second consumer's share of a gradient. */
@unmanaged
export class AddArgs {
  y: usize;
  x: usize;
  n: i32;
  grain: i32; // elements in one task
}

export function addInto(args: AddArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  let n = min(args.n - i0, args.grain);
  let y = args.y + (<usize>i0 << 2), x = args.x + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) {
    for (; n >= 4; n -= 4, y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
  }
  for (; n > 0; n--, y += 4, x += 4) store<f32>(y, load<f32>(y) + load<f32>(x));
}
