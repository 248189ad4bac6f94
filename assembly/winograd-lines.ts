import { madd, splat, vadd, vload, vmul, vstore, vsub, vzeroWhereLessEqual } from "./simd";

// Winograd's F(m, 3) in one dimension (Lavin and Gray 2015; Toom-Cook): m outputs of a 3-tap filter from t = m + 2
// products. With d the t inputs and g the filter, y = A^T [(G g) . (B^T d)]. A polynomial of degree t - 1 is evaluated
// at t points, one of them infinity:
//   m = 2: 0, 1, -1, oo        m = 4: 0, 1, -1, 2, -2, oo        m = 5: 0, 1, -1, 2, -2, oo, 1/2
// in this order. Rounding errors of a 2D convolution, next to direct summation's: m = 2 as large, m = 4 about 4
// times, m = 5 about 9 times (2e-6 of the outputs' size): see test/kernels/winograd.test.ts.
//
// Each function transforms one line of vectors: element i is read `step` bytes after element i - 1, and likewise written.
// m is a constant wherever these are called, so that only one arm is compiled.

/** B^T d: t inputs to t points. */
// @ts-ignore: decorator
@inline
export function inputLine<V>(m: i32, out: usize, outStep: usize, d: usize, step: usize): void {
  const d0 = vload<V>(d), d1 = vload<V>(d + step), d2 = vload<V>(d + 2 * step), d3 = vload<V>(d + 3 * step);
  if (m == 2) {
    vstore<V>(out, vsub<V>(d0, d2));
    vstore<V>(out + outStep, vadd<V>(d1, d2));
    vstore<V>(out + 2 * outStep, vsub<V>(d2, d1));
    vstore<V>(out + 3 * outStep, vsub<V>(d1, d3));
    return;
  }
  const d4 = vload<V>(d + 4 * step), d5 = vload<V>(d + 5 * step);
  if (m == 4) {
    sixPoints<V>(out, outStep, d0, d1, d2, d3, d4, d5);
    return;
  }
  // The factor (x - 1/2) is common to all points but 1/2.
  const half = splat<V>(-0.5), d6 = vload<V>(d + 6 * step);
  sixPoints<V>(
    out, outStep, madd<V>(half, d0, d1), madd<V>(half, d1, d2), madd<V>(half, d2, d3), madd<V>(half, d3, d4),
    madd<V>(half, d4, d5), madd<V>(half, d5, d6),
  );
  vstore<V>(out + 6 * outStep, madd<V>(splat<V>(-4), vsub<V>(d3, d1), vsub<V>(d5, d3)));
}

/** Values at 0, 1, -1, 2, -2, oo of x (x^2 - 1) (x^2 - 4) without each point's own factor. */
// @ts-ignore: decorator
@inline
function sixPoints<V>(out: usize, step: usize, d0: V, d1: V, d2: V, d3: V, d4: V, d5: V): void {
  const four = splat<V>(-4);
  const even = vsub<V>(d4, d2), odd = vsub<V>(d3, d1), twice = vadd<V>(odd, odd);
  const a = madd<V>(four, d2, d4), b = madd<V>(four, d1, d3);
  vstore<V>(out, madd<V>(four, vsub<V>(d2, d0), even));
  vstore<V>(out + step, vadd<V>(a, b));
  vstore<V>(out + 2 * step, vsub<V>(a, b));
  vstore<V>(out + 3 * step, vadd<V>(even, twice));
  vstore<V>(out + 4 * step, vsub<V>(even, twice));
  vstore<V>(out + 5 * step, madd<V>(four, odd, vsub<V>(d5, d3)));
}

/** A^T m: t products to m outputs; with clamp, 0 for those not above `floor`. */
// @ts-ignore: decorator
@inline
export function outputLine<V>(m: i32, y: usize, yStep: usize, p: usize, step: usize, clamp: bool, floor: V): void {
  const m0 = vload<V>(p), m1 = vload<V>(p + step), m2 = vload<V>(p + 2 * step), m3 = vload<V>(p + 3 * step);
  const s1 = vadd<V>(m1, m2), d1 = vsub<V>(m1, m2);
  if (m == 2) {
    put<V>(y, vadd<V>(m0, s1), clamp, floor);
    put<V>(y + yStep, vsub<V>(d1, m3), clamp, floor);
    return;
  }
  const m4 = vload<V>(p + 4 * step), m5 = vload<V>(p + 5 * step);
  const s2 = vadd<V>(m3, m4), d2 = vsub<V>(m3, m4);
  const twice = vadd<V>(d2, d2), four = splat<V>(4), s4 = vmul<V>(four, s2);
  if (m == 4) {
    put<V>(y, vadd<V>(vadd<V>(m0, s1), s2), clamp, floor);
    put<V>(y + yStep, vadd<V>(d1, twice), clamp, floor);
    put<V>(y + 2 * yStep, vadd<V>(s1, s4), clamp, floor);
    put<V>(y + 3 * yStep, vadd<V>(madd<V>(four, twice, d1), m5), clamp, floor);
    return;
  }
  // The filter's value at 1/2 is kept 16 times too small: its powers are then whole numbers here.
  const h1 = vload<V>(p + 6 * step), h2 = vadd<V>(h1, h1), h4 = vadd<V>(h2, h2), h8 = vadd<V>(h4, h4);
  put<V>(y, vadd<V>(vadd<V>(m0, s1), vadd<V>(s2, vadd<V>(h8, h8))), clamp, floor);
  put<V>(y + yStep, vadd<V>(vadd<V>(d1, twice), h8), clamp, floor);
  put<V>(y + 2 * yStep, vadd<V>(vadd<V>(s1, s4), h4), clamp, floor);
  put<V>(y + 3 * yStep, vadd<V>(madd<V>(four, twice, d1), h2), clamp, floor);
  put<V>(y + 4 * yStep, vadd<V>(madd<V>(four, s4, s1), vadd<V>(h1, m5)), clamp, floor);
}

// @ts-ignore: decorator
@inline
function put<V>(y: usize, v: V, clamp: bool, floor: V): void {
  if (clamp) vstore<V>(y, vzeroWhereLessEqual<V>(v, floor, v));
  else vstore<V>(y, v);
}

/** G g: 3 taps to t points. */
// @ts-ignore: decorator
@inline
export function filterLine<V>(m: i32, out: usize, outStep: usize, g: usize, step: usize): void {
  const x = vload<V>(g), y = vload<V>(g + step), z = vload<V>(g + 2 * step);
  const xz = vadd<V>(x, z);
  if (m == 2) {
    const half = splat<V>(0.5);
    vstore<V>(out, x);
    vstore<V>(out + outStep, vmul<V>(half, vadd<V>(xz, y)));
    vstore<V>(out + 2 * outStep, vmul<V>(half, vsub<V>(xz, y)));
    vstore<V>(out + 3 * outStep, z);
    return;
  }
  const y2 = vadd<V>(y, y), xz4 = madd<V>(splat<V>(4), z, x);
  // 1 over the product of a point's distances to the others.
  vstore<V>(out, vmul<V>(splat<V>(m == 4 ? 1.0 / 4.0 : -1.0 / 2.0), x));
  vstore<V>(out + outStep, vmul<V>(splat<V>(m == 4 ? -1.0 / 6.0 : -1.0 / 3.0), vadd<V>(xz, y)));
  vstore<V>(out + 2 * outStep, vmul<V>(splat<V>(m == 4 ? -1.0 / 6.0 : 1.0 / 9.0), vsub<V>(xz, y)));
  vstore<V>(out + 3 * outStep, vmul<V>(splat<V>(m == 4 ? 1.0 / 24.0 : 1.0 / 36.0), vadd<V>(xz4, y2)));
  vstore<V>(out + 4 * outStep, vmul<V>(splat<V>(m == 4 ? 1.0 / 24.0 : -1.0 / 60.0), vsub<V>(xz4, y2)));
  vstore<V>(out + 5 * outStep, z);
  if (m == 4) return;
  const xyz = madd<V>(splat<V>(0.25), z, madd<V>(splat<V>(0.5), y, x));
  vstore<V>(out + 6 * outStep, vmul<V>(splat<V>(1.0 / 22.5), xyz));
}

/** A y: m gradients of outputs to t points, the transpose of outputLine. */
// @ts-ignore: decorator
@inline
export function gradientLine<V>(m: i32, out: usize, outStep: usize, y: usize, step: usize): void {
  const y0 = vload<V>(y), y1 = vload<V>(y + step);
  if (m == 2) {
    vstore<V>(out, y0);
    vstore<V>(out + outStep, vadd<V>(y0, y1));
    vstore<V>(out + 2 * outStep, vsub<V>(y0, y1));
    vstore<V>(out + 3 * outStep, vsub<V>(splat<V>(0), y1));
    return;
  }
  const y2 = vload<V>(y + 2 * step), y3 = vload<V>(y + 3 * step), four = splat<V>(4);
  const odd = vadd<V>(y1, y3), odd2 = madd<V>(splat<V>(8), y3, vadd<V>(y1, y1));
  let even = vadd<V>(y0, y2), even2 = madd<V>(four, y2, y0);
  let last = y3;
  if (m == 5) {
    last = vload<V>(y + 4 * step);
    even = vadd<V>(even, last);
    even2 = madd<V>(splat<V>(16), last, even2);
    // 16 y0 + 8 y1 + 4 y2 + 2 y3 + y4.
    const two = splat<V>(2);
    const sum = madd<V>(two, madd<V>(two, madd<V>(two, madd<V>(two, y0, y1), y2), y3), last);
    vstore<V>(out + 6 * outStep, sum);
  }
  vstore<V>(out, y0);
  vstore<V>(out + outStep, vadd<V>(even, odd));
  vstore<V>(out + 2 * outStep, vsub<V>(even, odd));
  vstore<V>(out + 3 * outStep, vadd<V>(even2, odd2));
  vstore<V>(out + 4 * outStep, vsub<V>(even2, odd2));
  vstore<V>(out + 5 * outStep, last);
}

/** G^T u: t points to the gradients of 3 taps, the transpose of filterLine. */
// @ts-ignore: decorator
@inline
export function tapLine<V>(m: i32, out: usize, outStep: usize, u: usize, step: usize): void {
  const u0 = vload<V>(u), u1 = vload<V>(u + step), u2 = vload<V>(u + 2 * step), u3 = vload<V>(u + 3 * step);
  if (m == 2) {
    const half = splat<V>(0.5), sum = vmul<V>(half, vadd<V>(u1, u2));
    vstore<V>(out, vadd<V>(u0, sum));
    vstore<V>(out + outStep, vmul<V>(half, vsub<V>(u1, u2)));
    vstore<V>(out + 2 * outStep, vadd<V>(sum, u3));
    return;
  }
  const u4 = vload<V>(u + 4 * step), u5 = vload<V>(u + 5 * step), two = splat<V>(2), four = splat<V>(4);
  const a1 = vmul<V>(splat<V>(m == 4 ? -1.0 / 6.0 : -1.0 / 3.0), u1);
  const a2 = vmul<V>(splat<V>(m == 4 ? -1.0 / 6.0 : 1.0 / 9.0), u2);
  const a3 = vmul<V>(splat<V>(m == 4 ? 1.0 / 24.0 : 1.0 / 36.0), u3);
  const a4 = vmul<V>(splat<V>(m == 4 ? 1.0 / 24.0 : -1.0 / 60.0), u4);
  const s1 = vadd<V>(a1, a2), s2 = vadd<V>(a3, a4);
  let x = vadd<V>(madd<V>(splat<V>(m == 4 ? 1.0 / 4.0 : -1.0 / 2.0), u0, s1), s2);
  let y = madd<V>(two, vsub<V>(a3, a4), vsub<V>(a1, a2));
  let z = vadd<V>(madd<V>(four, s2, s1), u5);
  if (m == 5) {
    const h = vmul<V>(splat<V>(1.0 / 22.5), vload<V>(u + 6 * step));
    x = vadd<V>(x, h);
    y = madd<V>(splat<V>(0.5), h, y);
    z = madd<V>(splat<V>(0.25), h, z);
  }
  vstore<V>(out, x);
  vstore<V>(out + outStep, y);
  vstore<V>(out + 2 * outStep, z);
}
