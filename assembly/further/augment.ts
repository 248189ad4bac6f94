import { philoxBlock } from "../random";

// Random changes of images in training. What is drawn for an image is a function of seed, stream, step and the image's place in the
// batch: any thread can draw it. Plain f32 in every build: beside a network these cost little.

/** Words drawn for an image: four blocks of four. */
// @host
export const AUGMENT_WORDS: i32 = 16;
/** Scratch of every kernel here but mixPlan: an image's words. */
// @host
export const AUGMENT_SCRATCH: i32 = 4 * AUGMENT_WORDS;

/** What is drawn for image n of this step: AUGMENT_WORDS words to `out`. */
function drawWords(out: usize, n: i32, step: usize, stream: u32, key0: u32, key1: u32): void {
  const count = load<u32>(step);
  for (let block = 0; block < AUGMENT_WORDS / 4; block++) {
    philoxBlock(out + (block << 4), 4, <u32>(n * (AUGMENT_WORDS / 4) + block), count, stream, 0, key0, key1);
  }
}

/** The k-th word as a number in [0, 1). */
// @ts-ignore: decorator
@inline
function unit(words: usize, k: i32): f32 {
  return f32(load<u32>(words + (<usize>k << 2)) >> 8) * <f32>5.9604644775390625e-8;
}

// @ts-ignore: decorator
@inline
function between(low: f32, high: f32, u: f32): f32 {
  return low + (high - low) * u;
}

/** Cells outside of the image: a constant; the image mirrored at its edges; begun anew; the nearest cell. */
// @host
export const FILL_CONSTANT: i32 = 0;
// @host
export const FILL_REFLECT: i32 = 1;
// @host
export const FILL_WRAP: i32 = 2;
// @host
export const FILL_NEAREST: i32 = 3;

/** A place along an axis of n cells, brought inside of it: as TensorFlow's ImageProjectiveTransform does. */
function inside(at: f32, n: i32, mode: i32): f32 {
  const size = f32(n), last = size - 1;
  if (mode == FILL_CONSTANT || (at >= 0 && at <= last)) return at;
  if (mode == FILL_NEAREST) return max<f32>(0, min<f32>(at, last));
  if (n == 1) return 0;
  if (mode == FILL_WRAP) {
    at = at < 0 ? at + size * (floor<f32>(-at / last) + 1) : at - size * floor<f32>(at / last);
  } else {
    const period: f32 = 2 * size;
    if (at < 0) {
      if (at < -period) at = period * floor<f32>(-at / period) + at;
      at = at < -size ? at + period : -at - 1;
    } else {
      at -= period * floor<f32>(at / period);
      if (at >= size) at = period - at - 1;
    }
  }
  return max<f32>(0, min<f32>(at, last));
}

/**
 * y = x[batch, H, W, C] moved: pixel (row, column) of y is that of x at
 *   column' = a column + b row + c,   row' = d column + e row + f
 * with a turn by an angle and a zoom about the centre, a shift, and flips, each drawn from its range for each image.
 */
@unmanaged
export class AffineArgs {
  y: usize;
  x: usize;
  step: usize; // few bytes: u32, the count of steps
  H: i32;
  W: i32;
  C: i32;
  key0: u32;
  key1: u32;
  stream: u32;
  flipRows: i32; // 1: upside down for every second image or so
  flipColumns: i32;
  angle0: f32; // radians
  angle1: f32;
  zoomH0: f32; // 1: as it is, greater: smaller
  zoomH1: f32;
  zoomW0: f32;
  zoomW1: f32;
  together: i32; // 1: columns are zoomed as rows are
  shiftH0: f32; // shares of the height, down
  shiftH1: f32;
  shiftW0: f32;
  shiftW1: f32;
  fill: i32;
  bilinear: i32; // 0: the nearest cell
  value: f32; // of FILL_CONSTANT
}

// @ts-ignore: decorator
@inline
function cell(image: usize, row: i32, column: i32, H: i32, W: i32, pixel: usize, k: usize, value: f32): f32 {
  if (row < 0 || row >= H || column < 0 || column >= W) return value;
  return load<f32>(image + <usize>(row * W + column) * pixel + k);
}

/** One task is one image. Scratch: AUGMENT_SCRATCH. */
export function affineImages(s: AffineArgs, task: i32, scratch: usize): void {
  const H = s.H, W = s.W, pixel = <usize>s.C << 2;
  const bytes = <usize>(H * W) * pixel;
  const image = s.x + <usize>task * bytes;
  let y = s.y + <usize>task * bytes;
  drawWords(scratch, task, s.step, s.stream, s.key0, s.key1);
  const angle = between(s.angle0, s.angle1, unit(scratch, 0));
  const zoomH = between(s.zoomH0, s.zoomH1, unit(scratch, 1));
  const zoomW = s.together ? zoomH : between(s.zoomW0, s.zoomW1, unit(scratch, 2));
  const cosine = Mathf.cos(angle), sine = Mathf.sin(angle);
  let a = zoomW * cosine, b = -zoomW * sine, d = zoomH * sine, e = zoomH * cosine;
  const middleX = f32(W - 1) * <f32>0.5, middleY = f32(H - 1) * <f32>0.5;
  let c = middleX - middleX * a - middleY * b - between(s.shiftW0, s.shiftW1, unit(scratch, 4)) * f32(W);
  let f = middleY - middleX * d - middleY * e - between(s.shiftH0, s.shiftH1, unit(scratch, 3)) * f32(H);
  if (s.flipColumns && unit(scratch, 5) < 0.5) {
    c += a * f32(W - 1);
    f += d * f32(W - 1);
    a = -a;
    d = -d;
  }
  if (s.flipRows && unit(scratch, 6) < 0.5) {
    c += b * f32(H - 1);
    f += e * f32(H - 1);
    b = -b;
    e = -e;
  }
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      const column = inside(a * f32(j) + b * f32(i) + c, W, s.fill);
      const row = inside(d * f32(j) + e * f32(i) + f, H, s.fill);
      // Beyond any image: no conversion to a whole number may trap.
      const far = !(abs<f32>(row) < 1e9 && abs<f32>(column) < 1e9);
      if (far) {
        for (let k: usize = 0; k < pixel; k += 4) store<f32>(y + k, s.value);
      } else if (s.bilinear) {
        const top = floor<f32>(row), left = floor<f32>(column);
        const down = row - top, right = column - left;
        const r = i32(top), q = i32(left);
        for (let k: usize = 0; k < pixel; k += 4) {
          const x0 = cell(image, r, q, H, W, pixel, k, s.value), x1 = cell(image, r, q + 1, H, W, pixel, k, s.value);
          const x2 = cell(image, r + 1, q, H, W, pixel, k, s.value);
          const x3 = cell(image, r + 1, q + 1, H, W, pixel, k, s.value);
          const above = (<f32>1 - right) * x0 + right * x1, below = (<f32>1 - right) * x2 + right * x3;
          store<f32>(y + k, (<f32>1 - down) * above + down * below);
        }
      } else {
        // Halves away from 0.
        const r = i32(row < 0 ? ceil<f32>(row - 0.5) : floor<f32>(row + 0.5));
        const q = i32(column < 0 ? ceil<f32>(column - 0.5) : floor<f32>(column + 0.5));
        for (let k: usize = 0; k < pixel; k += 4) store<f32>(y + k, cell(image, r, q, H, W, pixel, k, s.value));
      }
      y += pixel;
    }
  }
}

/** y[batch, OH, OW, C] = a part of x[batch, H, W, C]: at a place that is drawn for each image, or the middle. One task is one image. */
@unmanaged
export class CropArgs {
  y: usize;
  x: usize;
  step: usize; // few bytes: u32, the count of steps
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  key0: u32;
  key1: u32;
  stream: u32;
  random: i32; // 0: the middle
}

/** Scratch: AUGMENT_SCRATCH. */
export function cropImages(s: CropArgs, task: i32, scratch: usize): void {
  const pixel = <usize>s.C << 2, line = <usize>s.W * pixel, outLine = <usize>s.OW * pixel;
  let top = (s.H - s.OH) / 2, left = (s.W - s.OW) / 2;
  if (s.random) {
    drawWords(scratch, task, s.step, s.stream, s.key0, s.key1);
    top = min(i32(unit(scratch, 0) * f32(s.H - s.OH + 1)), s.H - s.OH);
    left = min(i32(unit(scratch, 1) * f32(s.W - s.OW + 1)), s.W - s.OW);
  }
  let x = s.x + <usize>(task * s.H + top) * line + <usize>left * pixel, y = s.y + <usize>(task * s.OH) * outLine;
  for (let i = 0; i < s.OH; i++) {
    memory.copy(y, x, outLine);
    x += line;
    y += outLine;
  }
}

/** y = (x - mean) * contrast + mean + brightness, within low .. high; the mean of each channel of each image. y may be x. */
@unmanaged
export class ColorArgs {
  y: usize;
  x: usize;
  step: usize; // few bytes: u32, the count of steps
  positions: i32;
  C: i32;
  key0: u32;
  key1: u32;
  stream: u32;
  contrast0: f32;
  contrast1: f32;
  brightness0: f32;
  brightness1: f32;
  low: f32;
  high: f32;
}

/** One task is one image. Scratch: AUGMENT_SCRATCH. */
export function colorImages(s: ColorArgs, task: i32, scratch: usize): void {
  const pixel = <usize>s.C << 2, P = s.positions;
  drawWords(scratch, task, s.step, s.stream, s.key0, s.key1);
  const contrast = between(s.contrast0, s.contrast1, unit(scratch, 0));
  const brightness = between(s.brightness0, s.brightness1, unit(scratch, 1));
  const at = <usize>task * <usize>P * pixel;
  for (let k: usize = 0; k < pixel; k += 4) {
    let mean: f32 = 0;
    if (contrast != 1) {
      let sum: f64 = 0, x = s.x + at + k;
      for (let p = 0; p < P; p++, x += pixel) sum += f64(load<f32>(x));
      mean = f32(sum / f64(P));
    }
    let x = s.x + at + k, y = s.y + at + k;
    for (let p = 0; p < P; p++, x += pixel, y += pixel) {
      const v = load<f32>(x);
      const moved = (contrast != 1 ? (v - mean) * contrast + mean : v) + brightness;
      store<f32>(y, min<f32>(max<f32>(moved, s.low), s.high));
    }
  }
}

/** y = x but for a rectangle, which is `value`, or noise. y may be x. */
@unmanaged
export class EraseArgs {
  y: usize;
  x: usize;
  step: usize; // few bytes: u32, the count of steps
  H: i32;
  W: i32;
  C: i32;
  key0: u32;
  key1: u32;
  stream: u32;
  chance0: f32; // how likely it is that anything is erased
  chance1: f32;
  scale0: f32; // squares of the rectangle's sides, as shares of the image's
  scale1: f32;
  value: f32;
  noise: i32; // 1: normal numbers times `high` in place of `value`
  low: f32;
  high: f32;
}

/** One task is one image. Scratch: AUGMENT_SCRATCH. */
export function eraseImages(s: EraseArgs, task: i32, scratch: usize): void {
  const W = s.W, pixel = <usize>s.C << 2;
  const bytes = <usize>(s.H * W) * pixel, at = <usize>task * bytes;
  if (s.y != s.x) memory.copy(s.y + at, s.x + at, bytes);
  drawWords(scratch, task, s.step, s.stream, s.key0, s.key1);
  if (!(unit(scratch, 1) < between(s.chance0, s.chance1, unit(scratch, 0)))) return;
  const width = Mathf.sqrt(between(s.scale0, s.scale1, unit(scratch, 2))) * f32(W);
  const height = Mathf.sqrt(between(s.scale0, s.scale1, unit(scratch, 3))) * f32(s.H);
  const x0 = unit(scratch, 4) * (f32(W) - width), y0 = unit(scratch, 5) * (f32(s.H) - height);
  const seed0 = load<u32>(scratch + 32), seed1 = load<u32>(scratch + 36);
  const fill = min<f32>(max<f32>(s.value, s.low), s.high);
  for (let i = 0; i < s.H; i++) {
    if (!(f32(i) >= y0 && f32(i) < y0 + height)) continue;
    for (let j = 0; j < W; j++) {
      if (!(f32(j) >= x0 && f32(j) < x0 + width)) continue;
      const y = s.y + at + <usize>(i * W + j) * pixel;
      for (let k: usize = 0; k < pixel; k += 4) {
        let v = fill;
        if (s.noise) {
          philoxBlock(scratch, 4, <u32>(i * W + j), <u32>k, s.stream, 1, seed0, seed1);
          const z = Mathf.sqrt(-2 * Mathf.log(<f32>1 - unit(scratch, 0))) * Mathf.cos(unit(scratch, 1) * <f32>6.283185307179586);
          v = min<f32>(max<f32>(z * s.high, s.low), s.high);
        }
        store<f32>(y + k, v);
      }
    }
  }
}

/** What image n is mixed with and how: f32 or i32, MIX_BYTES for each image. */
// @host
export const MIX_BYTES: i32 = 32;

/**
 * Draws for each image of a batch another one and a weight: image n becomes weight * n + (<f32>1 - weight) * other (mix up), or gets a rectangle
 * of the other one (cut mix), whose share of the area is 1 - weight. plan: f32 weight, i32 other, f32 rectangle top, bottom, left, right.
 */
@unmanaged
export class MixPlanArgs {
  plan: usize; // MIX_BYTES for each image
  step: usize; // few bytes: u32, the count of steps
  batch: i32;
  H: i32;
  W: i32;
  key0: u32;
  key1: u32;
  stream: u32;
  alpha0: f32; // the weights are drawn from beta(alpha, alpha)
  alpha1: f32;
  cut: i32; // 1: rectangles
}

/** A stream of numbers of a call, one after another. */
let drawn: u32 = 0;

/** Scratch of mixPlan: a block. */
// @ts-ignore: decorator
@inline
function next(s: MixPlanArgs, scratch: usize): f64 {
  philoxBlock(scratch, 4, drawn++, load<u32>(s.step), s.stream, 2, s.key0, s.key1);
  // 32 bits, never 0.
  return (f64(load<u32>(scratch)) + 0.5) * 2.3283064365386963e-10;
}

function normal(s: MixPlanArgs, scratch: usize): f64 {
  const u = next(s, scratch), v = next(s, scratch);
  return sqrt<f64>(-2 * NativeMath.log(u)) * NativeMath.cos(6.283185307179586 * v);
}

/** The logarithm of a draw from gamma(shape, 1), by Marsaglia and Tsang (2000). */
function logGamma(s: MixPlanArgs, shape: f64, scratch: usize): f64 {
  if (shape < 1) return logGamma(s, shape + 1, scratch) + NativeMath.log(next(s, scratch)) / shape;
  const d = shape - 1.0 / 3, c = 1 / sqrt<f64>(9 * d);
  while (true) {
    const z = normal(s, scratch), v = 1 + c * z;
    if (v <= 0) continue;
    const cube = v * v * v;
    if (NativeMath.log(next(s, scratch)) < 0.5 * z * z + d - d * cube + d * NativeMath.log(cube)) {
      return NativeMath.log(d * cube);
    }
  }
}

/** One task. Scratch: AUGMENT_SCRATCH. */
export function mixPlan(s: MixPlanArgs, task: i32, scratch: usize): void {
  drawn = 0;
  const batch = s.batch;
  for (let n = 0; n < batch; n++) store<i32>(s.plan + <usize>n * MIX_BYTES, n, 4);
  for (let n = batch - 1; n > 0; n--) {
    const k = min(i32(next(s, scratch) * f64(n + 1)), n);
    const a = s.plan + <usize>n * MIX_BYTES, b = s.plan + <usize>k * MIX_BYTES;
    const other = load<i32>(a, 4);
    store<i32>(a, load<i32>(b, 4), 4);
    store<i32>(b, other, 4);
  }
  const alpha = f64(s.alpha0) + (f64(s.alpha1) - f64(s.alpha0)) * next(s, scratch) + 1e-6;
  for (let n = 0; n < batch; n++) {
    const plan = s.plan + <usize>n * MIX_BYTES;
    // Of logarithms, as both draws may be smaller than any number.
    const difference = logGamma(s, alpha, scratch) - logGamma(s, alpha, scratch);
    let weight = f32(1 / (1 + NativeMath.exp(-difference)));
    if (s.cut) {
      const side = Mathf.sqrt(<f32>1 - weight);
      const width = side * f32(s.W), height = side * f32(s.H);
      const left = f32(next(s, scratch)) * (f32(s.W) - width), top = f32(next(s, scratch)) * (f32(s.H) - height);
      store<f32>(plan, top, 8);
      store<f32>(plan, top + height, 12);
      store<f32>(plan, left, 16);
      store<f32>(plan, left + width, 20);
      weight = 1 - width * height / f32(s.W * s.H);
    }
    store<f32>(plan, weight);
  }
}

/** y = x mixed as planned; y is not x. One task is one image. */
@unmanaged
export class MixArgs {
  y: usize;
  x: usize;
  plan: usize;
  H: i32;
  W: i32;
  C: i32;
  cut: i32;
}

export function mixImages(s: MixArgs, task: i32, scratch: usize): void {
  const W = s.W, pixel = <usize>s.C << 2, bytes = <usize>(s.H * W) * pixel;
  const plan = s.plan + <usize>task * MIX_BYTES;
  const own = s.x + <usize>task * bytes, other = s.x + <usize>load<i32>(plan, 4) * bytes;
  const y = s.y + <usize>task * bytes;
  if (!s.cut) {
    const weight = load<f32>(plan);
    for (let o: usize = 0; o < bytes; o += 4) {
      store<f32>(y + o, weight * load<f32>(own + o) + (<f32>1 - weight) * load<f32>(other + o));
    }
    return;
  }
  const top = load<f32>(plan, 8), bottom = load<f32>(plan, 12), left = load<f32>(plan, 16), right = load<f32>(plan, 20);
  memory.copy(y, own, bytes);
  for (let i = 0; i < s.H; i++) {
    if (!(f32(i) >= top && f32(i) < bottom)) continue;
    for (let j = 0; j < W; j++) {
      const o = <usize>(i * W + j) * pixel;
      if (f32(j) >= left && f32(j) < right) memory.copy(y + o, other + o, pixel);
    }
  }
}

/** y[rows, cols] = the targets x, mixed as the images were; y is not x. One task. */
@unmanaged
export class MixTargetsArgs {
  y: usize;
  x: usize;
  plan: usize;
  rows: i32;
  cols: i32;
}

export function mixTargets(s: MixTargetsArgs, task: i32, scratch: usize): void {
  const cols = s.cols;
  for (let n = 0; n < s.rows; n++) {
    const plan = s.plan + <usize>n * MIX_BYTES;
    const weight = load<f32>(plan);
    const own = s.x + (<usize>(n * cols) << 2), other = s.x + (<usize>(load<i32>(plan, 4) * cols) << 2);
    const y = s.y + (<usize>(n * cols) << 2);
    for (let c = 0; c < cols; c++) {
      const o = <usize>c << 2;
      store<f32>(y + o, weight * load<f32>(own + o) + (<f32>1 - weight) * load<f32>(other + o));
    }
  }
}
