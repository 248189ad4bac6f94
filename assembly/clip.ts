import {
  hsum, lanes, madd, splat, vadd, vload, vloadPart, vmul, vpmax, vpmin, vstore, vstorePart,
} from "./simd";

// Gradient clipping, between backward and the optimizer.

/** g[n] = min(max(g, -limit), limit), in place: Keras's clipvalue. */
@unmanaged
export class ClipByValueArgs {
  g: usize; // inout
  n: i32;
  limit: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function clipLoop<V>(g: usize, n: i32, limit: f32): void {
  const high = splat<V>(limit), low = splat<V>(-limit);
  for (; n > 0; n -= lanes<V>(), g += sizeof<V>()) {
    vstorePart<V>(g, vpmin<V>(vpmax<V>(vload<V>(g), low), high), n);
  }
}

export function clipByValue(args: ClipByValueArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const g = args.g + (<usize>i0 << 2);
  if (ASC_FEATURE_SIMD) clipLoop<v128>(g, n, args.limit);
  else clipLoop<f32>(g, n, args.limit);
}

/** partials[tasks] (f32): sum of g^2 over each task's elements; the norm of g[n] is the root of their sum. */
@unmanaged
export class SumSquaresArgs {
  partials: usize;
  g: usize;
  n: i32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function squaresOf<V>(g: usize, n: i32): f32 {
  let a = splat<V>(0), b = a;
  for (; n >= 2 * lanes<V>(); n -= 2 * lanes<V>(), g += 2 * sizeof<V>()) {
    const x = vload<V>(g), y = vload<V>(g, sizeof<V>());
    a = madd<V>(x, x, a);
    b = madd<V>(y, y, b);
  }
  for (; n > 0; n -= lanes<V>(), g += sizeof<V>()) {
    const x = vloadPart<V>(g, n, 0);
    a = madd<V>(x, x, a);
  }
  return hsum<V>(vadd<V>(a, b));
}

export function sumSquares(args: SumSquaresArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const g = args.g + (<usize>i0 << 2);
  const sum = ASC_FEATURE_SIMD ? squaresOf<v128>(g, n) : squaresOf<f32>(g, n);
  store<f32>(args.partials + (<usize>task << 2), sum);
}

/**
 * g[n] *= maxNorm / max(norm, maxNorm), norm = sqrt of the sum of partials[count], in place. One variable's partials give
 * Keras's clipnorm, those of all parameters its global_clipnorm. A norm of NaN or infinity makes g NaN.
 */
@unmanaged
export class ClipByNormArgs {
  g: usize; // inout
  partials: usize; // from sumSquares
  count: i32; // number of partials
  n: i32;
  maxNorm: f32;
  grain: i32; // elements in one task; each sums the partials again, in the same order
}

// @ts-ignore: decorator
@inline
function scaleLoop<V>(g: usize, n: i32, factor: f32): void {
  const f = splat<V>(factor);
  for (; n >= lanes<V>(); n -= lanes<V>(), g += sizeof<V>()) vstore<V>(g, vmul<V>(vload<V>(g), f));
  if (isVector<V>() && n > 0) vstorePart<V>(g, vmul<V>(vload<V>(g), f), n);
}

export function clipByNorm(args: ClipByNormArgs, task: i32, scratch: usize): void {
  let sum: f64 = 0;
  for (let i = 0; i < args.count; i++) sum += <f64>load<f32>(args.partials + (<usize>i << 2));
  const norm = <f32>sqrt<f64>(sum);
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const g = args.g + (<usize>i0 << 2);
  const factor = args.maxNorm / max<f32>(norm, args.maxNorm) + (norm - norm); // norm - norm: 0, or NaN
  if (ASC_FEATURE_SIMD) scaleLoop<v128>(g, n, factor);
  else scaleLoop<f32>(g, n, factor);
}
