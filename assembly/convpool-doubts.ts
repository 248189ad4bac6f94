import { ConvPoolArgs } from "./convpool-args";
import { hmax, lanes, splat, vabs, vadd, vload, vmul, vpmax, vpmin, vstore, vsub } from "./simd";
import { PANEL } from "./tile";

// Rounding errors do not hurt a value. But where two outputs of a window, or the greatest and 0, lie as near to one
// another as that, they change which one wins, and with it the whole gradient of the window: some tenths of a tap's own,
// from one window in ten thousand. There, the outputs are summed again in double precision, which decides.

/** How near outputs must lie for a doubt, next to the greatest of their panel and the bias: six standard deviations of F(5x5, 3x3)'s errors. */
const PANEL_DOUBT: f32 = 6e-6;
/** The same next to the greatest sum there can be of a short patch, directly: 2^-20. */
const PATCH_DOUBT: f32 = 9.5367431640625e-7;

/**
 * limits[16] of a panel of outputs, `width` pixels apart, with bias[16] or 0. One output in nine tells: each input pixel
 * has a part in one.
 */
export function panelLimits<V>(limits: usize, panel: usize, rows: i32, columns: i32, width: i32, bias: usize): void {
  for (let c: usize = 0; c < 64; c += 4 * sizeof<V>()) {
    let a = splat<V>(0), b = a, d = a, e = a;
    for (let i = 0; i < rows; i += 3) {
      let p = panel + c + (<usize>(i * width) << 6);
      for (let j = 0; j < columns; j += 3, p += 3 * PANEL << 2) {
        a = vpmax<V>(a, vabs<V>(vload<V>(p)));
        b = vpmax<V>(b, vabs<V>(vload<V>(p, sizeof<V>())));
        d = vpmax<V>(d, vabs<V>(vload<V>(p, 2 * sizeof<V>())));
        e = vpmax<V>(e, vabs<V>(vload<V>(p, 3 * sizeof<V>())));
      }
    }
    if (bias) {
      a = vadd<V>(a, vabs<V>(vload<V>(bias + c)));
      b = vadd<V>(b, vabs<V>(vload<V>(bias + c, sizeof<V>())));
      d = vadd<V>(d, vabs<V>(vload<V>(bias + c, 2 * sizeof<V>())));
      e = vadd<V>(e, vabs<V>(vload<V>(bias + c, 3 * sizeof<V>())));
    }
    const doubt = splat<V>(PANEL_DOUBT), to = limits + c;
    vstore<V>(to, vmul<V>(doubt, a));
    vstore<V>(to + sizeof<V>(), vmul<V>(doubt, b));
    vstore<V>(to + 2 * sizeof<V>(), vmul<V>(doubt, d));
    vstore<V>(to + 3 * sizeof<V>(), vmul<V>(doubt, e));
  }
}

/** limits[OC rounded up to 16] of one image's direct products, from its greatest number and the packed filters' sums. */
export function patchLimits<V>(limits: usize, s: ConvPoolArgs, image: usize): void {
  const K = s.KH * s.KW * s.C, n = s.H * s.W * s.C;
  let a = splat<V>(0), b = a, greatest: f32 = 0, k = 0;
  for (; k + 2 * lanes<V>() <= n; k += 2 * lanes<V>()) {
    const p = image + (<usize>k << 2);
    a = vpmax<V>(a, vabs<V>(vload<V>(p)));
    b = vpmax<V>(b, vabs<V>(vload<V>(p, sizeof<V>())));
  }
  for (; k < n; k++) greatest = max<f32>(greatest, abs<f32>(load<f32>(image + (<usize>k << 2))));
  const x = splat<V>(max<f32>(greatest, hmax<V>(vpmax<V>(a, b)))), doubt = splat<V>(PATCH_DOUBT);
  for (let o = 0; o < s.OC; o += lanes<V>()) {
    let w = s.w + (<usize>(K * (o & -PANEL) + (o & (PANEL - 1))) << 2), sum = splat<V>(0);
    for (k = 0; k < K; k++, w += PANEL << 2) sum = vadd<V>(sum, vabs<V>(vload<V>(w)));
    let limit = vmul<V>(sum, x);
    if (s.bias) limit = vadd<V>(limit, vabs<V>(vload<V>(s.bias + (<usize>o << 2))));
    vstore<V>(limits + (<usize>o << 2), vmul<V>(doubt, limit));
  }
}

/**
 * How far the greatest of a window of rows x cells outputs, 64 bytes apart, lies above the next, with relu those and 0:
 * an error of this size can change the winner or relu's gate.
 */
// @ts-ignore: decorator
@inline
export function lead<V>(corner: usize, rows: i32, cells: i32, rowBytes: usize, relu: i32): V {
  let best = splat<V>(relu ? 0 : -Infinity), next = splat<V>(-Infinity);
  for (let r = 0; r < rows; r++) {
    let p = corner;
    for (let q = 0; q < cells; q++, p += PANEL << 2) {
      const v = vload<V>(p);
      next = vpmax<V>(next, vpmin<V>(best, v));
      best = vpmax<V>(best, v);
    }
    corner += rowBytes;
  }
  return vsub<V>(best, next);
}

/** lead() of a window of 2 x 2. */
// @ts-ignore: decorator
@inline
export function leadOfFour<V>(a: V, b: V, c: V, d: V, relu: i32): V {
  const ab = vpmax<V>(a, b), cd = vpmax<V>(c, d);
  let best = vpmax<V>(ab, cd);
  let next = vpmax<V>(vpmin<V>(ab, cd), vpmax<V>(vpmin<V>(a, b), vpmin<V>(c, d)));
  if (relu) {
    next = vpmax<V>(next, vpmin<V>(best, splat<V>(0)));
    best = vpmax<V>(best, splat<V>(0));
  }
  return vsub<V>(best, next);
}

/** `doubts`, and the lanes of `lead` between floor and limit: floor 0 where equal outputs have equal patches, else -1. */
// @ts-ignore: decorator
@inline
export function addDoubts<V>(doubts: V, lead: V, floor: V, limit: V): V {
  if (isVector<V>()) return v128.or(doubts, v128.and(f32x4.lt(lead, limit), f32x4.gt(lead, floor)));
  return select<V>(bits<V>(-1), doubts, (lead as f32) < (limit as f32) && (lead as f32) > (floor as f32));
}

/** The lanes in doubt of a window of 2 x 2; equal outputs that are the bias, as under zeros, are in none. */
// @ts-ignore: decorator
@inline
export function doubtsOfFour<V>(a: V, b: V, c: V, d: V, relu: i32, limit: V, bias: V): V {
  const lead = leadOfFour<V>(a, b, c, d, relu);
  let best = vpmax<V>(vpmax<V>(a, b), vpmax<V>(c, d));
  if (relu) best = vpmax<V>(best, splat<V>(0));
  if (isVector<V>()) {
    return v128.and(f32x4.lt(lead, limit), v128.or(f32x4.gt(lead, f32x4.splat(0)), f32x4.ne(best, bias)));
  }
  const close = (lead as f32) < (limit as f32) && ((lead as f32) > 0 || (best as f32) != (bias as f32));
  return select<V>(bits<V>(-1), splat<V>(0), close);
}

/** A bit for each lane in doubt. */
// @ts-ignore: decorator
@inline
export function doubtMask<V>(doubts: V): i32 {
  if (isVector<V>()) return i32x4.bitmask(doubts);
  return reinterpret<i32>(doubts as f32) & 1;
}

/** An i32's bits in every lane. */
// @ts-ignore: decorator
@inline
export function bits<V>(x: i32): V {
  if (isVector<V>()) return i32x4.splat(x);
  return reinterpret<f32>(x) as V;
}

/** Decides the channels in doubt of a window of the panel whose first is o; see decideChannels. */
export function decideWindow<V>(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, corner: usize, panelRow: usize, floor: f32, limits: usize, row: i32,
  column: i32, rows: i32, cells: i32, place: i32,
): void {
  for (let c = 0; c < PANEL; c += lanes<V>()) {
    const at = <usize>c << 2, far = lead<V>(corner + at, rows, cells, panelRow, s.relu);
    const doubts = doubtMask<V>(addDoubts<V>(splat<V>(0), far, splat<V>(floor), vload<V>(limits + at)));
    if (doubts) decideChannels(s, image, o + c, argmax + at, doubts, row, column, rows, cells, place);
  }
}

/**
 * argmax of those channels from o on that have a bit in `doubts`, of the window whose rows x cells outputs begin at output
 * (row, column) of an image and at `place` of the window.
 */
export function decideChannels(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, doubts: i32, row: i32, column: i32, rows: i32, cells: i32, place: i32,
): void {
  for (; doubts && o < s.OC; doubts >>= 1, o++, argmax += 4) {
    if (!(doubts & 1)) continue;
    let best: f64 = -Infinity, at = place;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < cells; j++) {
        const v = exactOutput(s, image, (row + i) * s.strideH, (column + j) * s.strideW, o);
        if (v > best) {
          best = v;
          at = place + i * s.poolW + j;
        }
      }
    }
    store<i32>(argmax, s.relu && !(best > 0) ? -1 : at);
  }
}

/** The convolution's output of channel o for the patch at (r, q) of an image. */
function exactOutput(s: ConvPoolArgs, image: i32, r: i32, q: i32, o: i32): f64 {
  const run = s.KW * s.C, next = <usize>s.OC << 2;
  let w = s.filter + (<usize>o << 2), sum: f64 = s.bias ? load<f32>(s.bias + (<usize>o << 2)) : 0;
  for (let h = 0; h < s.KH; h++) {
    let p = s.x + (<usize>(((image * s.H + r + h) * s.W + q) * s.C) << 2);
    for (let k = 0; k < run; k++, p += 4, w += next) sum += <f64>load<f32>(p) * <f64>load<f32>(w);
  }
  return sum;
}
