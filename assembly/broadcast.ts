import { addRows, multiplyRows } from "./elementwise";
import { sumColumns } from "./reduce";
import { lanes, madd, splat, vadd, vload, vstorePart } from "./simd";

/**
 * z[b, r, c] = x[b, r, c] + y[b, c], with relu max(that, 0); or x[b, r, c] * y[b, c], where |z| < FAINT is stored as 0;
 * for r in 0 .. inner - 1: H * W positions of an image. z may be x. In a product dx = dz * y is the same kernel.
 */
@unmanaged
export class BroadcastArgs {
  z: usize;
  x: usize;
  y: usize;
  batch: i32;
  inner: i32;
  C: i32;
  relu: i32; // addBroadcast
  grain: i32; // of the batch * inner rows, those in one task
}

function broadcast(s: BroadcastArgs, task: i32, times: bool): void {
  const C = s.C, inner = s.inner, ld = <usize>C << 2;
  let r = task * s.grain;
  const end = min(s.batch * inner, r + s.grain);
  while (r < end) {
    const b = r / inner;
    const rows = min((b + 1) * inner, end) - r;
    const o = <usize>r * ld, y = s.y + <usize>b * ld;
    if (times) multiplyRows(s.z + o, s.x + o, y, rows, C);
    else addRows(s.z + o, s.x + o, y, rows, C, s.relu);
    r += rows;
  }
}

export function addBroadcast(args: BroadcastArgs, task: i32, scratch: usize): void {
  broadcast(args, task, false);
}

export function multiplyBroadcast(args: BroadcastArgs, task: i32, scratch: usize): void {
  broadcast(args, task, true);
}

/** out[b, c] = sum over r of x[b, r, c] * y[b, r, c], or of x alone: the gradient of what was broadcast. Overwrites. */
@unmanaged
export class SumBroadcastArgs {
  out: usize;
  x: usize;
  y: usize; // 0: x alone
  batch: i32;
  inner: i32;
  C: i32;
  grain: i32; // samples in one task
}

/** Rows that are summed on their own before they join the total, as in reduce.ts. */
const BLOCK: i32 = 256;

/** out = sum over rows of x * y for two vectors of columns, of which `cols` are stored. */
function sumProducts<V>(out: usize, x: usize, y: usize, rows: i32, ld: usize, cols: i32): void {
  let t0 = splat<V>(0), t1 = t0;
  for (; rows > 0; rows -= BLOCK) {
    let a0 = splat<V>(0), a1 = a0, b0 = a0, b1 = a0;
    let m = min(rows, BLOCK);
    for (; m >= 2; m -= 2) {
      a0 = madd<V>(vload<V>(x), vload<V>(y), a0);
      a1 = madd<V>(vload<V>(x, sizeof<V>()), vload<V>(y, sizeof<V>()), a1);
      x += ld;
      y += ld;
      b0 = madd<V>(vload<V>(x), vload<V>(y), b0);
      b1 = madd<V>(vload<V>(x, sizeof<V>()), vload<V>(y, sizeof<V>()), b1);
      x += ld;
      y += ld;
    }
    if (m > 0) {
      a0 = madd<V>(vload<V>(x), vload<V>(y), a0);
      a1 = madd<V>(vload<V>(x, sizeof<V>()), vload<V>(y, sizeof<V>()), a1);
    }
    t0 = vadd<V>(t0, vadd<V>(a0, b0));
    t1 = vadd<V>(t1, vadd<V>(a1, b1));
  }
  vstorePart<V>(out, t0, cols);
  if (cols > lanes<V>()) vstorePart<V>(out + sizeof<V>(), t1, cols - lanes<V>());
}

// @ts-ignore: decorator
@inline
function sumImage<V>(out: usize, x: usize, y: usize, rows: i32, C: i32): void {
  const ld = <usize>C << 2;
  for (; C > 0; C -= 2 * lanes<V>()) {
    sumProducts<V>(out, x, y, rows, ld, C);
    out += 2 * sizeof<V>();
    x += 2 * sizeof<V>();
    y += 2 * sizeof<V>();
  }
}

export function sumBroadcast(args: SumBroadcastArgs, task: i32, scratch: usize): void {
  const C = args.C, inner = args.inner, ld = <usize>C << 2;
  const b1 = min((task + 1) * args.grain, args.batch);
  for (let b = task * args.grain; b < b1; b++) {
    const image = <usize>b * <usize>inner * ld, out = args.out + <usize>b * ld, x = args.x + image;
    if (args.y == 0) {
      for (let c = 0; c < C; c += 16) {
        const o = <usize>c << 2;
        sumColumns(out + o, x + o, inner, ld, min(C - c, 16), 1);
      }
    } else if (ASC_FEATURE_SIMD) sumImage<v128>(out, x, args.y + image, inner, C);
    else sumImage<f32>(out, x, args.y + image, inner, C);
  }
}
