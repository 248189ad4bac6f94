import { ConvPoolArgs } from "./convpool-args";
import {
  LANES, high, hmax, isPair, lanes, low, splat, vabs, vadd, vbytes, vload, vmul, vpmax, vpmin, vselectGreater, vstore, vsub,
} from "./simd";
import { PANEL } from "./tile";
import { OWN, differ, isOrdinary, isRepeated, isTaken, isUpperOne } from "./winograd-zeros";

// Rounding errors do not hurt a value. But where two outputs of a window, or the greatest and 0, lie as near to one
// another as that, they change which one wins, and with it the whole gradient of the window: some tenths of a tap's own,
// from one window in ten thousand. There, the outputs are summed again in double precision, which decides.

/** How near outputs must lie for a doubt, next to the greatest of their panel and the bias: six standard deviations of F(5x5, 3x3)'s errors. */
const PANEL_DOUBT: f32 = 6e-6;
/** The same next to the greatest sum there can be of a short patch, directly: 2^-20. */
const PATCH_DOUBT: f32 = 9.5367431640625e-7;

/**
 * limits[16] of a panel of outputs, `width` pixels apart, with bias[16] or 0. One output in three tells: each input pixel
 * has a part in three of them, by taps of different rows and columns.
 */
export function panelLimits<V>(limits: usize, panel: usize, rows: i32, columns: i32, width: i32, bias: usize): void {
  for (let c: usize = 0; c < 64; c += 4 * vbytes<V>()) {
    let a = splat<V>(0), b = a, d = a, e = a;
    for (let i = 0, first = 0; i < rows; i++, first = first < 2 ? first + 1 : 0) {
      let p = panel + c + (<usize>(i * width + first) << 6);
      for (let j = first; j < columns; j += 3, p += 3 * PANEL << 2) {
        a = vpmax<V>(a, vabs<V>(vload<V>(p)));
        b = vpmax<V>(b, vabs<V>(vload<V>(p, vbytes<V>())));
        d = vpmax<V>(d, vabs<V>(vload<V>(p, 2 * vbytes<V>())));
        e = vpmax<V>(e, vabs<V>(vload<V>(p, 3 * vbytes<V>())));
      }
    }
    if (bias) {
      a = vadd<V>(a, vabs<V>(vload<V>(bias + c)));
      b = vadd<V>(b, vabs<V>(vload<V>(bias + c, vbytes<V>())));
      d = vadd<V>(d, vabs<V>(vload<V>(bias + c, 2 * vbytes<V>())));
      e = vadd<V>(e, vabs<V>(vload<V>(bias + c, 3 * vbytes<V>())));
    }
    const doubt = splat<V>(PANEL_DOUBT), to = limits + c;
    vstore<V>(to, vmul<V>(doubt, a));
    vstore<V>(to + vbytes<V>(), vmul<V>(doubt, b));
    vstore<V>(to + 2 * vbytes<V>(), vmul<V>(doubt, d));
    vstore<V>(to + 3 * vbytes<V>(), vmul<V>(doubt, e));
  }
}

/** limits[OC rounded up to 16] of one image's direct products, from its greatest number and the packed filters' sums. */
export function patchLimits<V>(limits: usize, s: ConvPoolArgs, image: usize): void {
  const K = s.KH * s.KW * s.C, n = s.H * s.W * s.C;
  let a = splat<V>(0), b = a, greatest: f32 = 0, k = 0;
  for (; k + 2 * lanes<V>() <= n; k += 2 * lanes<V>()) {
    const p = image + (<usize>k << 2);
    a = vpmax<V>(a, vabs<V>(vload<V>(p)));
    b = vpmax<V>(b, vabs<V>(vload<V>(p, vbytes<V>())));
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

/**
 * lead() where outputs that are equal may come of equal patches: one whose patch is another's of the window is left
 * out; others that are equal count as one, and with them the 0 of relu, but an ordinary patch's output never does.
 * flags: of the patches, see mapTiles; 0: none is known to be ordinary.
 */
function leadOverOthers<V>(
  corner: usize, rows: i32, cells: i32, rowBytes: usize, relu: i32, flags: usize, pitch: i32,
): V {
  const none = splat<V>(-Infinity);
  let best = splat<V>(relu ? 0 : -Infinity), next = none, bestOwn = none, nextOwn = none;
  for (let r = 0; r < rows; r++) {
    for (let q = 0, p = corner; q < cells; q++, p += PANEL << 2) {
      const f = flags ? load<u8>(flags + <usize>q) : 0, v = vload<V>(p);
      if (isOrdinary(f)) {
        nextOwn = vpmax<V>(nextOwn, vpmin<V>(bestOwn, v));
        bestOwn = vpmax<V>(bestOwn, v);
      } else if (!isRepeated(f, r, q)) {
        const high = vpmax<V>(best, v);
        next = vpmax<V>(next, below<V>(vpmin<V>(best, v), high));
        best = high;
      }
    }
    corner += rowBytes;
    flags += <usize>pitch;
  }
  next = vpmax<V>(vpmax<V>(next, nextOwn), vpmin<V>(best, bestOwn));
  return vsub<V>(vpmax<V>(best, bestOwn), next);
}

/**
 * Whether two or more of a window's four outputs, of which `top` is the greatest, and with relu 0, lie less than `limit`
 * below the greatest of them all: a quick look, without a branch that is as often wrong as right.
 */
// @ts-ignore: decorator
@inline
export function crowded(a: f32, b: f32, c: f32, d: f32, top: f32, relu: i32, limit: f32): bool {
  if (relu && top <= 0) return top > -limit;
  const line = top - limit;
  return i32(a > line) + i32(b > line) + i32(c > line) + i32(d > line) + (relu & i32(line < 0)) > 1;
}

/** A bit for each lane of `lead` that is less than `limit`. */
// @ts-ignore: decorator
@inline
export function doubts<V>(lead: V, limit: V): i32 {
  if (isPair<V>()) {
    // The sum is for V8, which makes pairs of what is added up.
    const first = f32x4.lt(low(lead), low(limit)), second = f32x4.lt(high(lead), high(limit));
    if (!v128.any_true(i32x4.add(first, second))) return 0;
    return i32x4.bitmask(first) | (i32x4.bitmask(second) << LANES);
  }
  if (isVector<V>()) return i32x4.bitmask(f32x4.lt(lead, limit));
  return i32((lead as f32) < (limit as f32));
}

/**
 * Decides the channels in doubt of a window of the panel whose first is o, of those that have a bit in `look`; see
 * decideChannels. kind: see windowKind; flags and pitch: of the patches, 0 if unknown.
 */
export function decideWindow<V>(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, look: i32, corner: usize, panelRow: usize, kind: i32, flags: usize,
  pitch: i32, limits: usize, row: i32, column: i32, rows: i32, cells: i32, place: i32,
): void {
  for (let c = 0; c < PANEL; c += lanes<V>(), look >>= lanes<V>()) {
    if (!(look & ((1 << lanes<V>()) - 1))) continue;
    const at = <usize>c << 2, from = corner + at;
    const far = kind == OWN
      ? lead<V>(from, rows, cells, panelRow, s.relu)
      : leadOverOthers<V>(from, rows, cells, panelRow, s.relu, flags, pitch);
    const mask = doubts<V>(far, vload<V>(limits + at));
    if (kind != OWN && flags) winBeforeRepeated<V>(s, o + c, argmax + at, look, flags, pitch, rows, cells, place);
    if (mask) decideChannels(s, image, o + c, argmax + at, mask, row, column, rows, cells, place);
  }
}

/**
 * Gives the windows that the output of a repeated patch has won to the patch's first, channels from o on that have a bit in
 * `look`: outputs that settleTile took from outside of the window differ from those by rounding.
 */
function winBeforeRepeated<V>(
  s: ConvPoolArgs, o: i32, argmax: usize, look: i32, flags: usize, pitch: i32, rows: i32, cells: i32, place: i32,
): void {
  for (let r = 0; r < rows; r++) {
    for (let q = 0; q < cells; q++) {
      let f: i32 = load<u8>(flags + <usize>(r * pitch + q));
      if (!isRepeated(f, r, q) || isTaken(f, r, q)) continue;
      let row = r, column = q;
      while (isRepeated(f, row, column)) {
        if (isUpperOne(f, row)) row--;
        else column--;
        f = load<u8>(flags + <usize>(row * pitch + column));
      }
      const later = place + r * s.poolW + q, first = place + row * s.poolW + column;
      for (let c = 0; c < lanes<V>() && o + c < s.OC; c++) {
        const at = argmax + (<usize>c << 2);
        if ((look >> c) & 1 && load<i32>(at) == later) store<i32>(at, first);
      }
    }
  }
}

/**
 * Decides the channels in doubt of a window of 2 x 2 that was summed directly, `lanes` of them from o on, whose outputs
 * are a, b, c and d; `near` has a bit for those whose two greatest are. The first of outputs under equal patches wins, and
 * the first of those that are the bias, as under zeros.
 */
export function decideFour<V>(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, near: i32, row: i32, column: i32, a: V, b: V, c: V, d: V, limit: V,
): void {
  const bias = s.bias ? vload<V>(s.bias + (<usize>o << 2)) : splat<V>(0);
  if (!besideBias<V>(near, a, b, c, d, s.relu, bias, limit)) return;
  const none = splat<V>(-Infinity), rowBytes = <usize>(s.W * s.C) << 2;
  const pa = patchAt(s, image, row, column), pb = pa + (<usize>(s.strideW * s.C) << 2);
  const down = <usize>s.strideH * rowBytes;
  const b1 = samePatch(s, pb, pa, rowBytes) ? none : b, c1 = samePatch(s, pa + down, pa, rowBytes) ? none : c;
  const d1 = samePatch(s, pb + down, pb, rowBytes) || samePatch(s, pb + down, pa + down, rowBytes) ? none : d;
  const ab = vpmax<V>(a, b1), cd = vpmax<V>(c1, d1), top = vpmax<V>(ab, cd), gate = splat<V>(s.relu ? 0 : -Infinity);
  const next = vpmax<V>(vpmax<V>(vpmin<V>(ab, cd), vpmin<V>(top, gate)), vpmax<V>(vpmin<V>(a, b1), vpmin<V>(c1, d1)));
  const mask = besideBias<V>(doubts<V>(vsub<V>(vpmax<V>(top, gate), next), limit), a, b1, c1, d1, s.relu, bias, limit);
  if (mask) decideChannels(s, image, o, argmax, mask, row, column, 2, 2, 0);
}

/** decideFour of eight channels: outputs[4][8] and limits[8]. */
export function decidePair(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, near: i32, row: i32, column: i32, outputs: usize, limits: usize,
): void {
  for (; near; near >>= LANES, o += LANES, argmax += 16, outputs += 16, limits += 16) {
    const four = near & 15;
    if (four) {
      decideFour<v128>(
        s, image, o, argmax, four, row, column, v128.load(outputs), v128.load(outputs, 32), v128.load(outputs, 64),
        v128.load(outputs, 96), v128.load(limits),
      );
    }
  }
}

/** `near` without the lanes in which only outputs that are the bias, and it the greatest, are near. */
function besideBias<V>(near: i32, a: V, b: V, c: V, d: V, relu: i32, bias: V, limit: V): i32 {
  const gate = splat<V>(relu ? 0 : -Infinity);
  const best = vpmax<V>(vpmax<V>(vpmax<V>(a, b), vpmax<V>(c, d)), gate), one = near & equal<V>(best, bias);
  if (!one) return near;
  const less = vpmax<V>(vpmax<V>(below<V>(a, best), below<V>(b, best)), vpmax<V>(below<V>(c, best), below<V>(d, best)));
  return near & (~one | doubts<V>(vsub<V>(best, vpmax<V>(less, below<V>(gate, best))), limit));
}

/** v, -Infinity where it is `best`. */
// @ts-ignore: decorator
@inline
function below<V>(v: V, best: V): V {
  return vselectGreater<V>(best, v, v, splat<V>(-Infinity));
}

/** A bit for each lane in which a and b are equal. */
// @ts-ignore: decorator
@inline
function equal<V>(a: V, b: V): i32 {
  if (isVector<V>()) return i32x4.bitmask(f32x4.eq(a, b));
  return i32((a as f32) == (b as f32));
}

/** Whether the patches at p and q are the same. */
function samePatch(s: ConvPoolArgs, p: usize, q: usize, rowBytes: usize): bool {
  for (let h = s.KH; h > 0; h--, p += rowBytes, q += rowBytes) if (differ(p, q, s.KW * s.C)) return false;
  return true;
}

/** The patch of the output at (row, column) of an image. */
// @ts-ignore: decorator
@inline
function patchAt(s: ConvPoolArgs, image: i32, row: i32, column: i32): usize {
  return s.x + (<usize>(((image * s.H + row * s.strideH) * s.W + column * s.strideW) * s.C) << 2);
}

/**
 * argmax of those channels from o on that have a bit in `doubts`, of the window whose rows x cells outputs begin at output
 * (row, column) of an image and at `place` of the window.
 */
export function decideChannels(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, doubts: i32, row: i32, column: i32, rows: i32, cells: i32, place: i32,
): void {
  const step = ASC_FEATURE_SIMD ? 2 : 1;
  for (; doubts && o < s.OC; doubts >>= step, o += step, argmax += <usize>step << 2) {
    const some = doubts & (o + 1 < s.OC ? 3 : 1);
    if (ASC_FEATURE_SIMD) {
      if (some) decide<v128>(s, image, o, argmax, some, row, column, rows, cells, place);
    } else if (some & 1) decide<f64>(s, image, o, argmax, 1, row, column, rows, cells, place);
  }
}

/**
 * The same of channel o (D f64), or of o and o + 1 where bits 0 and 1 of `doubts` say so (D v128). Four outputs are summed
 * side by side, each in the order of its patch; the first stands in for those that are not there, and never wins over itself.
 */
function decide<D>(
  s: ConvPoolArgs, image: i32, o: i32, argmax: usize, doubts: i32, row: i32, column: i32, rows: i32, cells: i32, place: i32,
): void {
  const n = rows * cells, run = s.KW * s.C, next = <usize>s.OC << 2, at = <usize>o << 2;
  const jump = <usize>(s.W * s.C - run) << 2;
  const bias = s.bias ? widened<D>(s.bias + at) : both<D>(0);
  let best = both<D>(-Infinity), winner = both<D>(place);
  for (let k = 0; k < n; k += 4) {
    const k1 = k + 1 < n ? k + 1 : k, k2 = k + 2 < n ? k + 2 : k, k3 = k + 3 < n ? k + 3 : k;
    let pa = patchAt(s, image, row + k / cells, column + k % cells), pb = patchAt(s, image, row + k1 / cells, column + k1 % cells);
    let pc = patchAt(s, image, row + k2 / cells, column + k2 % cells), pd = patchAt(s, image, row + k3 / cells, column + k3 % cells);
    let w = s.filter + at, a = bias, b = bias, c = bias, d = bias;
    for (let h = s.KH; h > 0; h--) {
      for (let i = run; i > 0; i--) {
        const v = widened<D>(w);
        a = plusProduct<D>(a, v, pa);
        b = plusProduct<D>(b, v, pb);
        c = plusProduct<D>(c, v, pc);
        d = plusProduct<D>(d, v, pd);
        w += next;
        pa += 4;
        pb += 4;
        pc += 4;
        pd += 4;
      }
      pa += jump;
      pb += jump;
      pc += jump;
      pd += jump;
    }
    winner = whereGreater<D>(a, best, both<D>(place + k / cells * s.poolW + k % cells), winner);
    best = whereGreater<D>(a, best, a, best);
    winner = whereGreater<D>(b, best, both<D>(place + k1 / cells * s.poolW + k1 % cells), winner);
    best = whereGreater<D>(b, best, b, best);
    winner = whereGreater<D>(c, best, both<D>(place + k2 / cells * s.poolW + k2 % cells), winner);
    best = whereGreater<D>(c, best, c, best);
    winner = whereGreater<D>(d, best, both<D>(place + k3 / cells * s.poolW + k3 % cells), winner);
    best = whereGreater<D>(d, best, d, best);
  }
  if (s.relu) winner = whereGreater<D>(best, both<D>(0), winner, both<D>(-1));
  if (isVector<D>()) {
    if (doubts & 1) store<i32>(argmax, <i32>f64x2.extract_lane(winner, 0));
    if (doubts & 2) store<i32>(argmax, <i32>f64x2.extract_lane(winner, 1), 4);
  } else store<i32>(argmax, <i32>(winner as f64));
}

/** x in double precision, in every lane. */
// @ts-ignore: decorator
@inline
function both<D>(x: f64): D {
  if (isVector<D>()) return f64x2.splat(x);
  return x as D;
}

/** The f32 at p, and the one after it in the second lane, in double precision. */
// @ts-ignore: decorator
@inline
function widened<D>(p: usize): D {
  if (isVector<D>()) return f64x2.promote_low_f32x4(v128.load64_zero(p));
  return (<f64>load<f32>(p)) as D;
}

/** sum + w times the f32 at x. */
// @ts-ignore: decorator
@inline
function plusProduct<D>(sum: D, w: D, x: usize): D {
  if (isVector<D>()) return f64x2.add(sum, f64x2.mul(w, f64x2.promote_low_f32x4(v128.load32_splat(x))));
  return ((sum as f64) + (w as f64) * <f64>load<f32>(x)) as D;
}

/** where(a > b, x, y) lane by lane. */
// @ts-ignore: decorator
@inline
function whereGreater<D>(a: D, b: D, x: D, y: D): D {
  if (isVector<D>()) return v128.bitselect(x, y, f64x2.gt(a, b));
  return select<D>(x, y, (a as f64) > (b as f64));
}
