import { Pool2dArgs } from "./pool2d";
import { lanes, splat, vadd, vdiv, vload, vstorePart } from "./simd";

// @ts-ignore: decorator
@inline
function averageForward<V>(s: Pool2dArgs, image: usize, y: usize): void {
  const C = s.C, H = s.H, W = s.W;
  const pixelBytes = <usize>C << 2, rowBytes = <usize>W * pixelBytes;
  for (let i = 0; i < s.OH; i++) {
    const r = i * s.strideH - s.top;
    const r0 = max(r, 0), rows = min(r + s.KH, H) - r0;
    for (let j = 0; j < s.OW; j++) {
      const q = j * s.strideW - s.left;
      const q0 = max(q, 0), cols = min(q + s.KW, W) - q0;
      const jump = rowBytes - <usize>cols * pixelBytes;
      const count = splat<V>(f32(rows * cols));
      let x = image + <usize>r0 * rowBytes + <usize>q0 * pixelBytes;
      for (let c = C; c > 0; c -= lanes<V>()) {
        let sum = splat<V>(0), p = x;
        for (let a = rows; a > 0; a--) {
          for (let b = cols; b > 0; b--) {
            sum = vadd<V>(sum, vload<V>(p));
            p += pixelBytes;
          }
          p += jump;
        }
        vstorePart<V>(y, vdiv<V>(sum, count), c);
        x += sizeof<V>();
        y += <usize>min(c, lanes<V>()) << 2;
      }
    }
  }
}

/** y = sum of each window's cells / their number (Keras: padding is not counted). */
export function averagePool2dForward(s: Pool2dArgs, task: i32, scratch: usize): void {
  const imageBytes = (<usize>(s.H * s.W) * <usize>s.C) << 2, outBytes = (<usize>(s.OH * s.OW) * <usize>s.C) << 2;
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const image = s.x + <usize>n * imageBytes, y = s.y + <usize>n * outBytes;
    if (ASC_FEATURE_SIMD) averageForward<v128>(s, image, y);
    else averageForward<f32>(s, image, y);
  }
}

// @ts-ignore: decorator
@inline
function averageBackward<V>(s: Pool2dArgs, dx: usize, dy: usize): void {
  const C = s.C;
  const pixelBytes = <usize>C << 2, rowBytes = <usize>s.W * pixelBytes;
  for (let i = 0; i < s.OH; i++) {
    const r = i * s.strideH - s.top;
    const r0 = max(r, 0), rows = min(r + s.KH, s.H) - r0;
    for (let j = 0; j < s.OW; j++) {
      const q = j * s.strideW - s.left;
      const q0 = max(q, 0), cols = min(q + s.KW, s.W) - q0;
      const jump = rowBytes - <usize>cols * pixelBytes;
      const count = splat<V>(f32(rows * cols));
      let to = dx + <usize>r0 * rowBytes + <usize>q0 * pixelBytes;
      for (let c = C; c > 0; c -= lanes<V>()) {
        const share = vdiv<V>(vload<V>(dy), count);
        let p = to;
        for (let a = rows; a > 0; a--) {
          for (let b = cols; b > 0; b--) {
            vstorePart<V>(p, vadd<V>(vload<V>(p), share), c);
            p += pixelBytes;
          }
          p += jump;
        }
        to += sizeof<V>();
        dy += <usize>min(c, lanes<V>()) << 2;
      }
    }
  }
}

/** dx = dy / (cells of the window), summed over windows; overwrites. */
export function averagePool2dBackward(s: Pool2dArgs, task: i32, scratch: usize): void {
  const imageBytes = (<usize>(s.H * s.W) * <usize>s.C) << 2, outBytes = (<usize>(s.OH * s.OW) * <usize>s.C) << 2;
  const n1 = min((task + 1) * s.grain, s.batch);
  for (let n = task * s.grain; n < n1; n++) {
    const dx = s.x + <usize>n * imageBytes, dy = s.y + <usize>n * outBytes;
    memory.fill(dx, 0, imageBytes);
    if (ASC_FEATURE_SIMD) averageBackward<v128>(s, dx, dy);
    else averageBackward<f32>(s, dx, dy);
  }
}
