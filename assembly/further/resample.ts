import { lanes, splat, vadd, vload, vmul, vstorePart, vsub } from "../simd";

/**
 * y[batch, OH, OW, C] from x[batch, H, W, C]: pixel (i, j) is x's at ((i - top) / repH, (j - left) / repW), rounded down, or 0
 * outside of it. Padding has top and left >= 0, cropping below 0, both are each other's gradients; upsampling has repH, repW > 1.
 */
@unmanaged
export class ResampleArgs {
  y: usize; // y, or dy
  x: usize; // x, or dx
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  top: i32;
  left: i32;
  repH: i32;
  repW: i32;
  grain: i32; // images in one task
}

/** C numbers, `times` times one behind the other. */
function repeat<V>(y: usize, x: usize, C: i32, times: i32): void {
  for (; times > 0; times--) {
    let p = x;
    for (let n = C; n > 0; n -= lanes<V>(), p += sizeof<V>()) {
      vstorePart<V>(y, vload<V>(p), n);
      y += <usize>min(n, lanes<V>()) << 2;
    }
  }
}

export function resample2d(s: ResampleArgs, task: i32, scratch: usize): void {
  const pixel = <usize>s.C << 2, line = <usize>s.OW * pixel, repH = s.repH, repW = s.repW;
  // Columns and rows of y that x reaches.
  const left = max(s.left, 0), right = min(s.left + s.W * repW, s.OW);
  const top = max(s.top, 0), bottom = min(s.top + s.H * repH, s.OH);
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const x = s.x + <usize>n * <usize>(s.H * s.W) * pixel, y = s.y + <usize>n * <usize>s.OH * line;
    if (right <= left || bottom <= top) {
      memory.fill(y, 0, <usize>s.OH * line);
      continue;
    }
    memory.fill(y, 0, <usize>top * line);
    memory.fill(y + <usize>bottom * line, 0, <usize>(s.OH - bottom) * line);
    for (let i = top; i < bottom; i++) {
      const at = i - s.top, to = y + <usize>i * line;
      // A row that repeats the one above it is its copy.
      if (i > top && at % repH != 0) {
        memory.copy(to, to - line, line);
        continue;
      }
      const from = x + <usize>(at / repH * s.W) * pixel;
      memory.fill(to, 0, <usize>left * pixel);
      if (repW == 1) {
        memory.copy(to + <usize>left * pixel, from + <usize>(left - s.left) * pixel, <usize>(right - left) * pixel);
      } else {
        for (let j = left; j < right;) {
          const q = (j - s.left) / repW, times = min((q + 1) * repW + s.left, right) - j;
          if (ASC_FEATURE_SIMD) repeat<v128>(to + <usize>j * pixel, from + <usize>q * pixel, s.C, times);
          else repeat<f32>(to + <usize>j * pixel, from + <usize>q * pixel, s.C, times);
          j += times;
        }
      }
      memory.fill(to + <usize>right * pixel, 0, <usize>(s.OW - right) * pixel);
    }
  }
}

/** dx = the sum of a block of repH x repW pixels of dy, whose rows are `line` bytes apart. */
// @ts-ignore: decorator
@inline
function sumBlock<V>(dx: usize, dy: usize, C: i32, repH: i32, repW: i32, line: usize): void {
  const pixel = <usize>C << 2;
  for (; C > 0; C -= lanes<V>(), dx += sizeof<V>(), dy += sizeof<V>()) {
    let sum = splat<V>(0);
    for (let i = 0; i < repH; i++) {
      let p = dy + <usize>i * line;
      for (let j = repW; j > 0; j--, p += pixel) sum = vadd<V>(sum, vload<V>(p));
    }
    vstorePart<V>(dx, sum, C);
  }
}

/** x = dx of an upsampling from y = dy: each pixel the sum of the repH x repW that it became. top and left are 0. Overwrites. */
export function sumBlocks2d(s: ResampleArgs, task: i32, scratch: usize): void {
  const pixel = <usize>s.C << 2, line = <usize>s.OW * pixel;
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    let dx = s.x + <usize>n * <usize>(s.H * s.W) * pixel;
    const dy = s.y + <usize>n * <usize>s.OH * line;
    for (let i = 0; i < s.H; i++) {
      let p = dy + <usize>(i * s.repH) * line;
      for (let j = 0; j < s.W; j++, dx += pixel, p += <usize>s.repW * pixel) {
        if (ASC_FEATURE_SIMD) sumBlock<v128>(dx, p, s.C, s.repH, s.repW, line);
        else sumBlock<f32>(dx, p, s.C, s.repH, s.repW, line);
      }
    }
  }
}

// Bilinear: the centre of output i lies at (i + 1/2) / rep - 1/2 of the input, between two of its rows, or beyond the first or
// the last one, whose values it then has (TensorFlow's half_pixel_centers). In whole halves of 1 / rep, so that no rounding counts.

/** The row before the centre of output i: -1 before the first. */
// @ts-ignore: decorator
@inline
function before(i: i32, rep: i32): i32 {
  return (2 * i + 1 + rep) / (2 * rep) - 1;
}

/** How far behind it the centre lies, as a share of the way to the next. */
// @ts-ignore: decorator
@inline
function weight(i: i32, rep: i32): f32 {
  const whole = 2 * rep, part = (2 * i + 1 + rep) % whole;
  return f32(part) / f32(whole);
}

/** y = the mix of four pixels a b / c d, u of the way down and v of the way right. */
// @ts-ignore: decorator
@inline
function mix<V>(y: usize, a: usize, b: usize, c: usize, d: usize, C: i32, u: f32, v: f32): void {
  const vu = splat<V>(u), vv = splat<V>(v);
  for (; C > 0; C -= lanes<V>()) {
    const x0 = vload<V>(a), x1 = vload<V>(c);
    const upper = vadd<V>(x0, vmul<V>(vsub<V>(vload<V>(b), x0), vv));
    const lower = vadd<V>(x1, vmul<V>(vsub<V>(vload<V>(d), x1), vv));
    vstorePart<V>(y, vadd<V>(upper, vmul<V>(vsub<V>(lower, upper), vu)), C);
    y += sizeof<V>();
    a += sizeof<V>();
    b += sizeof<V>();
    c += sizeof<V>();
    d += sizeof<V>();
  }
}

// @ts-ignore: decorator
@inline
function addScaled<V>(x: usize, dy: usize, C: i32, scale: f32): void {
  const s = splat<V>(scale);
  for (; C > 0; C -= lanes<V>(), x += sizeof<V>(), dy += sizeof<V>()) {
    vstorePart<V>(x, vadd<V>(vload<V>(x), vmul<V>(vload<V>(dy), s)), C);
  }
}

/** Its gradient: each of the four gets its share of dy, the four one after the other, as they may be the same. */
// @ts-ignore: decorator
@inline
function spread<V>(y: usize, a: usize, b: usize, c: usize, d: usize, C: i32, u: f32, v: f32): void {
  addScaled<V>(a, y, C, (1 - u) * (1 - v));
  addScaled<V>(b, y, C, (1 - u) * v);
  addScaled<V>(c, y, C, u * (1 - v));
  addScaled<V>(d, y, C, u * v);
}

// @ts-ignore: decorator
@inline
function bilinear<V>(s: ResampleArgs, x: usize, y: usize, back: bool): void {
  const pixel = <usize>s.C << 2, line = <usize>s.W * pixel;
  for (let i = 0; i < s.OH; i++) {
    const r = before(i, s.repH), u = weight(i, s.repH);
    const upper = x + <usize>max(r, 0) * line, lower = x + <usize>min(r + 1, s.H - 1) * line;
    for (let j = 0; j < s.OW; j++, y += pixel) {
      const q = before(j, s.repW), v = weight(j, s.repW);
      const left = <usize>max(q, 0) * pixel, right = <usize>min(q + 1, s.W - 1) * pixel;
      if (back) spread<V>(y, upper + left, upper + right, lower + left, lower + right, s.C, u, v);
      else mix<V>(y, upper + left, upper + right, lower + left, lower + right, s.C, u, v);
    }
  }
}

function bilinearForward<V>(s: ResampleArgs, x: usize, y: usize): void {
  bilinear<V>(s, x, y, false);
}

function bilinearBackward<V>(s: ResampleArgs, x: usize, y: usize): void {
  bilinear<V>(s, x, y, true);
}

/** y of OH = H repH and OW = W repW pixels from x, bilinear. top and left are 0. */
export function bilinear2dForward(s: ResampleArgs, task: i32, scratch: usize): void {
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const x = s.x + ((<usize>n * <usize>(s.H * s.W) * <usize>s.C) << 2);
    const y = s.y + ((<usize>n * <usize>(s.OH * s.OW) * <usize>s.C) << 2);
    if (ASC_FEATURE_SIMD) bilinearForward<v128>(s, x, y);
    else bilinearForward<f32>(s, x, y);
  }
}

/** x = dx from y = dy; overwrites. */
export function bilinear2dBackward(s: ResampleArgs, task: i32, scratch: usize): void {
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const bytes = (<usize>(s.H * s.W) * <usize>s.C) << 2;
    const x = s.x + <usize>n * bytes;
    const y = s.y + ((<usize>n * <usize>(s.OH * s.OW) * <usize>s.C) << 2);
    memory.fill(x, 0, bytes);
    if (ASC_FEATURE_SIMD) bilinearBackward<v128>(s, x, y);
    else bilinearBackward<f32>(s, x, y);
  }
}
