import { NORM_BLOCK, NORM_CHANNELS, NORM_SCRATCH, rowsAtOnce, store2 } from "./batchnorm";
import {
  FAINT, LANES, lanes, madd, splat, vadd, vflush, vload, vmul, vstorePart, vsub, vzeroWhereLessEqual,
} from "./simd";

// The way back through batch normalization with the statistics of the batch, which x has its part in. With
// n = (x - mean) / sqrt(variance + epsilon), and dy = 0 where relu has closed:
//   dbeta = sum dy;  dgamma = sum dy n;  dx = gamma / sqrt(variance + epsilon) (dy - mean of dy - n * mean of dy n)
//   batchNormSums       partials = the sums over some rows each
//   batchNormGradients  dbeta, dgamma and two coefficients a channel, from all of them
//   batchNormBackward   dx
// constants: see batchnorm.ts.

/** Scratch of batchNormSums: two sums for two vectors of columns. */
// @host
export const SUMS_SCRATCH: i32 = 2 * 2 * 4 * LANES;

/** Numbers of coefficients: two a channel. */
// @host
// @ts-ignore: decorator
@inline
export function coefficientCount(C: i32): i32 {
  return 2 * C;
}

/** partials: f64[tasks, C, 2], per channel the sums of dy and dy (x - constants' mean) over the task's rows. */
@unmanaged
export class BatchNormSumsArgs {
  partials: usize;
  dy: usize; // [rows, C]
  y: usize; // the output, whose relu gates dy; 0: no relu
  x: usize; // [rows, C]
  constants: usize; // f32[5, C]
  rows: i32;
  C: i32;
  grain: i32; // rows in one task; what partials, and so the results' last bits, hang on. Scratch: SUMS_SCRATCH
}

/** dy, 0 where `gate` is on and y <= 0. */
// @ts-ignore: decorator
@inline
function gated<V>(dy: usize, y: usize, offset: usize, gate: bool): V {
  const d = vload<V>(dy, offset);
  return gate ? vzeroWhereLessEqual<V>(vload<V>(y, offset), splat<V>(0), d) : d;
}

/** out = sum of dy, sum of dy (x - mean), each for two vectors of columns. */
// @ts-ignore: decorator
@inline
function sums<V>(out: usize, dy: usize, y: usize, x: usize, mean: usize, rows: i32, ld: usize, gate: bool): void {
  const m0 = vload<V>(mean), m1 = vload<V>(mean, sizeof<V>());
  let s0 = splat<V>(0), s1 = s0, q0 = s0, q1 = s0;
  for (; rows > 0; rows--) {
    const d0 = gated<V>(dy, y, 0, gate), d1 = gated<V>(dy, y, sizeof<V>(), gate);
    s0 = vadd<V>(s0, d0);
    s1 = vadd<V>(s1, d1);
    q0 = madd<V>(d0, vsub<V>(vload<V>(x), m0), q0);
    q1 = madd<V>(d1, vsub<V>(vload<V>(x, sizeof<V>()), m1), q1);
    dy += ld;
    x += ld;
    if (gate) y += ld;
  }
  store2<V>(out, s0, s1);
  store2<V>(out + 2 * sizeof<V>(), q0, q1);
}

function sumRows<V>(s: BatchNormSumsArgs, task: i32, scratch: usize): void {
  const C = s.C, ld = <usize>C << 2, width = 2 * lanes<V>();
  const r0 = task * s.grain, r1 = min(s.rows, r0 + s.grain);
  const partial = s.partials + (<usize>task * ld << 2);
  memory.fill(partial, 0, ld << 2);
  for (let r = r0; r < r1; r += NORM_BLOCK) {
    const rows = min(r1 - r, NORM_BLOCK);
    for (let c = 0; c < C; c += width) {
      const column = <usize>c << 2, o = <usize>r * ld + column;
      if (s.y) sums<V>(scratch, s.dy + o, s.y + o, s.x + o, s.constants + column, rows, ld, true);
      else sums<V>(scratch, s.dy + o, 0, s.x + o, s.constants + column, rows, ld, false);
      const end = min(C - c, width);
      let p = partial + (column << 2), q = scratch;
      for (let i = 0; i < end; i++, p += 16, q += 4) {
        store<f64>(p, load<f64>(p) + f64(load<f32>(q)));
        store<f64>(p, load<f64>(p, 8) + f64(load<f32>(q, 2 * sizeof<V>())), 8);
      }
    }
  }
}

export function batchNormSums(args: BatchNormSumsArgs, task: i32, scratch: usize): void {
  if (ASC_FEATURE_SIMD) sumRows<v128>(args, task, scratch);
  else sumRows<f32>(args, task, scratch);
}

/** One task takes NORM_CHANNELS channels, and NORM_SCRATCH. Overwrites. */
@unmanaged
export class BatchNormGradientsArgs {
  coefficients: usize; // f32[2, C], for batchNormBackward
  dgamma: usize; // f32[C]; 0: not wanted
  dbeta: usize; // f32[C]; 0: not wanted
  partials: usize; // of batchNormSums
  constants: usize; // f32[5, C]
  rows: i32;
  C: i32;
  grain: i32; // of batchNormSums
}

export function batchNormGradients(args: BatchNormGradientsArgs, task: i32, scratch: usize): void {
  const C = args.C, rows = args.rows, ld = <usize>C << 2;
  const c0 = task * NORM_CHANNELS, bytes = min(C - c0, NORM_CHANNELS) << 4;
  let p = args.partials + (<usize>c0 << 4);
  memory.fill(scratch, 0, NORM_SCRATCH);
  for (let r = 0; r < rows; r += args.grain, p += ld << 2) {
    for (let c = 0; c < bytes; c += 8) store<f64>(scratch + c, load<f64>(scratch + c) + load<f64>(p + c));
  }
  let o = <usize>c0 << 2;
  for (let c = 0; c < bytes; c += 16, o += 4) {
    const sum = load<f64>(scratch + c), constants = args.constants + o;
    const scale = f64(load<f32>(constants + 3 * ld)), rest = f64(load<f32>(constants + 4 * ld));
    const dgamma = (load<f64>(scratch + c, 8) - rest * sum) * scale;
    if (args.dgamma) store<f32>(args.dgamma + o, f32(dgamma));
    if (args.dbeta) store<f32>(args.dbeta + o, f32(sum));
    const slope = dgamma * scale / f64(rows);
    store<f32>(args.coefficients + o, f32(sum / f64(rows) - rest * slope));
    store<f32>(args.coefficients + ld + o, f32(slope));
  }
}

/**
 * dx = a (dy - k - (x - mean) s), k and s the rows of coefficients; dresidual = dy. Where relu was fused dy counts where
 * y > 0 alone. What is fainter than FAINT is stored as 0. dx may be dy, or dresidual may. With coefficients of 0 this is the
 * way back through the moving statistics, which x has no part in.
 */
@unmanaged
export class BatchNormBackwardArgs {
  dx: usize; // [rows, C]
  dresidual: usize; // [rows, C]; 0: nothing was added
  dy: usize; // [rows, C]
  y: usize; // the output, whose relu gates dy; 0: no relu
  x: usize; // [rows, C]
  constants: usize; // f32[5, C]
  coefficients: usize; // f32[2, C]
  rows: i32;
  C: i32;
  grain: i32; // rows in one task
}

/** Two vectors of columns. */
// @ts-ignore: decorator
@inline
function backwardTwo<V>(
  dx: usize, dresidual: usize, dy: usize, y: usize, x: usize, constants: usize, coefficients: usize, rows: i32, ld: usize,
  gate: bool, add: bool,
): void {
  const m0 = vload<V>(constants), m1 = vload<V>(constants, sizeof<V>());
  const a0 = vload<V>(constants + ld), a1 = vload<V>(constants + ld, sizeof<V>());
  const k0 = vload<V>(coefficients), k1 = vload<V>(coefficients, sizeof<V>());
  const s0 = vload<V>(coefficients + ld), s1 = vload<V>(coefficients + ld, sizeof<V>());
  const faint = splat<V>(FAINT);
  for (; rows > 0; rows--) {
    const d0 = gated<V>(dy, y, 0, gate);
    const g0 = vmul<V>(vsub<V>(vsub<V>(d0, k0), vmul<V>(vsub<V>(vload<V>(x), m0), s0)), a0);
    const d1 = gated<V>(dy, y, sizeof<V>(), gate);
    const g1 = vmul<V>(vsub<V>(vsub<V>(d1, k1), vmul<V>(vsub<V>(vload<V>(x, sizeof<V>()), m1), s1)), a1);
    store2<V>(dx, vflush<V>(g0, faint), vflush<V>(g1, faint));
    dx += ld;
    dy += ld;
    x += ld;
    if (gate) y += ld;
    if (add) {
      store2<V>(dresidual, vflush<V>(d0, faint), vflush<V>(d1, faint));
      dresidual += ld;
    }
  }
}

/** One vector of columns, of which `cols` (more than lanes: all) are stored. */
// @ts-ignore: decorator
@inline
function backwardOne<V>(
  dx: usize, dresidual: usize, dy: usize, y: usize, x: usize, constants: usize, coefficients: usize, rows: i32, ld: usize,
  cols: i32,
): void {
  const m = vload<V>(constants), a = vload<V>(constants + ld);
  const k = vload<V>(coefficients), s = vload<V>(coefficients + ld);
  const faint = splat<V>(FAINT);
  for (; rows > 0; rows--) {
    let d = vload<V>(dy);
    if (y) {
      d = gated<V>(dy, y, 0, true);
      y += ld;
    }
    const g = vsub<V>(vsub<V>(d, k), vmul<V>(vsub<V>(vload<V>(x), m), s));
    vstorePart<V>(dx, vflush<V>(vmul<V>(g, a), faint), cols);
    dx += ld;
    dy += ld;
    x += ld;
    if (dresidual) {
      vstorePart<V>(dresidual, vflush<V>(d, faint), cols);
      dresidual += ld;
    }
  }
}

function backward<V>(s: BatchNormBackwardArgs, task: i32): void {
  const C = s.C, ld = <usize>C << 2, block = rowsAtOnce(C);
  const r1 = min((task + 1) * s.grain, s.rows);
  for (let r = task * s.grain; r < r1; r += block) {
    const rows = min(r1 - r, block);
    let o = <usize>r * ld, k = s.constants, q = s.coefficients, c = C;
    for (; c >= 2 * lanes<V>(); c -= 2 * lanes<V>(), o += 2 * sizeof<V>(), k += 2 * sizeof<V>(), q += 2 * sizeof<V>()) {
      const dx = s.dx + o, dresidual = s.dresidual + o, dy = s.dy + o, y = s.y + o, x = s.x + o;
      if (s.y) {
        if (s.dresidual) backwardTwo<V>(dx, dresidual, dy, y, x, k, q, rows, ld, true, true);
        else backwardTwo<V>(dx, 0, dy, y, x, k, q, rows, ld, true, false);
      } else {
        if (s.dresidual) backwardTwo<V>(dx, dresidual, dy, 0, x, k, q, rows, ld, false, true);
        else backwardTwo<V>(dx, 0, dy, 0, x, k, q, rows, ld, false, false);
      }
    }
    for (; c > 0; c -= lanes<V>(), o += sizeof<V>(), k += sizeof<V>(), q += sizeof<V>()) {
      const dresidual = s.dresidual ? s.dresidual + o : 0, y = s.y ? s.y + o : 0;
      backwardOne<V>(s.dx + o, dresidual, s.dy + o, y, s.x + o, k, q, rows, ld, c);
    }
  }
}

export function batchNormBackward(args: BatchNormBackwardArgs, task: i32, scratch: usize): void {
  if (ASC_FEATURE_SIMD) backward<v128>(args, task);
  else backward<f32>(args, task);
}
