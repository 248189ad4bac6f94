import { philoxBlock, toNormal } from "../random";

/**
 * y[n] = x + stddev z, or x (1 + stddev z), z normal: noise that is drawn anew from (seed, stream, step, element), as in random.ts.
 * The gradient of what is scaled is the same on gradients: dx from dy with the same words draws the same numbers. y may be x.
 * Plain f32 in every build. Scratch: DRAW_SCRATCH.
 */
@unmanaged
export class GaussianArgs {
  y: usize; // y, or dx
  x: usize; // x, or dy
  step: usize; // few bytes: a u32 that counts steps in memory; forward and backward of one step must read the same value
  n: i32;
  key0: u32;
  key1: u32;
  stream: u32; // tells layers apart
  stddev: f32;
  scales: i32; // 1: x (1 + stddev z)
  grain: i32; // elements in one task, a multiple of 16
}

export function gaussian(s: GaussianArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n), step = load<u32>(s.step);
  for (let i = task * s.grain; i < i1; i++) {
    const e = i & 15;
    if (e == 0) {
      for (let l: u32 = 0; l < 4; l++) {
        philoxBlock(scratch + (l << 2), 16, (<u32>i >> 2) + l, step, s.stream, 0, s.key0, s.key1);
      }
    }
    const z = toNormal(scratch + <usize>(((e >> 3) << 5) + ((e & 3) << 2)), 16, (e & 4) != 0) * s.stddev;
    const o = <usize>i << 2, x = load<f32>(s.x + o);
    store<f32>(s.y + o, s.scales ? x * (1 + z) : x + z);
  }
}
