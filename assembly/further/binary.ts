import {
  FAINT, firstLanes, hsum, lanes, loadSplat, splat, vadd, vflush, vload, vmax, vmul, vselectGreater, vstorePart, vsub,
} from "../simd";

// Two tensors that broadcast over each other: axes of size 1 are walked with stride 0. The host merges axes that are walked
// alike, so that five are enough: the batch and four of a sample.

/** x + y */
// @host
export const SUM = 0;
/** x - y */
// @host
export const DIFFERENCE = 1;
/** x y; fainter than FAINT is stored as 0 */
// @host
export const PRODUCT = 2;
// @host
export const GREATER = 3;
// @host
export const LESS = 4;
/** x > 0 ? x : y x; fainter than FAINT is stored as 0 */
// @host
export const SLOPED = 5;

/** z[n0, .., n4] = x op y, z dense. z may be x or y where that is walked as z is. NaN passes. */
@unmanaged
export class BinaryForwardArgs {
  z: usize;
  x: usize;
  y: usize;
  op: i32; // SUM .. SLOPED
  n0: i32;
  n1: i32;
  n2: i32;
  n3: i32;
  n4: i32;
  x0: i32; // elements from one index of an axis of x to the next; x4 and y4 are 0 or 1
  x1: i32;
  x2: i32;
  x3: i32;
  x4: i32;
  y0: i32;
  y1: i32;
  y2: i32;
  y3: i32;
  y4: i32;
  grain: i32; // of the n0 n1 n2 n3 rows, those in one task
}

// @ts-ignore: decorator
@inline
function operand<V>(p: usize, step: i32): V {
  return step ? vload<V>(p) : loadSplat<V>(p);
}

/** The less lane by lane; NaN if either is. */
// @ts-ignore: decorator
@inline
function vmin<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.min(a, b);
  return min<f32>(a as f32, b as f32) as V;
}

// @ts-ignore: decorator
@inline
function combine<V>(x: V, y: V, op: i32): V {
  if (op == SUM) return vadd<V>(x, y);
  if (op == DIFFERENCE) return vsub<V>(x, y);
  if (op == PRODUCT) return vflush<V>(vmul<V>(x, y), splat<V>(FAINT));
  if (op == GREATER) return vmax<V>(x, y);
  if (op == LESS) return vmin<V>(x, y);
  return vflush<V>(vselectGreater<V>(x, splat<V>(0), x, vmul<V>(x, y)), splat<V>(FAINT));
}

// @ts-ignore: decorator
@inline
function rowLoop<V>(z: usize, x: usize, y: usize, n: i32, xs: i32, ys: i32, op: i32): void {
  const xStep = xs ? sizeof<V>() : 0, yStep = ys ? sizeof<V>() : 0;
  for (; n > 0; n -= lanes<V>(), z += sizeof<V>(), x += xStep, y += yStep) {
    vstorePart<V>(z, combine<V>(operand<V>(x, xs), operand<V>(y, ys), op), n);
  }
}

function row<V>(z: usize, x: usize, y: usize, n: i32, xs: i32, ys: i32, op: i32): void {
  switch (op) {
    case SUM: return rowLoop<V>(z, x, y, n, xs, ys, SUM);
    case DIFFERENCE: return rowLoop<V>(z, x, y, n, xs, ys, DIFFERENCE);
    case PRODUCT: return rowLoop<V>(z, x, y, n, xs, ys, PRODUCT);
    case GREATER: return rowLoop<V>(z, x, y, n, xs, ys, GREATER);
    case LESS: return rowLoop<V>(z, x, y, n, xs, ys, LESS);
    case SLOPED: return rowLoop<V>(z, x, y, n, xs, ys, SLOPED);
    default: unreachable();
  }
}

export function binaryForward(s: BinaryForwardArgs, task: i32, scratch: usize): void {
  const rows = s.n0 * s.n1 * s.n2 * s.n3;
  let r = task * s.grain;
  const end = min(rows, r + s.grain);
  let i3 = r % s.n3, q = r / s.n3;
  let i2 = q % s.n2;
  q /= s.n2;
  let i1 = q % s.n1, i0 = q / s.n1;
  let z = s.z + ((<usize>r * <usize>s.n4) << 2);
  for (; r < end; r++, z += <usize>s.n4 << 2) {
    const x = s.x + (<usize>(i0 * s.x0 + i1 * s.x1 + i2 * s.x2 + i3 * s.x3) << 2);
    const y = s.y + (<usize>(i0 * s.y0 + i1 * s.y1 + i2 * s.y2 + i3 * s.y3) << 2);
    if (ASC_FEATURE_SIMD) row<v128>(z, x, y, s.n4, s.x4, s.y4, s.op);
    else row<f32>(z, x, y, s.n4, s.x4, s.y4, s.op);
    if (++i3 == s.n3) {
      i3 = 0;
      if (++i2 == s.n2) {
        i2 = 0;
        if (++i1 == s.n1) {
          i1 = 0;
          i0++;
        }
      }
    }
  }
}

/**
 * out = the gradient of x, or of y, from dz: of each of its elements the sum over all of z that it went into, in their order.
 * out[n0, ..] has for each sample `size` elements, of those axes that o1 .. o4 are not 0 of. Overwrites. For y of SLOPED, which
 * samples share, it is one sample's part. Of equal numbers, x is the greater and the less. Fainter than FAINT is stored as 0
 * of products.
 */
@unmanaged
export class BinaryBackwardArgs {
  out: usize;
  dz: usize;
  x: usize;
  y: usize;
  op: i32; // SUM .. SLOPED
  second: i32; // 0: the gradient of x; 1: of y
  n0: i32;
  n1: i32;
  n2: i32;
  n3: i32;
  n4: i32;
  x0: i32; // elements, as in BinaryForwardArgs
  x1: i32;
  x2: i32;
  x3: i32;
  x4: i32;
  y0: i32;
  y1: i32;
  y2: i32;
  y3: i32;
  y4: i32;
  o1: i32;
  o2: i32;
  o3: i32;
  o4: i32; // 0 or 1
  size: i32;
  grain: i32; // of the n0 samples, those in one task
}

/** What an element of z adds to a gradient. */
// @ts-ignore: decorator
@inline
function share<V>(dz: V, x: V, y: V, op: i32, second: i32): V {
  const zero = splat<V>(0), faint = splat<V>(FAINT);
  if (op == SUM) return dz;
  if (op == DIFFERENCE) return second ? vsub<V>(zero, dz) : dz;
  if (op == PRODUCT) return vflush<V>(vmul<V>(dz, second ? x : y), faint);
  if (op == GREATER) return second ? vselectGreater<V>(y, x, dz, zero) : vselectGreater<V>(y, x, zero, dz);
  if (op == LESS) return second ? vselectGreater<V>(x, y, dz, zero) : vselectGreater<V>(x, y, zero, dz);
  return vflush<V>(
    second
      ? vselectGreater<V>(x, zero, zero, vmul<V>(dz, x))
      : vselectGreater<V>(x, zero, dz, vmul<V>(dz, y)),
    faint,
  );
}

/** Adds what a row of z adds: element by element, or its sum to one. */
// @ts-ignore: decorator
@inline
function shareLoop<V>(
  out: usize, dz: usize, x: usize, y: usize, n: i32, xs: i32, ys: i32, os: i32, op: i32, second: i32,
): void {
  const xStep = xs ? sizeof<V>() : 0, yStep = ys ? sizeof<V>() : 0;
  if (os) {
    for (; n > 0; n -= lanes<V>(), out += sizeof<V>(), dz += sizeof<V>(), x += xStep, y += yStep) {
      const v = share<V>(vload<V>(dz), operand<V>(x, xs), operand<V>(y, ys), op, second);
      vstorePart<V>(out, vadd<V>(vload<V>(out), v), n);
    }
    return;
  }
  let sum = splat<V>(0);
  for (; n > 0; n -= lanes<V>(), dz += sizeof<V>(), x += xStep, y += yStep) {
    const v = share<V>(vload<V>(dz), operand<V>(x, xs), operand<V>(y, ys), op, second);
    sum = vadd<V>(sum, firstLanes<V>(v, n));
  }
  store<f32>(out, load<f32>(out) + hsum<V>(sum));
}

// @ts-ignore: decorator
@inline
function shareEither<V>(
  out: usize, dz: usize, x: usize, y: usize, n: i32, xs: i32, ys: i32, os: i32, op: i32, second: i32,
): void {
  if (second) shareLoop<V>(out, dz, x, y, n, xs, ys, os, op, 1);
  else shareLoop<V>(out, dz, x, y, n, xs, ys, os, op, 0);
}

function shareOfRow<V>(
  out: usize, dz: usize, x: usize, y: usize, n: i32, xs: i32, ys: i32, os: i32, op: i32, second: i32,
): void {
  switch (op) {
    case SUM: return shareEither<V>(out, dz, x, y, n, xs, ys, os, SUM, second);
    case DIFFERENCE: return shareEither<V>(out, dz, x, y, n, xs, ys, os, DIFFERENCE, second);
    case PRODUCT: return shareEither<V>(out, dz, x, y, n, xs, ys, os, PRODUCT, second);
    case GREATER: return shareEither<V>(out, dz, x, y, n, xs, ys, os, GREATER, second);
    case LESS: return shareEither<V>(out, dz, x, y, n, xs, ys, os, LESS, second);
    case SLOPED: return shareEither<V>(out, dz, x, y, n, xs, ys, os, SLOPED, second);
    default: unreachable();
  }
}

export function binaryBackward(s: BinaryBackwardArgs, task: i32, scratch: usize): void {
  const end = min(s.n0, (task + 1) * s.grain), bytes = <usize>s.n4 << 2;
  for (let i0 = task * s.grain; i0 < end; i0++) {
    const out = s.out + (<usize>i0 * (<usize>s.size << 2));
    memory.fill(out, 0, <usize>s.size << 2);
    let dz = s.dz + <usize>i0 * <usize>(s.n1 * s.n2 * s.n3) * bytes;
    for (let i1 = 0; i1 < s.n1; i1++) {
      for (let i2 = 0; i2 < s.n2; i2++) {
        for (let i3 = 0; i3 < s.n3; i3++, dz += bytes) {
          const x = s.x + (<usize>(i0 * s.x0 + i1 * s.x1 + i2 * s.x2 + i3 * s.x3) << 2);
          const y = s.y + (<usize>(i0 * s.y0 + i1 * s.y1 + i2 * s.y2 + i3 * s.y3) << 2);
          const o = out + (<usize>(i1 * s.o1 + i2 * s.o2 + i3 * s.o3) << 2);
          if (ASC_FEATURE_SIMD) shareOfRow<v128>(o, dz, x, y, s.n4, s.x4, s.y4, s.o4, s.op, s.second);
          else shareOfRow<f32>(o, dz, x, y, s.n4, s.x4, s.y4, s.o4, s.op, s.second);
        }
      }
    }
  }
}
