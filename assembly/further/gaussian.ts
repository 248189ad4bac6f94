import { DRAWS, philox, toUnit } from "../random";
import {
  lanes, loadSplat, madd, splat, vabs, vadd, vcopysign, vload, vmul, vpmin, vsqrt, vstore, vstorePart, vsub,
} from "../simd";
import { vlog } from "../vmath";

/**
 * y[n] = x + stddev z, or x (1 + stddev z), z normal: noise that is drawn anew from (seed, stream, step, element), as in random.ts.
 * The gradient of what is scaled is the same on gradients: dx from dy with the same words draws the same numbers. y may be x.
 * Scratch: DRAW_SCRATCH.
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

// sin(2 pi t) / t for |t| <= 1/4 in t^2, lowest power first: a fit as those of vmath.ts, to 3 ULP / 2 of 1.
const SINE = memory.data<f32>([6.28318548, -41.3416786, 81.6022339, -76.5750198, 39.711132]);

/** sin(2 pi t) for |t| <= 1/4 */
// @ts-ignore: decorator
@inline
function quarterSine<V>(t: V): V {
  const z = vmul<V>(t, t);
  let p = madd<V>(loadSplat<V>(SINE + 16), z, loadSplat<V>(SINE + 12));
  p = madd<V>(p, z, loadSplat<V>(SINE + 8));
  p = madd<V>(p, z, loadSplat<V>(SINE + 4));
  p = madd<V>(p, z, loadSplat<V>(SINE));
  return vmul<V>(p, t);
}

/** The words in scratch become normal numbers (Box and Muller), two from the words of two vectors. */
// @ts-ignore: decorator
@inline
function toNormals<V>(words: usize): void {
  const half = splat<V>(0.5);
  for (let pair = 0; pair < DRAWS; pair += 8) {
    for (let l = 0; l < 4; l += lanes<V>()) {
      const p = words + (<usize>(pair + l) << 2);
      const u = vsub<V>(splat<V>(1), toUnit<V>(p)); // (0, 1]
      // The angle less half a turn, in turns: exact, as are its distances from quarters.
      const t = vsub<V>(toUnit<V>(p + 16), half), a = vabs<V>(t);
      const r = vsqrt<V>(vmul<V>(splat<V>(-2), vlog<V>(u)));
      vstore<V>(p, vmul<V>(r, quarterSine<V>(vsub<V>(splat<V>(0.25), a))));
      vstore<V>(p + 16, vmul<V>(r, quarterSine<V>(vcopysign<V>(vpmin<V>(a, vsub<V>(half, a)), t))));
    }
  }
}

// @ts-ignore: decorator
@inline
function noiseChunk<V>(y: usize, x: usize, z: usize, n: i32, stddev: f32, scales: i32): void {
  const s = splat<V>(stddev), one = splat<V>(1);
  for (; n > 0; n -= lanes<V>(), y += sizeof<V>(), x += sizeof<V>(), z += sizeof<V>()) {
    const noise = vmul<V>(vload<V>(z), s), v = vload<V>(x);
    vstorePart<V>(y, scales ? vmul<V>(v, vadd<V>(noise, one)) : vadd<V>(v, noise), n);
  }
}

export function gaussian(s: GaussianArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n), step = load<u32>(s.step);
  for (let i = task * s.grain; i < i1; i += DRAWS) {
    philox(scratch, <u32>i >> 2, step, s.stream, 0, s.key0, s.key1);
    const o = <usize>i << 2, n = min(i1 - i, DRAWS);
    if (ASC_FEATURE_SIMD) {
      toNormals<v128>(scratch);
      noiseChunk<v128>(s.y + o, s.x + o, scratch, n, s.stddev, s.scales);
    } else {
      toNormals<f32>(scratch);
      noiseChunk<f32>(s.y + o, s.x + o, scratch, n, s.stddev, s.scales);
    }
  }
}
