import {
  FAINT, Pair, WIDE, lanes, splat, vadd, vbytes, vflush, vload, vmul, vstore, vstorePart, vzeroWhereLessEqual,
} from "./simd";

/** out[n] = value: what a kernel adds to, and the coefficients of a frozen normalization. */
@unmanaged
export class FillArgs {
  out: usize;
  n: i32;
  value: f32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function fillOf<V>(p: usize, n: i32, value: f32): void {
  const v = splat<V>(value);
  for (; n >= lanes<V>(); n -= lanes<V>(), p += vbytes<V>()) vstore<V>(p, v);
  if (lanes<V>() > 1 && n > 0) vstorePart<V>(p, v, n);
}

export function fill(args: FillArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const p = args.out + (<usize>i0 << 2);
  if (WIDE) fillOf<Pair>(p, n, args.value);
  else if (ASC_FEATURE_SIMD) fillOf<v128>(p, n, args.value);
  else fillOf<f32>(p, n, args.value);
}

/** y[n] += x[n]: a second consumer's share of a gradient. */
@unmanaged
export class AddArgs {
  y: usize; // inout
  x: usize;
  n: i32;
  grain: i32; // elements in one task
}

// @ts-ignore: decorator
@inline
function addOf<V>(y: usize, x: usize, n: i32): void {
  for (; n >= lanes<V>(); n -= lanes<V>(), y += vbytes<V>(), x += vbytes<V>()) {
    vstore<V>(y, vadd<V>(vload<V>(y), vload<V>(x)));
  }
  if (lanes<V>() > 1 && n > 0) vstorePart<V>(y, vadd<V>(vload<V>(y), vload<V>(x)), n);
}

export function addInto(args: AddArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const n = min(args.n - i0, args.grain);
  const o = <usize>i0 << 2;
  if (WIDE) addOf<Pair>(args.y + o, args.x + o, n);
  else if (ASC_FEATURE_SIMD) addOf<v128>(args.y + o, args.x + o, n);
  else addOf<f32>(args.y + o, args.x + o, n);
}

/** z[n] = x[n] + y[n], with relu max(that, 0); or z[n] = x[n] * y[n], where |z| < FAINT is stored as 0. z may be x or y. */
@unmanaged
export class PairArgs {
  z: usize;
  x: usize;
  y: usize;
  n: i32;
  relu: i32; // addForward
  grain: i32; // elements in one task
}

/** x + y, of which what is <= floor is 0; or, with `times`, x * y, of which what is fainter than floor is 0. */
// @ts-ignore: decorator
@inline
function combine<V>(x: V, y: V, floor: V, times: bool): V {
  if (times) return vflush<V>(vmul<V>(x, y), floor);
  const sum = vadd<V>(x, y);
  return vzeroWhereLessEqual<V>(sum, floor, sum);
}

// @ts-ignore: decorator
@inline
function rowsOf<V>(z: usize, x: usize, y: usize, rows: i32, C: i32, floor: V, times: bool): void {
  for (; rows > 0; rows--) {
    let p = y, n = C;
    for (; n >= lanes<V>(); n -= lanes<V>(), p += vbytes<V>(), x += vbytes<V>(), z += vbytes<V>()) {
      vstore<V>(z, combine<V>(vload<V>(x), vload<V>(p), floor, times));
    }
    if (lanes<V>() > 1 && n > 0) vstorePart<V>(z, combine<V>(vload<V>(x), vload<V>(p), floor, times), n);
    x += <usize>n << 2;
    z += <usize>n << 2;
  }
}

/** z[rows, C] = x[rows, C] + y[C], with relu max(that, 0): nothing is less than NaN. */
export function addRows(z: usize, x: usize, y: usize, rows: i32, C: i32, relu: i32): void {
  const floor = relu ? FAINT : f32.NaN;
  if (WIDE) rowsOf<Pair>(z, x, y, rows, C, splat<Pair>(floor), false);
  else if (ASC_FEATURE_SIMD) rowsOf<v128>(z, x, y, rows, C, splat<v128>(floor), false);
  else rowsOf<f32>(z, x, y, rows, C, floor, false);
}

/** z[rows, C] = x[rows, C] * y[C], where |z| < FAINT is stored as 0. */
export function multiplyRows(z: usize, x: usize, y: usize, rows: i32, C: i32): void {
  if (WIDE) rowsOf<Pair>(z, x, y, rows, C, splat<Pair>(FAINT), true);
  else if (ASC_FEATURE_SIMD) rowsOf<v128>(z, x, y, rows, C, splat<v128>(FAINT), true);
  else rowsOf<f32>(z, x, y, rows, C, FAINT, true);
}

/** Two branches of a net that meet, and sums of gradients where neither may be overwritten. */
export function addForward(args: PairArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const o = <usize>i0 << 2;
  addRows(args.z + o, args.x + o, args.y + o, 1, min(args.n - i0, args.grain), args.relu);
}

/** Its gradients are products, too: dx = dz * y, dy = dz * x. */
export function multiplyForward(args: PairArgs, task: i32, scratch: usize): void {
  const i0 = task * args.grain;
  const o = <usize>i0 << 2;
  multiplyRows(args.z + o, args.x + o, args.y + o, 1, min(args.n - i0, args.grain));
}
