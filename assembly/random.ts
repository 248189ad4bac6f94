import { splat, vadd, vload, vmul, vselectGreater, vstorePart } from "./simd";
import { vlog } from "./vmath";

// Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (SC 2011). A draw is a function of key and counter alone, so any thread can make any element, in any order.
//
// Counter: word 0 = block, word 1 = step, word 2 = stream, word 3 = attempt; key = 64 bits of seed.
// Elements come in groups of 16, from four blocks: element 16 g + 4 j + l is word j of block 4 g + l
// (lane l of vector j: no transposition in SIMD).

/** Elements drawn at once: two groups, so that one's latencies hide behind the other's work. */
// @host
export const DRAWS: i32 = 32;
/** Scratch of every kernel here: their words. */
// @host
export const DRAW_SCRATCH: i32 = 4 * DRAWS;
/** A truncated normal's draws lie within so many standard deviations ... */
const CUT: f32 = 2;
/** ... and its own standard deviation is then so much of the whole one's. */
// @host
export const TRUNCATED_STDDEV: f64 = 0.87962566103423978;
const M0: u32 = 0xd2511f53, M1: u32 = 0xcd9e8d57; // multipliers
const W0: u32 = 0x9e3779b9, W1: u32 = 0xbb67ae85; // Weyl steps of the key

/** out[32] = the raw words of blocks `block` .. `block + 7`. */
// @ts-ignore: decorator
@inline
export function philox(out: usize, block: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32): void {
  if (ASC_FEATURE_SIMD) {
    let x0 = i32x4.add(i32x4.splat(block), i32x4(0, 1, 2, 3));
    let x1 = i32x4.splat(c1), x2 = i32x4.splat(c2), x3 = i32x4.splat(c3);
    let y0 = i32x4.add(x0, i32x4.splat(4)), y1 = x1, y2 = x2, y3 = x3;
    const m0 = i32x4.splat(M0), m1 = i32x4.splat(M1);
    for (let round = 0; round < 10; round++, k0 += W0, k1 += W1) {
      const v0 = i32x4.splat(k0), v1 = i32x4.splat(k1);
      // 64-bit products of lanes 0, 1 and of lanes 2, 3; their even words are the low halves, the odd words the high ones.
      const a = i64x2.extmul_low_i32x4_u(x0, m0), b = i64x2.extmul_high_i32x4_u(x0, m0);
      const c = i64x2.extmul_low_i32x4_u(x2, m1), d = i64x2.extmul_high_i32x4_u(x2, m1);
      x0 = v128.xor(v128.xor(v128.shuffle<i32>(c, d, 1, 3, 5, 7), x1), v0);
      x2 = v128.xor(v128.xor(v128.shuffle<i32>(a, b, 1, 3, 5, 7), x3), v1);
      x1 = v128.shuffle<i32>(c, d, 0, 2, 4, 6);
      x3 = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
      const e = i64x2.extmul_low_i32x4_u(y0, m0), f = i64x2.extmul_high_i32x4_u(y0, m0);
      const g = i64x2.extmul_low_i32x4_u(y2, m1), h = i64x2.extmul_high_i32x4_u(y2, m1);
      y0 = v128.xor(v128.xor(v128.shuffle<i32>(g, h, 1, 3, 5, 7), y1), v0);
      y2 = v128.xor(v128.xor(v128.shuffle<i32>(e, f, 1, 3, 5, 7), y3), v1);
      y1 = v128.shuffle<i32>(g, h, 0, 2, 4, 6);
      y3 = v128.shuffle<i32>(e, f, 0, 2, 4, 6);
    }
    v128.store(out, x0);
    v128.store(out, x1, 16);
    v128.store(out, x2, 32);
    v128.store(out, x3, 48);
    v128.store(out, y0, 64);
    v128.store(out, y1, 80);
    v128.store(out, y2, 96);
    v128.store(out, y3, 112);
  } else {
    for (let l: u32 = 0; l < 8; l++) {
      philoxBlock(out + ((l & 4) << 4) + ((l & 3) << 2), 16, block + l, c1, c2, c3, k0, k1);
    }
  }
}

/** The four words of one block to out, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function philoxBlock(out: usize, step: usize, x0: u32, x1: u32, x2: u32, x3: u32, k0: u32, k1: u32): void {
  for (let round = 0; round < 10; round++, k0 += W0, k1 += W1) {
    const a = <u64>x0 * <u64>M0, b = <u64>x2 * <u64>M1;
    x0 = <u32>(b >> 32) ^ x1 ^ k0;
    x2 = <u32>(a >> 32) ^ x3 ^ k1;
    x1 = <u32>b;
    x3 = <u32>a;
  }
  store<u32>(out, x0);
  store<u32>(out + step, x1);
  store<u32>(out + 2 * step, x2);
  store<u32>(out + 3 * step, x3);
}

/** Words to uniform f32 in [0, 1): the upper 24 bits, every one of which f32 can hold. */
// @ts-ignore: decorator
@inline
export function toUnit<V>(p: usize): V {
  if (isVector<V>()) {
    return f32x4.mul(f32x4.convert_i32x4_u(i32x4.shr_u(v128.load(p), 8)), f32x4.splat(5.9604644775390625e-8));
  }
  return (f32(load<u32>(p) >> 8) * <f32>5.9604644775390625e-8) as V;
}

/** out[n] = raw words: for shuffles, for seeds of streams, and for the published test vectors. Scratch: DRAW_SCRATCH. */
@unmanaged
export class RandomBitsArgs {
  out: usize; // u32[n]
  n: i32;
  key0: u32;
  key1: u32;
  block: u32; // counter word 0 of the first block
  step: u32; // word 1
  stream: u32; // word 2
  attempt: u32; // word 3
  grain: i32; // elements in one task, a multiple of 16
}

export function randomBits(s: RandomBitsArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n);
  for (let i = task * s.grain; i < i1; i += DRAWS) {
    philox(scratch, s.block + (<u32>i >> 2), s.step, s.stream, s.attempt, s.key0, s.key1);
    memory.copy(s.out + (<usize>i << 2), scratch, <usize>min(i1 - i, DRAWS) << 2);
  }
}

/** out[n] uniform in [low, high), up to rounding; 24 random bits each. Scratch: DRAW_SCRATCH. */
@unmanaged
export class RandomUniformArgs {
  out: usize;
  n: i32;
  key0: u32;
  key1: u32;
  step: u32;
  stream: u32;
  low: f32;
  high: f32;
  grain: i32; // elements in one task, a multiple of 16
}

// @ts-ignore: decorator
@inline
function uniformChunk<V>(out: usize, words: usize, n: i32, low: f32, high: f32): void {
  const a = splat<V>(high - low), b = splat<V>(low);
  for (; n > 0; n -= <i32>(sizeof<V>() >> 2), out += sizeof<V>(), words += sizeof<V>()) {
    vstorePart<V>(out, vadd<V>(vmul<V>(toUnit<V>(words), a), b), n);
  }
}

export function randomUniform(s: RandomUniformArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n);
  for (let i = task * s.grain; i < i1; i += DRAWS) {
    philox(scratch, <u32>i >> 2, s.step, s.stream, 0, s.key0, s.key1);
    const out = s.out + (<usize>i << 2), n = min(i1 - i, DRAWS);
    if (ASC_FEATURE_SIMD) uniformChunk<v128>(out, scratch, n, s.low, s.high);
    else uniformChunk<f32>(out, scratch, n, s.low, s.high);
  }
}

/**
 * out[n] normal by Box and Muller (largest |z| is 5.77). Truncated: a draw beyond CUT standard deviations is made anew, from
 * the counter's next attempt, as Keras's TruncatedNormal; its own standard deviation is then TRUNCATED_STDDEV of `stddev`.
 * Plain f32 in every build (weights are drawn once). Scratch: DRAW_SCRATCH.
 */
@unmanaged
export class RandomNormalArgs {
  out: usize;
  n: i32;
  key0: u32;
  key1: u32;
  step: u32;
  stream: u32;
  mean: f32;
  stddev: f32;
  truncated: i32; // 1: |z| <= CUT
  grain: i32; // elements in one task, a multiple of 16
}

/** Standard normal from two words at p, `step` bytes apart: the cosine of the pair, or its sine. */
// @ts-ignore: decorator
@inline
function toNormal(p: usize, step: usize, sine: bool): f32 {
  const u: f32 = <f32>1 - toUnit<f32>(p); // (0, 1]
  const angle = toUnit<f32>(p + step) * <f32>6.283185307179586;
  return Mathf.sqrt(-2 * vlog<f32>(u)) * (sine ? Mathf.sin(angle) : Mathf.cos(angle));
}

export function randomNormal(s: RandomNormalArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n);
  for (let i = task * s.grain; i < i1; i++) {
    const e = i & 15; // word e / 4 of block e % 4; words 0, 1 and words 2, 3 are pairs
    if (e == 0) {
      for (let l: u32 = 0; l < 4; l++) {
        philoxBlock(scratch + (l << 2), 16, (<u32>i >> 2) + l, s.step, s.stream, 0, s.key0, s.key1);
      }
    }
    const pair = (e >> 3) << 5, sine = (e & 4) != 0;
    let z = toNormal(scratch + <usize>(pair + ((e & 3) << 2)), 16, sine);
    if (s.truncated && abs<f32>(z) > CUT) z = redraw(s, i, sine, scratch);
    store<f32>(s.out + (<usize>i << 2), z * s.stddev + s.mean);
  }
}

/** Attempts 1, 2, ... for element i, from the same word of the same block. */
function redraw(s: RandomNormalArgs, i: i32, sine: bool, scratch: usize): f32 {
  const words = scratch + 64;
  const block = ((<u32>i >> 4) << 2) + (i & 3), pair = <usize>(i >> 3 & 1) << 3;
  let z: f32, attempt: u32 = 0;
  do {
    philoxBlock(words, 4, block, s.step, s.stream, ++attempt, s.key0, s.key1);
    z = toNormal(words + pair, 4, sine);
  } while (abs<f32>(z) > CUT);
  return z;
}

/**
 * y[n] = x / (1 - rate) where the element's draw is >= rate, else 0. Backward is the same on gradients: dx from dy with
 * the same words draws the same mask, so none is stored. y may be x. Scratch: DRAW_SCRATCH.
 */
@unmanaged
export class DropoutArgs {
  y: usize; // y, or dx
  x: usize; // x, or dy
  step: usize; // few bytes: a u32 that counts steps in memory; forward and backward of one step must read the same value
  n: i32;
  key0: u32;
  key1: u32;
  stream: u32; // tells layers apart
  rate: f32; // in [0, 1)
  grain: i32; // elements in one task, a multiple of 16
}

// @ts-ignore: decorator
@inline
function dropChunk<V>(y: usize, x: usize, words: usize, n: i32, rate: f32, scale: f32): void {
  const r = splat<V>(rate), s = splat<V>(scale), zero = splat<V>(0);
  for (; n > 0; n -= <i32>(sizeof<V>() >> 2), y += sizeof<V>(), x += sizeof<V>(), words += sizeof<V>()) {
    vstorePart<V>(y, vselectGreater<V>(r, toUnit<V>(words), zero, vmul<V>(vload<V>(x), s)), n);
  }
}

function drop(s: DropoutArgs, task: i32, scratch: usize): void {
  const i1 = min((task + 1) * s.grain, s.n);
  const step = load<u32>(s.step), scale: f32 = 1 / (1 - s.rate);
  for (let i = task * s.grain; i < i1; i += DRAWS) {
    philox(scratch, <u32>i >> 2, step, s.stream, 0, s.key0, s.key1);
    const o = <usize>i << 2, n = min(i1 - i, DRAWS);
    if (ASC_FEATURE_SIMD) dropChunk<v128>(s.y + o, s.x + o, scratch, n, s.rate, scale);
    else dropChunk<f32>(s.y + o, s.x + o, scratch, n, s.rate, scale);
  }
}

export function dropoutForward(args: DropoutArgs, task: i32, scratch: usize): void {
  drop(args, task, scratch);
}

export function dropoutBackward(args: DropoutArgs, task: i32, scratch: usize): void {
  drop(args, task, scratch);
}
