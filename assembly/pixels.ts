import { lanes, madd, splat, vstore, vstorePart } from "./simd";

/** out[n] = pixel * scale + offset from bytes: Keras's Rescaling layer. */
@unmanaged
export class PixelsToFloatArgs {
  out: usize; // f32[n]
  pixels: usize; // u8[n]
  n: i32;
  scale: f32;
  offset: f32;
  grain: i32; // elements in one task
}

/** The next pixels as f32; v128 reads 4 bytes. */
// @ts-ignore: decorator
@inline
function widen<V>(p: usize): V {
  if (isVector<V>()) {
    return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(p))));
  }
  return f32(load<u8>(p)) as V;
}

// @ts-ignore: decorator
@inline
function convert<V>(out: usize, p: usize, n: i32, a: f32, b: f32): void {
  const scale = splat<V>(a), offset = splat<V>(b);
  for (; n >= lanes<V>(); n -= lanes<V>(), p += lanes<V>(), out += sizeof<V>()) {
    vstore<V>(out, madd<V>(widen<V>(p), scale, offset));
  }
  if (isVector<V>() && n > 0) vstorePart<V>(out, madd<V>(widen<V>(p), scale, offset), n);
}

export function pixelsToFloat(args: PixelsToFloatArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const out = args.out + (<usize>i0 << 2), pixels = args.pixels + <usize>i0;
  if (ASC_FEATURE_SIMD) convert<v128>(out, pixels, n, args.scale, args.offset);
  else convert<f32>(out, pixels, n, args.scale, args.offset);
}

/** t[rows, cols] = 1 in the column that the label names, 0 elsewhere; a label >= cols gives a row of zeros. */
@unmanaged
export class OneHotArgs {
  t: usize; // f32[rows, cols]
  labels: usize; // u8[rows]
  rows: i32;
  cols: i32;
}

/** One task. */
export function oneHot(args: OneHotArgs, task: i32, scratch: usize): void {
  const rowBytes = <usize>args.cols << 2;
  let t = args.t;
  memory.fill(t, 0, <usize>args.rows * rowBytes);
  for (let r = 0; r < args.rows; r++, t += rowBytes) {
    const label = <i32>load<u8>(args.labels + <usize>r);
    if (label < args.cols) store<f32>(t + (<usize>label << 2), 1);
  }
}
