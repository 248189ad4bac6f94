import { lanes, vload, vstorePart } from "../simd";

/** y[n0, .., n5] = x with its axes in another order: s0 .. s5 elements of x lie from one index of an axis of y to the next. */
@unmanaged
export class PermuteArgs {
  y: usize;
  x: usize;
  n0: i32;
  n1: i32;
  n2: i32;
  n3: i32;
  n4: i32;
  n5: i32;
  s0: i32;
  s1: i32;
  s2: i32;
  s3: i32;
  s4: i32;
  s5: i32;
  grain: i32; // of the n0 .. n4 rows, those in one task
}

// @ts-ignore: decorator
@inline
function copyRow<V>(y: usize, x: usize, n: i32): void {
  for (; n > 0; n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>()) vstorePart<V>(y, vload<V>(x), n);
}

export function permute(s: PermuteArgs, task: i32, scratch: usize): void {
  const n5 = s.n5, step = <usize>s.s5 << 2;
  let r = task * s.grain;
  const end = min(s.n0 * s.n1 * s.n2 * s.n3 * s.n4, r + s.grain);
  let y = s.y + ((<usize>r * <usize>n5) << 2);
  for (; r < end; r++, y += <usize>n5 << 2) {
    let q = r / s.n4, at = (r - q * s.n4) * s.s4;
    let p = q / s.n3;
    at += (q - p * s.n3) * s.s3;
    q = p / s.n2;
    at += (p - q * s.n2) * s.s2;
    p = q / s.n1;
    at += (q - p * s.n1) * s.s1 + p * s.s0;
    let x = s.x + (<usize>at << 2);
    if (s.s5 == 1) {
      if (ASC_FEATURE_SIMD) copyRow<v128>(y, x, n5);
      else copyRow<f32>(y, x, n5);
    } else for (let i = 0; i < n5; i++, x += step) store<f32>(y + (<usize>i << 2), load<f32>(x));
  }
}
