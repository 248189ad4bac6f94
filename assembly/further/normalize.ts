import { firstLanes, hsum, lanes, loadSplat, madd, splat, vadd, vload, vmul, vstorePart, vsub } from "../simd";

/**
 * Normalization within a sample: layer and group normalization. x[N, P, C], whose channels are G groups of K = C / G: all P * K
 * numbers of a group are brought to mean 0 and variance 1, then scaled and shifted by channel:
 *   y = (x - mean) * rstd * gamma[c] + beta[c],   rstd = 1 / sqrt(variance + epsilon)
 * Layer normalization over the last axis: P = G = 1, N all rows.
 */
@unmanaged
export class GroupNormArgs {
  y: usize; // y, or dy in the backward kernels
  x: usize;
  dx: usize; // backward
  gamma: usize; // [C], or 0: 1
  beta: usize; // [C], or 0
  statistics: usize; // f32[N, G, 2]: mean and rstd
  dgamma: usize; // groupNormGamma: of each `grain` samples, f32[ceil(N / grain), C]
  N: i32;
  P: i32;
  C: i32;
  G: i32;
  epsilon: f32;
  grain: i32; // samples in one task
}

/** Sum over P rows of K numbers, `row` bytes apart, of (x - mean), or of its square. Row sums are added up. */
// @ts-ignore: decorator
@inline
function sumOf<V>(x: usize, row: usize, P: i32, K: i32, mean: f32, squares: bool): f32 {
  const m = splat<V>(mean);
  let total: f32 = 0;
  for (; P > 0; P--) {
    let sum = splat<V>(0), p = x;
    for (let k = K; k > 0; k -= lanes<V>()) {
      const d = firstLanes<V>(vsub<V>(vload<V>(p), m), k);
      sum = squares ? madd<V>(d, d, sum) : vadd<V>(sum, d);
      p += sizeof<V>();
    }
    total += hsum<V>(sum);
    x += row;
  }
  return total;
}

// @ts-ignore: decorator
@inline
function normalize<V>(s: GroupNormArgs, n: i32, g: i32): void {
  const C = s.C, K = C / s.G, row = <usize>C << 2;
  const at = (<usize>n * <usize>s.P * <usize>C + <usize>(g * K)) << 2;
  const count = f32(s.P * K);
  // Twice: what the first mean has lost to rounding, the second finds.
  const rough = sumOf<V>(s.x + at, row, s.P, K, 0, false) / count;
  const mean = rough + sumOf<V>(s.x + at, row, s.P, K, rough, false) / count;
  const variance = sumOf<V>(s.x + at, row, s.P, K, mean, true) / count;
  const rstd: f32 = 1 / sqrt<f32>(variance + s.epsilon);
  const statistics = s.statistics + (<usize>(n * s.G + g) << 3);
  store<f32>(statistics, mean);
  store<f32>(statistics, rstd, 4);
  const channel = <usize>(g * K) << 2, m = splat<V>(mean), r = splat<V>(rstd);
  let x = s.x + at, y = s.y + at;
  for (let p = 0; p < s.P; p++) {
    for (let k = 0; k < K; k += lanes<V>()) {
      const o = <usize>k << 2;
      let v = vmul<V>(vsub<V>(vload<V>(x + o), m), r);
      if (s.gamma) v = vmul<V>(v, vload<V>(s.gamma + channel + o));
      if (s.beta) v = vadd<V>(v, vload<V>(s.beta + channel + o));
      vstorePart<V>(y + o, v, K - k);
    }
    x += row;
    y += row;
  }
}

/** y and statistics; overwrites. One task is `grain` samples. */
export function groupNormForward(s: GroupNormArgs, task: i32, scratch: usize): void {
  const n1 = min((task + 1) * s.grain, s.N);
  for (let n = task * s.grain; n < n1; n++) {
    for (let g = 0; g < s.G; g++) {
      if (ASC_FEATURE_SIMD) normalize<v128>(s, n, g);
      else normalize<f32>(s, n, g);
    }
  }
}

// @ts-ignore: decorator
@inline
function backward<V>(s: GroupNormArgs, n: i32, g: i32): void {
  const C = s.C, K = C / s.G, row = <usize>C << 2;
  const at = (<usize>n * <usize>s.P * <usize>C + <usize>(g * K)) << 2, channel = <usize>(g * K) << 2;
  const statistics = s.statistics + (<usize>(n * s.G + g) << 3);
  const mean = loadSplat<V>(statistics), rstd = loadSplat<V>(statistics + 4), one = splat<V>(1);
  let sum: f32 = 0, product: f32 = 0;
  let x = s.x + at, dy = s.y + at;
  for (let p = 0; p < s.P; p++) {
    let a = splat<V>(0), b = a;
    for (let k = 0; k < K; k += lanes<V>()) {
      const o = <usize>k << 2;
      const gamma = s.gamma ? vload<V>(s.gamma + channel + o) : one;
      const d = firstLanes<V>(vmul<V>(vload<V>(dy + o), gamma), K - k);
      a = vadd<V>(a, d);
      b = madd<V>(d, firstLanes<V>(vmul<V>(vsub<V>(vload<V>(x + o), mean), rstd), K - k), b);
    }
    sum += hsum<V>(a);
    product += hsum<V>(b);
    x += row;
    dy += row;
  }
  const count = f32(s.P * K);
  const average = splat<V>(sum / count), slope = splat<V>(product / count);
  x = s.x + at;
  dy = s.y + at;
  let dx = s.dx + at;
  for (let p = 0; p < s.P; p++) {
    for (let k = 0; k < K; k += lanes<V>()) {
      const o = <usize>k << 2;
      const gamma = s.gamma ? vload<V>(s.gamma + channel + o) : one;
      const h = vmul<V>(vsub<V>(vload<V>(x + o), mean), rstd);
      const d = vsub<V>(vsub<V>(vmul<V>(vload<V>(dy + o), gamma), average), vmul<V>(h, slope));
      vstorePart<V>(dx + o, vmul<V>(d, rstd), K - k);
    }
    x += row;
    dy += row;
    dx += row;
  }
}

/** dx from dy, x and statistics; overwrites. dx may be dy. One task is `grain` samples. */
export function groupNormBackward(s: GroupNormArgs, task: i32, scratch: usize): void {
  const n1 = min((task + 1) * s.grain, s.N);
  for (let n = task * s.grain; n < n1; n++) {
    for (let g = 0; g < s.G; g++) {
      if (ASC_FEATURE_SIMD) backward<v128>(s, n, g);
      else backward<f32>(s, n, g);
    }
  }
}

// @ts-ignore: decorator
@inline
function addGamma<V>(s: GroupNormArgs, out: usize, n: i32, g: i32): void {
  const C = s.C, K = C / s.G, row = <usize>C << 2;
  const at = (<usize>n * <usize>s.P * <usize>C + <usize>(g * K)) << 2;
  const statistics = s.statistics + (<usize>(n * s.G + g) << 3);
  const mean = loadSplat<V>(statistics), rstd = loadSplat<V>(statistics + 4);
  const to = out + (<usize>(g * K) << 2);
  for (let k = 0; k < K; k += lanes<V>()) {
    let x = s.x + at + (<usize>k << 2), dy = s.y + at + (<usize>k << 2);
    let sum = splat<V>(0);
    for (let p = 0; p < s.P; p++) {
      sum = madd<V>(vload<V>(dy), vmul<V>(vsub<V>(vload<V>(x), mean), rstd), sum);
      x += row;
      dy += row;
    }
    vstorePart<V>(to + (<usize>k << 2), vadd<V>(vload<V>(to + (<usize>k << 2)), sum), K - k);
  }
}

/** dgamma of each `grain` samples; overwrites. One task is one of its rows. */
export function groupNormGamma(s: GroupNormArgs, task: i32, scratch: usize): void {
  const out = s.dgamma + (<usize>task * <usize>s.C << 2);
  memory.fill(out, 0, <usize>s.C << 2);
  const n1 = min((task + 1) * s.grain, s.N);
  for (let n = task * s.grain; n < n1; n++) {
    for (let g = 0; g < s.G; g++) {
      if (ASC_FEATURE_SIMD) addGamma<v128>(s, out, n, g);
      else addGamma<f32>(s, out, n, g);
    }
  }
}
