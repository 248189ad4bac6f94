import { lanes, vload, vstore, vstorePart } from "./simd";

/**
 * out[r, at + c] = x[r, from + c] for c in 0 .. cols - 1: tensors side by side along their channels, and the way back for
 * gradients. The other columns of out stay. Nothing of out may be part of x.
 */
@unmanaged
export class CopyColumnsArgs {
  out: usize; // [rows, outCols]
  x: usize; // [rows, xCols]
  rows: i32;
  cols: i32;
  outCols: i32; // f32 from a row of out to the next
  at: i32;
  xCols: i32; // f32 from a row of x to the next
  from: i32;
  grain: i32; // rows in one task
}

// @ts-ignore: decorator
@inline
function copyRows<V>(out: usize, x: usize, rows: i32, cols: i32, outJump: usize, xJump: usize): void {
  for (; rows > 0; rows--, out += outJump, x += xJump) {
    let n = cols;
    for (; n >= lanes<V>(); n -= lanes<V>(), out += sizeof<V>(), x += sizeof<V>()) vstore<V>(out, vload<V>(x));
    if (isVector<V>() && n > 0) vstorePart<V>(out, vload<V>(x), n);
    out += <usize>n << 2;
    x += <usize>n << 2;
  }
}

export function copyColumns(args: CopyColumnsArgs, task: i32, scratch: usize): void {
  const r0 = task * args.grain;
  const rows = min(args.rows - r0, args.grain);
  const cols = args.cols;
  const out = args.out + ((<usize>r0 * <usize>args.outCols + <usize>args.at) << 2);
  const x = args.x + ((<usize>r0 * <usize>args.xCols + <usize>args.from) << 2);
  if (cols == args.outCols && cols == args.xCols) {
    memory.copy(out, x, (<usize>rows * <usize>cols) << 2);
    return;
  }
  const outJump = <usize>(args.outCols - cols) << 2, xJump = <usize>(args.xCols - cols) << 2;
  if (ASC_FEATURE_SIMD) copyRows<v128>(out, x, rows, cols, outJump, xJump);
  else copyRows<f32>(out, x, rows, cols, outJump, xJump);
}
