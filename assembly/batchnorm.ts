import {
  FAINT, LANES, NORMAL, lanes, madd, splat, vadd, vflush, vload, vmul, vstore, vstorePart, vsub, vzeroWhereLessEqual,
} from "./simd";

// Batch normalization (Ioffe and Szegedy 2015) of x[rows, C], rows = batch * H * W, as Keras has it: the variance is the
// biased one, in the moving one, too. With the statistics of the batch:
//   batchNormStatistics  partials = mean and squared deviations of some rows each
//   batchNormConstants   constants, and the moving statistics, from all of them
//   batchNormForward     y = (x - mean) a + b
// With the moving statistics: batchNormInference writes the constants, and batchNormForward or foldNorm follows.
// Backward: batchnorm-backward.ts.
// constants: f32[5, C], in rows mean, a = gamma / sqrt(variance + epsilon), b = beta - rest * a, 1 / sqrt(variance + epsilon),
// and rest = what the mean was rounded by: for channels whose mean is large beside their deviation.

/** Channels in one task of batchNormConstants, batchNormInference and batchNormGradients. */
// @host
export const NORM_CHANNELS: i32 = 16;
/** Scratch of those of them that add up what tasks have summed: two f64 a channel. */
// @host
export const NORM_SCRATCH: i32 = 16 * NORM_CHANNELS;

/** Bytes of constants. */
// @host
// @ts-ignore: decorator
@inline
export function constantsBytes(C: i32): usize {
  return 5 * 4 * <usize>C;
}

/** Bytes of partials, of the sums over some rows in each of so many tasks: two f64 a channel. */
// @host
// @ts-ignore: decorator
@inline
export function partialBytes(C: i32, tasks: i32): usize {
  return 16 * <usize>C * <usize>tasks;
}

/** Scratch of batchNormStatistics: three sums for two vectors of columns. */
// @host
export const STATISTICS_SCRATCH: i32 = 3 * 2 * 4 * LANES;

/** Rows whose sums are f32 before they are combined in f64. */
// @host
export const NORM_BLOCK: i32 = 256;
/** Every so manyth row of a block is in the mean that is subtracted from its rows. */
const STRIDE: i32 = 8;

/** Rows that are taken before the next columns are: so many that they stay in the L1 cache. */
// @ts-ignore: decorator
@inline
export function rowsAtOnce(C: i32): i32 {
  return max(2048 / C, 16);
}

/** partials: f64[tasks, C, 2], per channel the mean of the task's rows and the sum of their squared distances from it. */
@unmanaged
export class BatchNormStatisticsArgs {
  partials: usize;
  x: usize;
  rows: i32;
  C: i32;
  grain: i32; // rows in one task; what partials, and so the results' last bits, hang on. Scratch: STATISTICS_SCRATCH
}

/**
 * out = shift, sum of x - shift, sum of (x - shift)^2 over rows, each for two vectors of columns. The shift is the
 * mean of an eighth of the rows: at most 2.7 standard deviations from that of all, so that little cancels when the mean's
 * share is taken out of the squares; where all rows are the same it is exactly what they are.
 */
// @ts-ignore: decorator
@inline
function moments<V>(out: usize, x: usize, rows: i32, ld: usize): void {
  const first0 = vload<V>(x), first1 = vload<V>(x, sizeof<V>());
  let m0 = splat<V>(0), m1 = m0;
  let p = x + ld * STRIDE;
  for (let r = STRIDE; r < rows; r += STRIDE, p += ld * STRIDE) {
    m0 = vadd<V>(m0, vsub<V>(vload<V>(p), first0));
    m1 = vadd<V>(m1, vsub<V>(vload<V>(p, sizeof<V>()), first1));
  }
  const scale = splat<V>(1 / f32((rows + STRIDE - 1) / STRIDE));
  m0 = vadd<V>(first0, vmul<V>(m0, scale));
  m1 = vadd<V>(first1, vmul<V>(m1, scale));
  store2<V>(out, m0, m1);
  let s0 = splat<V>(0), s1 = s0, q0 = s0, q1 = s0, u0 = s0, u1 = s0, v0 = s0, v1 = s0;
  for (; rows >= 2; rows -= 2) {
    let d0 = vsub<V>(vload<V>(x), m0), d1 = vsub<V>(vload<V>(x, sizeof<V>()), m1);
    s0 = vadd<V>(s0, d0);
    s1 = vadd<V>(s1, d1);
    q0 = madd<V>(d0, d0, q0);
    q1 = madd<V>(d1, d1, q1);
    x += ld;
    d0 = vsub<V>(vload<V>(x), m0);
    d1 = vsub<V>(vload<V>(x, sizeof<V>()), m1);
    u0 = vadd<V>(u0, d0);
    u1 = vadd<V>(u1, d1);
    v0 = madd<V>(d0, d0, v0);
    v1 = madd<V>(d1, d1, v1);
    x += ld;
  }
  if (rows > 0) {
    const d0 = vsub<V>(vload<V>(x), m0), d1 = vsub<V>(vload<V>(x, sizeof<V>()), m1);
    s0 = vadd<V>(s0, d0);
    s1 = vadd<V>(s1, d1);
    q0 = madd<V>(d0, d0, q0);
    q1 = madd<V>(d1, d1, q1);
  }
  store2<V>(out + 2 * sizeof<V>(), vadd<V>(s0, u0), vadd<V>(s1, u1));
  store2<V>(out + 4 * sizeof<V>(), vadd<V>(q0, v0), vadd<V>(q1, v1));
}

// @ts-ignore: decorator
@inline
export function store2<V>(p: usize, a: V, b: V): void {
  vstore<V>(p, a);
  vstore<V>(p + sizeof<V>(), b);
}

// @ts-ignore: decorator
@inline
function statistics<V>(s: BatchNormStatisticsArgs, task: i32, scratch: usize): void {
  const C = s.C, ld = <usize>C << 2, width = 2 * lanes<V>();
  const r0 = task * s.grain, r1 = min(s.rows, r0 + s.grain);
  const partial = s.partials + (<usize>task * ld << 2);
  for (let r = r0; r < r1; r += NORM_BLOCK) {
    const rows = min(r1 - r, NORM_BLOCK), before = r - r0;
    const inverse = 1 / f64(rows), share = f64(rows) / f64(before + rows);
    const x = s.x + <usize>r * ld;
    for (let c = 0; c < C; c += width) {
      moments<V>(scratch, x + (<usize>c << 2), rows, ld);
      const end = min(C - c, width);
      let p = partial + (<usize>c << 4), sums = scratch;
      for (let i = 0; i < end; i++, p += 16, sums += 4) absorb(p, sums, 2 * sizeof<V>(), inverse, share, before);
    }
  }
}

/** A block's sums join the mean and squares of the `before` rows before it (Chan, Golub and LeVeque 1979). */
// @ts-ignore: decorator
@inline
function absorb(partial: usize, sums: usize, apart: usize, inverse: f64, share: f64, before: i32): void {
  const sum = f64(load<f32>(sums + apart));
  const mean = f64(load<f32>(sums)) + sum * inverse;
  const squares = max<f64>(f64(load<f32>(sums + 2 * apart)) - sum * sum * inverse, 0);
  if (before == 0) {
    store<f64>(partial, mean);
    store<f64>(partial, squares, 8);
  } else {
    const old = load<f64>(partial);
    const d = mean - old;
    store<f64>(partial, old + d * share);
    store<f64>(partial, load<f64>(partial, 8) + squares + d * d * (f64(before) * share), 8);
  }
}

export function batchNormStatistics(args: BatchNormStatisticsArgs, task: i32, scratch: usize): void {
  if (ASC_FEATURE_SIMD) statistics<v128>(args, task, scratch);
  else statistics<f32>(args, task, scratch);
}

/**
 * constants from the partials of all tasks, and the moving statistics moved towards the batch's:
 * moving += (batch's - moving) oneMinusMomentum. One task takes NORM_CHANNELS channels, and NORM_SCRATCH.
 */
@unmanaged
export class BatchNormConstantsArgs {
  constants: usize; // f32[5, C], see above
  partials: usize;
  gamma: usize; // f32[C]; 0: 1
  beta: usize; // f32[C]; 0: 0
  movingMean: usize; // inout; f32[C]; 0: there are none to move
  movingVariance: usize; // inout; f32[C]
  rows: i32;
  C: i32;
  grain: i32; // of batchNormStatistics
  epsilon: f32; // Keras default 1e-3
  oneMinusMomentum: f32; // rounded once, by the host; Keras default 0.01
}

// @ts-ignore: decorator
@inline
function setConstants(p: usize, C: i32, mean: f64, variance: f64, gamma: usize, beta: usize, o: usize, epsilon: f32): void {
  const ld = <usize>C << 2;
  const scale = 1 / sqrt<f64>(variance + f64(epsilon));
  const a = f32(gamma ? f64(load<f32>(gamma + o)) * scale : scale);
  const rest = mean - f64(f32(mean));
  p += o;
  store<f32>(p, f32(mean));
  store<f32>(p + ld, a);
  store<f32>(p + 2 * ld, f32((beta ? f64(load<f32>(beta + o)) : 0) - rest * f64(a)));
  store<f32>(p + 3 * ld, f32(scale));
  store<f32>(p + 4 * ld, f32(rest));
}

/** A channel that dies must not leave its moving statistics at a denormal. */
// @ts-ignore: decorator
@inline
function move(p: usize, to: f64, share: f32): void {
  const now = f64(load<f32>(p));
  store<f32>(p, vflush<f32>(f32(now + (to - now) * f64(share)), NORMAL));
}

export function batchNormConstants(args: BatchNormConstantsArgs, task: i32, scratch: usize): void {
  const C = args.C, rows = args.rows, grain = args.grain;
  const c0 = task * NORM_CHANNELS, channels = min(C - c0, NORM_CHANNELS) << 4;
  const first = args.partials + (<usize>c0 << 4), apart = <usize>C << 4;
  memory.fill(scratch, 0, NORM_SCRATCH);
  let p = first;
  for (let r = 0; r < rows; r += grain, p += apart) {
    const n = f64(min(rows - r, grain));
    for (let c = 0; c < channels; c += 16) store<f64>(scratch + c, load<f64>(scratch + c) + n * load<f64>(p + c));
  }
  for (let c = 0; c < channels; c += 16) store<f64>(scratch + c, load<f64>(scratch + c) / f64(rows));
  p = first;
  for (let r = 0; r < rows; r += grain, p += apart) {
    const n = f64(min(rows - r, grain));
    for (let c = 0; c < channels; c += 16) {
      const d = load<f64>(p + c) - load<f64>(scratch + c);
      store<f64>(scratch + c, load<f64>(scratch + c, 8) + (load<f64>(p + c, 8) + n * (d * d)), 8);
    }
  }
  let o = <usize>c0 << 2;
  for (let c = 0; c < channels; c += 16, o += 4) {
    const mean = load<f64>(scratch + c), variance = load<f64>(scratch + c, 8) / f64(rows);
    setConstants(args.constants, C, mean, variance, args.gamma, args.beta, o, args.epsilon);
    if (args.movingMean) {
      move(args.movingMean + o, mean, args.oneMinusMomentum);
      move(args.movingVariance + o, variance, args.oneMinusMomentum);
    }
  }
}

/** The same constants from the moving statistics. One task takes NORM_CHANNELS channels. */
@unmanaged
export class BatchNormInferenceArgs {
  constants: usize; // f32[5, C]
  gamma: usize; // f32[C]; 0: 1
  beta: usize; // f32[C]; 0: 0
  movingMean: usize; // f32[C]
  movingVariance: usize; // f32[C]
  C: i32;
  epsilon: f32;
}

export function batchNormInference(args: BatchNormInferenceArgs, task: i32, scratch: usize): void {
  const c1 = min((task + 1) * NORM_CHANNELS, args.C);
  for (let c = task * NORM_CHANNELS; c < c1; c++) {
    const o = <usize>c << 2;
    const mean = f64(load<f32>(args.movingMean + o)), variance = f64(load<f32>(args.movingVariance + o));
    setConstants(args.constants, args.C, mean, variance, args.gamma, args.beta, o, args.epsilon);
  }
}

/** y = (x - mean) a + b, + residual, with relu max(that, 0). y may be x, where backward does not follow, or residual. */
@unmanaged
export class BatchNormForwardArgs {
  y: usize; // [rows, C]
  x: usize; // [rows, C]
  residual: usize; // [rows, C]; 0: none
  constants: usize; // f32[5, C]
  rows: i32;
  C: i32;
  relu: i32;
  grain: i32; // rows in one task
}

/** Two vectors of columns. */
// @ts-ignore: decorator
@inline
function normalizeTwo<V>(
  y: usize, x: usize, residual: usize, constants: usize, rows: i32, ld: usize, floor: V, add: bool,
): void {
  const m0 = vload<V>(constants), m1 = vload<V>(constants, sizeof<V>());
  constants += ld;
  const a0 = vload<V>(constants), a1 = vload<V>(constants, sizeof<V>());
  constants += ld;
  const b0 = vload<V>(constants), b1 = vload<V>(constants, sizeof<V>());
  for (; rows > 0; rows--, x += ld, y += ld) {
    let v0 = madd<V>(vsub<V>(vload<V>(x), m0), a0, b0), v1 = madd<V>(vsub<V>(vload<V>(x, sizeof<V>()), m1), a1, b1);
    if (add) {
      v0 = vadd<V>(v0, vload<V>(residual));
      v1 = vadd<V>(v1, vload<V>(residual, sizeof<V>()));
      residual += ld;
    }
    store2<V>(y, vzeroWhereLessEqual<V>(v0, floor, v0), vzeroWhereLessEqual<V>(v1, floor, v1));
  }
}

/** One vector of columns, of which `cols` (more than lanes: all) are stored. */
// @ts-ignore: decorator
@inline
function normalizeOne<V>(
  y: usize, x: usize, residual: usize, constants: usize, rows: i32, ld: usize, floor: V, cols: i32,
): void {
  const m = vload<V>(constants), a = vload<V>(constants + ld), b = vload<V>(constants + 2 * ld);
  const add = residual != 0;
  for (; rows > 0; rows--, x += ld, y += ld) {
    let v = madd<V>(vsub<V>(vload<V>(x), m), a, b);
    if (add) {
      v = vadd<V>(v, vload<V>(residual));
      residual += ld;
    }
    vstorePart<V>(y, vzeroWhereLessEqual<V>(v, floor, v), cols);
  }
}

function normalize<V>(s: BatchNormForwardArgs, task: i32): void {
  const C = s.C, ld = <usize>C << 2, block = rowsAtOnce(C);
  // Nothing is less than NaN.
  const floor = splat<V>(s.relu ? FAINT : f32.NaN);
  const r1 = min((task + 1) * s.grain, s.rows);
  for (let r = task * s.grain; r < r1; r += block) {
    const rows = min(r1 - r, block);
    let o = <usize>r * ld, constants = s.constants, c = C;
    for (; c >= 2 * lanes<V>(); c -= 2 * lanes<V>(), o += 2 * sizeof<V>(), constants += 2 * sizeof<V>()) {
      if (s.residual) normalizeTwo<V>(s.y + o, s.x + o, s.residual + o, constants, rows, ld, floor, true);
      else normalizeTwo<V>(s.y + o, s.x + o, 0, constants, rows, ld, floor, false);
    }
    for (; c > 0; c -= lanes<V>(), o += sizeof<V>(), constants += sizeof<V>()) {
      normalizeOne<V>(s.y + o, s.x + o, s.residual ? s.residual + o : 0, constants, rows, ld, floor, c);
    }
  }
}

export function batchNormForward(args: BatchNormForwardArgs, task: i32, scratch: usize): void {
  if (ASC_FEATURE_SIMD) normalize<v128>(args, task);
  else normalize<f32>(args, task);
}

/**
 * A convolution that normalizes its outputs itself: w[K, OC] = filter[K, OC] a[oc],
 * bias = (filterBias - mean) a + b. Not in place. Task 0 writes the bias.
 */
@unmanaged
export class FoldNormArgs {
  w: usize; // [K, OC]
  bias: usize; // [OC]
  filter: usize; // [K, OC]
  filterBias: usize; // [OC]; 0: none
  constants: usize; // f32[5, OC], of batchNormInference
  K: i32;
  OC: i32;
  grain: i32; // rows of the filter in one task
}

// @ts-ignore: decorator
@inline
function foldRows<V>(w: usize, filter: usize, a: usize, rows: i32, C: i32): void {
  const normal = splat<V>(NORMAL);
  for (; rows > 0; rows--) {
    let p = a;
    for (let n = C; n > 0; n -= lanes<V>(), p += sizeof<V>()) {
      vstorePart<V>(w, vflush<V>(vmul<V>(vload<V>(filter), vload<V>(p)), normal), n);
      const step = <usize>min(n, lanes<V>()) << 2;
      w += step;
      filter += step;
    }
  }
}

export function foldNorm(args: FoldNormArgs, task: i32, scratch: usize): void {
  const OC = args.OC, ld = <usize>OC << 2;
  const k0 = task * args.grain, rows = min(args.K - k0, args.grain);
  const o = <usize>k0 * ld;
  if (ASC_FEATURE_SIMD) foldRows<v128>(args.w + o, args.filter + o, args.constants + ld, rows, OC);
  else foldRows<f32>(args.w + o, args.filter + o, args.constants + ld, rows, OC);
  if (task != 0) return;
  let p = args.constants;
  for (let c: usize = 0; c < ld; c += 4, p += 4) {
    const bias: f64 = args.filterBias ? f64(load<f32>(args.filterBias + c)) : 0;
    const folded = (bias - f64(load<f32>(p))) * f64(load<f32>(p + ld)) + f64(load<f32>(p + 2 * ld));
    store<f32>(args.bias + c, f32(folded));
  }
}
