import { ConvPoolArgs, listBytes, paddedRun, patchBytes } from "./convpool-args";
import { FAINT, LANES, Pair, WIDE, lanes, loadSplat, madd, splat, vadd, vbytes, vload, vstore } from "./simd";

// The gradients of convolution + bias + relu + max pooling. At most one output of each window carries a gradient, and
// none where relu is closed: instead of multiplying the zeros between them, the kernels walk lists of (gradient, address).
// After 2x2 pooling that leaves at most a quarter of the work.

/** out[v] += sum over the list of gradient * memory[address + offset + v], for `run` f32; reads whole vectors. */
// @ts-ignore: decorator
@inline
function combineRun(out: usize, list: usize, n: i32, offset: usize, run: i32): void {
  if (WIDE) {
    const whole = run & -(2 * LANES), bytes = <usize>whole << 2;
    combineVectors<Pair>(out, list, n, offset, whole);
    combineVectors<v128>(out + bytes, list, n, offset + bytes, run - whole);
  } else if (ASC_FEATURE_SIMD) combineVectors<v128>(out, list, n, offset, run);
  else combineVectors<f32>(out, list, n, offset, run);
}

// @ts-ignore: decorator
@inline
function combineVectors<V>(out: usize, list: usize, n: i32, offset: usize, run: i32): void {
  let c = run;
  for (; c >= 6 * lanes<V>(); c -= 6 * lanes<V>()) {
    combine6<V>(out, list, n, offset);
    out += 6 * vbytes<V>();
    offset += 6 * vbytes<V>();
  }
  for (; c >= 3 * lanes<V>(); c -= 3 * lanes<V>()) {
    combine3<V>(out, vbytes<V>(), list, n, offset, vbytes<V>());
    out += 3 * vbytes<V>();
    offset += 3 * vbytes<V>();
  }
  for (; c > 0; c -= lanes<V>()) {
    combine1<V>(out, list, n, offset);
    out += vbytes<V>();
    offset += vbytes<V>();
  }
}

/** Six vectors at once: accumulators, their loads and one product just fit the registers. */
// @ts-ignore: decorator
@inline
function combine6<V>(out: usize, list: usize, n: i32, offset: usize): void {
  let a = splat<V>(0), b = a, c = a, d = a, e = a, f = a;
  do {
    const p = <usize>load<u32>(list, 4) + offset;
    const g = loadSplat<V>(list);
    a = madd<V>(g, vload<V>(p), a);
    b = madd<V>(g, vload<V>(p, vbytes<V>()), b);
    c = madd<V>(g, vload<V>(p, 2 * vbytes<V>()), c);
    d = madd<V>(g, vload<V>(p, 3 * vbytes<V>()), d);
    e = madd<V>(g, vload<V>(p, 4 * vbytes<V>()), e);
    f = madd<V>(g, vload<V>(p, 5 * vbytes<V>()), f);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
  vstore<V>(out + vbytes<V>(), vadd<V>(vload<V>(out, vbytes<V>()), b));
  vstore<V>(out + 2 * vbytes<V>(), vadd<V>(vload<V>(out, 2 * vbytes<V>()), c));
  vstore<V>(out + 3 * vbytes<V>(), vadd<V>(vload<V>(out, 3 * vbytes<V>()), d));
  vstore<V>(out + 4 * vbytes<V>(), vadd<V>(vload<V>(out, 4 * vbytes<V>()), e));
  vstore<V>(out + 5 * vbytes<V>(), vadd<V>(vload<V>(out, 5 * vbytes<V>()), f));
}

/** Three vectors `step` bytes apart in memory, `outStep` apart in out. */
// @ts-ignore: decorator
@inline
function combine3<V>(out: usize, outStep: usize, list: usize, n: i32, offset: usize, step: usize): void {
  let a = splat<V>(0), b = a, c = a;
  const offset1 = offset + step, offset2 = offset1 + step;
  do {
    const p = <usize>load<u32>(list, 4);
    const g = loadSplat<V>(list);
    a = madd<V>(g, vload<V>(p + offset), a);
    b = madd<V>(g, vload<V>(p + offset1), b);
    c = madd<V>(g, vload<V>(p + offset2), c);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
  out += outStep;
  vstore<V>(out, vadd<V>(vload<V>(out), b));
  out += outStep;
  vstore<V>(out, vadd<V>(vload<V>(out), c));
}

// @ts-ignore: decorator
@inline
function combine1<V>(out: usize, list: usize, n: i32, offset: usize): void {
  let a = splat<V>(0);
  do {
    a = madd<V>(loadSplat<V>(list), vload<V>(<usize>load<u32>(list, 4) + offset), a);
    list += 8;
  } while (--n);
  vstore<V>(out, vadd<V>(vload<V>(out), a));
}

/** out[KH, paddedRun] += the list's patches, whose rows lie `rowBytes` apart. */
function combinePatch(out: usize, outRow: usize, list: usize, n: i32, run: i32, KH: i32, rowBytes: usize): void {
  let r = 0;
  if (ASC_FEATURE_SIMD && run <= 4) {
    // One vector a row: three rows at once, or else every sum waits for the one before it.
    for (; r + 3 <= KH; r += 3) combine3<v128>(out + <usize>r * outRow, outRow, list, n, <usize>r * rowBytes, rowBytes);
  }
  for (; r < KH; r++) combineRun(out + <usize>r * outRow, list, n, <usize>r * rowBytes, run);
}

/** Output channels in one task of backwardFilter. */
// @host
export const LIST_CHANNELS: i32 = 8;

/** Scratch of convPoolBackwardFilter: lists of n entries, sums of patches, and the ends of four lists and -1 and the window's places. */
// @host
// @ts-ignore: decorator
@inline
export function filterListScratch(n: i32, KH: i32, run: i32, places: i32): usize {
  return LIST_CHANNELS * (listBytes(n) + patchBytes(KH, run)) + 4 * (<usize>places + 5);
}

/**
 * dw[KH, KW, C, OC] and db[OC] from dy and argmax; overwrites. One task is LIST_CHANNELS output channels over the whole
 * batch in order; tasks = ceil(OC / LIST_CHANNELS).
 * Scratch: filterListScratch(group * PH * PW, KH, KW * C, poolH * poolW).
 */
export function convPoolBackwardFilter(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const o0 = task * LIST_CHANNELS, channels = min(LIST_CHANNELS, s.OC - o0);
  const run = s.KW * s.C, outRow = <usize>paddedRun(s.KW * s.C) << 2;
  const patch = <usize>s.KH * outRow;
  const cells = s.PH * s.PW;
  const next = listBytes(s.group * cells);
  const lists = scratch, sums = scratch + LIST_CHANNELS * next;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  // Bytes from a window's corner to each place in it; place -1 stands before the first.
  const ends = sums + LIST_CHANNELS * patch;
  const places = ends + 20;
  store<i32>(places - 4, 0);
  for (let r = 0; r < s.poolH; r++) {
    for (let q = 0; q < s.poolW; q++) {
      store<i32>(
        places + (<usize>(r * s.poolW + q) << 2), r * s.strideH * <i32>rowBytes + ((q * s.strideW * s.C) << 2),
      );
    }
  }
  memory.fill(sums, 0, LIST_CHANNELS * patch);
  if (s.bias) memory.fill(s.bias + (<usize>o0 << 2), 0, <usize>channels << 2);
  for (let n = 0; n < s.batch; n += s.group) {
    const images = min(s.group, s.batch - n);
    for (let c = 0; c < channels; c += lists4(s.OC) ? 4 : 1) {
      const list = lists + <usize>c * next;
      if (ASC_FEATURE_SIMD && lists4(s.OC)) listFour(list, next, ends, s, n, images, o0 + c, rowBytes);
      else listWindows(list, ends, s, n, images, o0 + c, rowBytes, places);
      const last = min(channels, c + (lists4(s.OC) ? 4 : 1));
      for (let k = c; k < last; k++) {
        const start = lists + <usize>k * next;
        const count = <i32>((<usize>load<u32>(ends + (<usize>(k - c) << 2)) - start) >>> 3);
        if (count == 0) continue;
        combinePatch(sums + <usize>k * patch, outRow, start, count, run, s.KH, rowBytes);
        if (s.bias) addGradients(s.bias + (<usize>(o0 + k) << 2), start, count);
      }
    }
  }
  // The sums lie channel by channel: to dw they go across.
  const pixelBytes = <usize>s.OC << 2;
  let dw = s.w + (<usize>o0 << 2);
  for (let r = 0; r < s.KH; r++) {
    for (let k = 0; k < run; k++) {
      const p = sums + <usize>r * outRow + (<usize>k << 2);
      for (let c = 0; c < channels; c++) store<f32>(dw + (<usize>c << 2), load<f32>(p + <usize>c * patch));
      dw += pixelBytes;
    }
  }
}

/** Whether channels can be read four at a time. */
// @ts-ignore: decorator
@inline
function lists4(OC: i32): bool {
  return ASC_FEATURE_SIMD && (OC & 3) == 0;
}

/** Lists (gradient, patch address) of channel o in `images` images from n on; the list's end goes to *end. */
function listWindows(
  list: usize, end: usize, s: ConvPoolArgs, n: i32, images: i32, o: i32, rowBytes: usize, places: usize,
): void {
  const rowStep = <i32>rowBytes * s.strideH, columnStep = (s.strideW * s.C) << 2;
  const pixelBytes = <usize>s.OC << 2;
  const offset = ((<usize>n * <usize>(s.PH * s.PW)) * <usize>s.OC + <usize>o) << 2;
  const cornerStep = s.poolStrideW * columnStep;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let m = n; m < n + images; m++) {
    const image = s.x + <usize>m * <usize>s.H * rowBytes;
    for (let i = 0; i < s.PH; i++) {
      let corner = <i32>image + (i * s.poolStrideH - s.poolTop) * rowStep - s.poolLeft * columnStep;
      for (let j = s.PW; j > 0; j--) {
        const place = load<i32>(at);
        const g = load<f32>(dy);
        store<f32>(list, g);
        store<i32>(list, corner + load<i32>(places + (<usize>place << 2)), 4);
        // No branch: an entry that carries nothing, or less than tells, is overwritten by the next one.
        list += <usize>(i32(place >= 0) & i32(!(abs<f32>(g) < FAINT))) << 3;
        corner += cornerStep;
        dy += pixelBytes;
        at += pixelBytes;
      }
    }
  }
  store<u32>(end, <u32>list);
}

/** listWindows for the four channels from o on, into lists `next` bytes apart; their ends go to ends[4]. */
function listFour(
  list: usize, next: usize, ends: usize, s: ConvPoolArgs, n: i32, images: i32, o: i32, rowBytes: usize,
): void {
  const rowStep = <i32>rowBytes * s.strideH, columnStep = (s.strideW * s.C) << 2;
  const pixelBytes = <usize>s.OC << 2;
  const offset = ((<usize>n * <usize>(s.PH * s.PW)) * <usize>s.OC + <usize>o) << 2;
  const cornerStep = s.poolStrideW * columnStep;
  // place = row * poolW + column, so its bytes are place * columnStep + row * (rowStep - poolW * columnStep), with
  // row = place / poolW by a multiplication that is exact for the few places of a window.
  const reciprocal = 65536 / s.poolW + 1, rowRest = rowStep - s.poolW * columnStep;
  let list0 = list, list1 = list0 + next, list2 = list1 + next, list3 = list2 + next;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let m = n; m < n + images; m++) {
    const image = s.x + <usize>m * <usize>s.H * rowBytes;
    for (let i = 0; i < s.PH; i++) {
      let corner = <i32>image + (i * s.poolStrideH - s.poolTop) * rowStep - s.poolLeft * columnStep;
      for (let j = s.PW; j > 0; j--) {
        const place = v128.load(at), g = v128.load(dy);
        const row = i32x4.shr_u(i32x4.mul(place, i32x4.splat(reciprocal)), 16);
        const address = i32x4.add(
          i32x4.splat(corner),
          i32x4.add(i32x4.mul(place, i32x4.splat(columnStep)), i32x4.mul(row, i32x4.splat(rowRest))),
        );
        const carries = ~i32x4.bitmask(v128.or(f32x4.lt(f32x4.abs(g), f32x4.splat(FAINT)), place));
        const front = v128.shuffle<i32>(g, address, 0, 4, 1, 5), back = v128.shuffle<i32>(g, address, 2, 6, 3, 7);
        v128.store64_lane(list0, front, 0);
        v128.store64_lane(list1, front, 1);
        v128.store64_lane(list2, back, 0);
        v128.store64_lane(list3, back, 1);
        list0 += <usize>((carries << 3) & 8);
        list1 += <usize>((carries << 2) & 8);
        list2 += <usize>((carries << 1) & 8);
        list3 += <usize>(carries & 8);
        corner += cornerStep;
        dy += pixelBytes;
        at += pixelBytes;
      }
    }
  }
  store<u32>(ends, <u32>list0);
  store<u32>(ends, <u32>list1, 4);
  store<u32>(ends, <u32>list2, 8);
  store<u32>(ends, <u32>list3, 12);
}

/** out += sum of the list's gradients. */
function addGradients(out: usize, list: usize, n: i32): void {
  let a: f32 = 0, b: f32 = 0;
  for (; n >= 2; n -= 2, list += 16) {
    a += load<f32>(list);
    b += load<f32>(list, 8);
  }
  if (n) a += load<f32>(list);
  store<f32>(out, load<f32>(out) + (a + b));
}

/** out[OC, KH, paddedRun] from w[KH, KW, C, OC], padding zero: what backwardInput reads. One task is one channel. */
export function packFilterRows(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const run = s.KW * s.C, padded = <i32>paddedRun(s.KW * s.C);
  let out = s.y + ((<usize>task * <usize>s.KH * <usize>padded) << 2);
  let w = s.w + (<usize>task << 2);
  for (let r = 0; r < s.KH; r++) {
    for (let k = 0; k < padded; k++) {
      store<f32>(out, k < run ? load<f32>(w) : 0);
      out += 4;
      if (k < run) w += <usize>s.OC << 2;
    }
  }
}

/** Whether a patch row of `run` f32 is no number of whole vectors. */
// @host
// @ts-ignore: decorator
@inline
export function isRagged(run: i32): bool {
  return run % LANES != 0;
}

/**
 * Scratch of convPoolBackwardInput: 8 bytes, lists for each place, places + 1 ends of 4 bytes and 16 bytes, and n numbers of dx
 * and 16 more where it is cropped or patch rows are ragged.
 */
// @host
// @ts-ignore: decorator
@inline
export function inputListScratch(places: i32, OC: i32, n: i32, run: i32, crop: bool): usize {
  return 8 + <usize>places * (listBytes(OC) + 4) + 24 + (crop || isRagged(run) ? 4 * (<usize>n + 16) : 0);
}

/**
 * dx from dy, argmax and packed w; overwrites. One task is one image. A window's channels are sorted by the place of
 * their winner, so that those of one patch are summed in registers.
 * Scratch: inputListScratch(poolH * poolW, OC, H * W * C, KW * C, whether dx is cropped).
 */
export function convPoolBackwardInput(s: ConvPoolArgs, task: i32, scratch: usize): void {
  const OC = s.OC, run = s.KW * s.C;
  const places = s.poolH * s.poolW;
  const next = listBytes(OC);
  // One list more, before the first, takes what carries nothing: place -1.
  const lists = scratch + 8;
  const ends = lists + <usize>places * next + 4;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const crop = s.cropH != s.H || s.cropW != s.W;
  // Rows are added in whole vectors: the last of a run may reach beyond, where other tasks write, so not in place.
  const apart = crop || isRagged(run);
  const out = s.x + ((<usize>task * <usize>s.cropH * <usize>s.cropW * <usize>s.C) << 2);
  const dx = apart ? (ends + (<usize>places << 2) + 15) & ~15 : out;
  memory.fill(dx, 0, <usize>s.H * rowBytes);
  const packedRow = <usize>paddedRun(s.KW * s.C) << 2;
  const filterBytes = <usize>s.KH * packedRow;
  const rowStep = <usize>s.strideH * rowBytes, columnStep = (<usize>s.strideW * <usize>s.C) << 2;
  const offset = (<usize>task * <usize>(s.PH * s.PW) * <usize>OC) << 2;
  let dy = s.y + offset, at = s.argmax + offset;
  for (let i = 0; i < s.PH; i++) {
    for (let j = 0; j < s.PW; j++) {
      store<u32>(ends - 4, <u32>scratch);
      for (let k = 0; k < places; k++) store<u32>(ends + (<usize>k << 2), <u32>(lists + <usize>k * next));
      let filter = s.w;
      for (let o = 0; o < OC; o++) {
        const g = load<f32>(dy);
        const place = select<i32>(-1, load<i32>(at), abs<f32>(g) < FAINT);
        const end = ends + (<usize>place << 2);
        const list = <usize>load<u32>(end);
        store<f32>(list, g);
        store<u32>(list, <u32>filter, 4);
        store<u32>(end, <u32>(list + (<usize>(place >= 0) << 3)));
        filter += filterBytes;
        dy += 4;
        at += 4;
      }
      for (let k = 0; k < places; k++) {
        const list = lists + <usize>k * next;
        const n = <i32>((<usize>load<u32>(ends + (<usize>k << 2)) - list) >>> 3);
        if (n == 0) continue;
        const r = i * s.poolStrideH - s.poolTop + k / s.poolW, q = j * s.poolStrideW - s.poolLeft + k % s.poolW;
        let to = dx + <usize>r * rowStep + <usize>q * columnStep;
        for (let h = 0; h < s.KH; h++) {
          combineRun(to, list, n, <usize>h * packedRow, run);
          to += rowBytes;
        }
      }
    }
  }
  if (!apart) return;
  const lineBytes = (<usize>s.cropW * <usize>s.C) << 2;
  for (let i = 0; i < s.cropH; i++) {
    memory.copy(
      out + <usize>i * lineBytes, dx + <usize>(i + s.top) * rowBytes + ((<usize>s.left * <usize>s.C) << 2), lineBytes,
    );
  }
}
