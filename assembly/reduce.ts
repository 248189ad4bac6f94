import { lanes, splat, vadd, vload, vmul, vstore, vstorePart } from "./simd";
import { PANEL } from "./tile";

/** Rows that are summed on their own before they join the total: keeps rounding errors of tall sums small. */
const BLOCK: i32 = 256;

/**
 * out[cols] = scale * sum over rows of x[rows, cols], rows `ld` bytes apart, cols in 1 .. 16. The order is fixed:
 * per column even and odd rows of each block apart, then block after block; the same bits for every width of V.
 */
// @ts-ignore: decorator
@inline
export function sumColumns(out: usize, x: usize, rows: i32, ld: usize, cols: i32, scale: f32): void {
  if (ASC_FEATURE_SIMD) {
    if (cols == 16) return sumFour<v128>(out, x, rows, ld, scale);
    for (; cols > 0; cols -= 4, out += 16, x += 16) sumOne<v128>(out, x, rows, ld, cols, scale);
  } else {
    for (; cols >= 4; cols -= 4, out += 16, x += 16) sumFour<f32>(out, x, rows, ld, scale);
    for (; cols > 0; cols--, out += 4, x += 4) sumOne<f32>(out, x, rows, ld, 1, scale);
  }
}

/** Four vectors of columns at once. */
function sumFour<V>(out: usize, x: usize, rows: i32, ld: usize, scale: f32): void {
  let t0 = splat<V>(0), t1 = t0, t2 = t0, t3 = t0;
  for (; rows > 0; rows -= BLOCK) {
    let a0 = splat<V>(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    let m = min(rows, BLOCK);
    for (; m >= 2; m -= 2) {
      a0 = vadd<V>(a0, vload<V>(x));
      a1 = vadd<V>(a1, vload<V>(x, sizeof<V>()));
      a2 = vadd<V>(a2, vload<V>(x, 2 * sizeof<V>()));
      a3 = vadd<V>(a3, vload<V>(x, 3 * sizeof<V>()));
      x += ld;
      b0 = vadd<V>(b0, vload<V>(x));
      b1 = vadd<V>(b1, vload<V>(x, sizeof<V>()));
      b2 = vadd<V>(b2, vload<V>(x, 2 * sizeof<V>()));
      b3 = vadd<V>(b3, vload<V>(x, 3 * sizeof<V>()));
      x += ld;
    }
    if (m > 0) {
      a0 = vadd<V>(a0, vload<V>(x));
      a1 = vadd<V>(a1, vload<V>(x, sizeof<V>()));
      a2 = vadd<V>(a2, vload<V>(x, 2 * sizeof<V>()));
      a3 = vadd<V>(a3, vload<V>(x, 3 * sizeof<V>()));
    }
    t0 = vadd<V>(t0, vadd<V>(a0, b0));
    t1 = vadd<V>(t1, vadd<V>(a1, b1));
    t2 = vadd<V>(t2, vadd<V>(a2, b2));
    t3 = vadd<V>(t3, vadd<V>(a3, b3));
  }
  const s = splat<V>(scale);
  vstore<V>(out, vmul<V>(t0, s));
  vstore<V>(out + sizeof<V>(), vmul<V>(t1, s));
  vstore<V>(out + 2 * sizeof<V>(), vmul<V>(t2, s));
  vstore<V>(out + 3 * sizeof<V>(), vmul<V>(t3, s));
}

/** One vector of columns, of which `cols` (more than lanes: all) are stored. */
function sumOne<V>(out: usize, x: usize, rows: i32, ld: usize, cols: i32, scale: f32): void {
  let t = splat<V>(0);
  for (; rows > 0; rows -= BLOCK) {
    let a = splat<V>(0), b = a;
    let m = min(rows, BLOCK);
    for (; m >= 2; m -= 2) {
      a = vadd<V>(a, vload<V>(x));
      b = vadd<V>(b, vload<V>(x + ld));
      x += ld << 1;
    }
    if (m > 0) a = vadd<V>(a, vload<V>(x));
    t = vadd<V>(t, vadd<V>(a, b));
  }
  vstorePart<V>(out, vmul<V>(t, splat<V>(scale)), cols);
}

/** out[N] = sum over rows of x[M, N]: the gradient of a bias. Overwrites. */
@unmanaged
export class ColumnSumArgs {
  out: usize;
  x: usize;
  M: i32;
  N: i32; // one task sums PANEL columns; tasks = panelsOf(N)
}

export function columnSum(args: ColumnSumArgs, task: i32, scratch: usize): void {
  const n0 = task * PANEL, o = <usize>n0 << 2;
  sumColumns(args.out + o, args.x + o, args.M, <usize>args.N << 2, min(args.N - n0, PANEL), 1);
}

/** Forward: y[batch, C] = mean over positions of x[batch, positions, C]; positions = H * W. */
@unmanaged
export class GlobalPoolArgs {
  y: usize; // y, or dy
  x: usize; // x, or dx
  batch: i32;
  positions: i32;
  C: i32;
  grain: i32; // images in one task
}

export function globalAveragePool2dForward(args: GlobalPoolArgs, task: i32, scratch: usize): void {
  const C = args.C;
  const ld = <usize>C << 2;
  const n1 = min((task + 1) * args.grain, args.batch);
  for (let n = task * args.grain; n < n1; n++) {
    const x = args.x + <usize>n * <usize>args.positions * ld, y = args.y + <usize>n * ld;
    for (let c = 0; c < C; c += 16) {
      const o = <usize>c << 2;
      sumColumns(y + o, x + o, args.positions, ld, min(C - c, 16), 1 / f32(args.positions));
    }
  }
}

// @ts-ignore: decorator
@inline
function spread<V>(dx: usize, dy: usize, positions: i32, C: i32): void {
  const scale = splat<V>(1 / f32(positions));
  for (; positions > 0; positions--) {
    let p = dy, n = C;
    for (; n >= lanes<V>(); n -= lanes<V>(), p += sizeof<V>(), dx += sizeof<V>()) {
      vstore<V>(dx, vmul<V>(vload<V>(p), scale));
    }
    if (isVector<V>() && n > 0) vstorePart<V>(dx, vmul<V>(vload<V>(p), scale), n);
    dx += <usize>n << 2;
  }
}

/** dx[batch, positions, C] = dy[batch, C] / positions; overwrites. */
export function globalAveragePool2dBackward(args: GlobalPoolArgs, task: i32, scratch: usize): void {
  const C = args.C;
  const ld = <usize>C << 2;
  const n1 = min((task + 1) * args.grain, args.batch);
  for (let n = task * args.grain; n < n1; n++) {
    const dx = args.x + <usize>n * <usize>args.positions * ld, dy = args.y + <usize>n * ld;
    if (ASC_FEATURE_SIMD) spread<v128>(dx, dy, args.positions, C);
    else spread<f32>(dx, dy, args.positions, C);
  }
}
