import { lanes, vload, vmax, vstorePart } from "./simd";

/**
 * Pooling over windows [KH, KW] of x[batch, H, W, C] to y[batch, OH, OW, C]:
 *   window (i, j) covers rows i*strideH - top + (0 .. KH-1) and columns j*strideW - left + (0 .. KW-1),
 * of which only the cells inside of the image count: padding never wins the maximum, and does not enter
 * the average. Every window must hold at least one cell of the image.
 */
@unmanaged
export class Pool2dArgs {
  y: usize; // y, or dy in the backward kernels
  x: usize; // x, or dx
  argmax: usize; // maxPool2d: i32[batch, OH, OW, C]; forward: 0 in inference; averagePool2d: unused
  batch: i32;
  H: i32;
  W: i32;
  C: i32;
  OH: i32;
  OW: i32;
  KH: i32;
  KW: i32;
  strideH: i32;
  strideW: i32;
  top: i32;
  left: i32;
  grain: i32; // images in one task
}

/** All lanes set to the bits of an i32. */
// @ts-ignore: decorator
@inline
function splatBits<V>(x: i32): V {
  if (isVector<V>()) return i32x4.splat(x);
  return reinterpret<f32>(x) as V;
}

/** where(a > b, x, y) lane by lane; x and y hold bits. */
// @ts-ignore: decorator
@inline
function selectBits<V>(a: V, b: V, x: V, y: V): V {
  if (isVector<V>()) return v128.bitselect(x, y, f32x4.gt(a, b));
  return select<V>(x, y, (a as f32) > (b as f32));
}

/**
 * Greatest of `rows` x `cols` cells for C channels; the first cell is at x, `offset` bytes into the image.
 * NaN wins whatever stands beside it (its argmax is then some cell of the window).
 */
// @ts-ignore: decorator
@inline
function maxOfWindow<V>(
  y: usize, argmax: usize, x: usize, offset: i32, rows: i32, cols: i32, C: i32, rowBytes: i32, wanted: bool,
): void {
  const cellBytes = C << 2;
  const jump = rowBytes - cols * cellBytes;
  for (let c = C; c > 0; c -= lanes<V>()) {
    let best = vload<V>(x), at = splatBits<V>(offset);
    let p = x, o = offset;
    for (let r = rows; r > 0; r--) {
      for (let q = cols; q > 0; q--) {
        const v = vload<V>(p);
        if (wanted) at = selectBits<V>(v, best, splatBits<V>(o), at);
        best = vmax<V>(best, v);
        p += cellBytes;
        o += cellBytes;
      }
      p += jump;
      o += jump;
    }
    vstorePart<V>(y, best, c);
    y += sizeof<V>();
    x += sizeof<V>();
    if (wanted) {
      vstorePart<V>(argmax, at, c);
      argmax += sizeof<V>();
    }
  }
}

/** The same for a whole 2 x 2 window. */
// @ts-ignore: decorator
@inline
function maxOfFour<V>(y: usize, argmax: usize, x: usize, offset: i32, C: i32, rowBytes: i32, wanted: bool): void {
  const right = <usize>C << 2, down = <usize>rowBytes;
  const o1 = splatBits<V>(offset + (C << 2)), o2 = splatBits<V>(offset + rowBytes);
  const o3 = splatBits<V>(offset + rowBytes + (C << 2));
  for (let c = C; c > 0; c -= lanes<V>()) {
    const x0 = vload<V>(x), x1 = vload<V>(x + right), x2 = vload<V>(x + down), x3 = vload<V>(x + down + right);
    const upper = vmax<V>(x0, x1), lower = vmax<V>(x2, x3);
    vstorePart<V>(y, vmax<V>(upper, lower), c);
    y += sizeof<V>();
    x += sizeof<V>();
    if (wanted) {
      const at = selectBits<V>(
        lower, upper, selectBits<V>(x3, x2, o3, o2), selectBits<V>(x1, x0, o1, splatBits<V>(offset)),
      );
      vstorePart<V>(argmax, at, c);
      argmax += sizeof<V>();
    }
  }
}

// @ts-ignore: decorator
@inline
function maxForward<V>(s: Pool2dArgs, image: usize, y: usize, argmax: usize, wanted: bool): void {
  const C = s.C, H = s.H, W = s.W;
  const pixelBytes = C << 2, rowBytes = W * pixelBytes;
  const four = s.KH == 2 && s.KW == 2;
  for (let i = 0; i < s.OH; i++) {
    const r = i * s.strideH - s.top;
    const r0 = max(r, 0), rows = min(r + s.KH, H) - r0;
    for (let j = 0; j < s.OW; j++) {
      const q = j * s.strideW - s.left;
      const q0 = max(q, 0), cols = min(q + s.KW, W) - q0;
      const offset = r0 * rowBytes + q0 * pixelBytes;
      if (four && rows == 2 && cols == 2) {
        maxOfFour<V>(y, argmax, image + <usize>offset, offset, C, rowBytes, wanted);
      } else {
        maxOfWindow<V>(y, argmax, image + <usize>offset, offset, rows, cols, C, rowBytes, wanted);
      }
      y += <usize>pixelBytes;
      if (wanted) argmax += <usize>pixelBytes;
    }
  }
}

function maxForwardAny<V>(s: Pool2dArgs, image: usize, y: usize, argmax: usize): void {
  if (argmax) maxForward<V>(s, image, y, argmax, true);
  else maxForward<V>(s, image, y, 0, false);
}

/**
 * y = greatest cell of each window; argmax = where it stands: bytes from the image's first f32 to channel 0 of the
 * winning cell. Of equal cells the first wins (row by row), as in TensorFlow.
 */
export function maxPool2dForward(s: Pool2dArgs, task: i32, scratch: usize): void {
  const imageBytes = (<usize>(s.H * s.W) * <usize>s.C) << 2, outBytes = (<usize>(s.OH * s.OW) * <usize>s.C) << 2;
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const image = s.x + <usize>n * imageBytes, y = s.y + <usize>n * outBytes;
    const argmax = s.argmax ? s.argmax + <usize>n * outBytes : 0;
    if (ASC_FEATURE_SIMD) maxForwardAny<v128>(s, image, y, argmax);
    else maxForwardAny<f32>(s, image, y, argmax);
  }
}

/** dx[image] += dy at the cells that won, one by one: windows may overlap. dx holds zeros before. */
function scatter(dx: usize, dy: usize, argmax: usize, outputs: i32, C: i32): void {
  for (; outputs > 0; outputs--) {
    for (let c = 0; c < C; c++) {
      const p = dx + <usize>load<i32>(argmax) + (<usize>c << 2);
      store<f32>(p, load<f32>(p) + load<f32>(dy));
      argmax += 4;
      dy += 4;
    }
  }
}

/** Small windows that do not overlap: each cell of each window is written once, as dy or 0. SIMD builds only. */
function unpool(s: Pool2dArgs, dx: usize, dy: usize, argmax: usize): void {
  const C = s.C;
  const pixelBytes = C << 2, rowBytes = s.W * pixelBytes;
  for (let i = 0; i < s.OH; i++) {
    const r = i * s.strideH - s.top;
    const r0 = max(r, 0), rows = min(r + s.KH, s.H) - r0;
    for (let j = 0; j < s.OW; j++) {
      const q = j * s.strideW - s.left;
      const q0 = max(q, 0), cols = min(q + s.KW, s.W) - q0;
      const first = r0 * rowBytes + q0 * pixelBytes;
      let to = dx + <usize>first;
      if (rows == 2 && cols == 2) {
        const right = <usize>pixelBytes, down = <usize>rowBytes;
        const o0 = i32x4.splat(first), o1 = i32x4.splat(first + pixelBytes);
        const o2 = i32x4.splat(first + rowBytes), o3 = i32x4.splat(first + rowBytes + pixelBytes);
        let c = C;
        for (; c >= 4; c -= 4, to += 16, argmax += 16, dy += 16) {
          const at = v128.load(argmax), g = v128.load(dy);
          v128.store(to, v128.and(g, i32x4.eq(at, o0)));
          v128.store(to + right, v128.and(g, i32x4.eq(at, o1)));
          v128.store(to + down, v128.and(g, i32x4.eq(at, o2)));
          v128.store(to + down + right, v128.and(g, i32x4.eq(at, o3)));
        }
        if (c > 0) {
          const at = v128.load(argmax), g = v128.load(dy);
          vstorePart<v128>(to, v128.and(g, i32x4.eq(at, o0)), c);
          vstorePart<v128>(to + right, v128.and(g, i32x4.eq(at, o1)), c);
          vstorePart<v128>(to + down, v128.and(g, i32x4.eq(at, o2)), c);
          vstorePart<v128>(to + down + right, v128.and(g, i32x4.eq(at, o3)), c);
          argmax += <usize>c << 2;
          dy += <usize>c << 2;
        }
        continue;
      }
      for (let c = C; c > 0; c -= 4) {
        const at = v128.load(argmax), g = v128.load(dy), n = min(c, 4);
        let p = to, o = first;
        for (let a = rows; a > 0; a--) {
          for (let b = cols; b > 0; b--) {
            vstorePart<v128>(p, v128.and(g, i32x4.eq(at, i32x4.splat(o))), n);
            p += pixelBytes;
            o += pixelBytes;
          }
          p += rowBytes - cols * pixelBytes;
          o += rowBytes - cols * pixelBytes;
        }
        to += 16;
        argmax += <usize>n << 2;
        dy += <usize>n << 2;
      }
    }
  }
}

/** dx = dy where the cell won its window, summed over windows, 0 elsewhere; overwrites. argmax is forward's. */
export function maxPool2dBackward(s: Pool2dArgs, task: i32, scratch: usize): void {
  const imageBytes = (<usize>(s.H * s.W) * <usize>s.C) << 2, outBytes = (<usize>(s.OH * s.OW) * <usize>s.C) << 2;
  const apart = s.KH * s.KW <= 4 && s.strideH >= s.KH && s.strideW >= s.KW;
  const covered = s.strideH == s.KH && s.strideW == s.KW &&
    s.OH * s.KH - s.top >= s.H && s.OW * s.KW - s.left >= s.W;
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const dx = s.x + <usize>n * imageBytes, dy = s.y + <usize>n * outBytes, argmax = s.argmax + <usize>n * outBytes;
    if (ASC_FEATURE_SIMD) {
      if (apart) {
        if (!covered) memory.fill(dx, 0, imageBytes);
        unpool(s, dx, dy, argmax);
        continue;
      }
    }
    memory.fill(dx, 0, imageBytes);
    scatter(dx, dy, argmax, s.OH * s.OW, s.C);
  }
}
