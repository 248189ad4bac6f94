import { Pair, WIDE, lanes, loadSplat, madd, splat, vbytes, vload, vpmax, vpmin, vrelu, vstorePart } from "./simd";
import { PANEL, TILE_ACCUMULATE, orZeros, panelRows, panelsBytes, panelsOf, reluFlags, tile, wholePanels } from "./tile";
import { Conv2dArgs } from "./conv2d-args";
import { packPanel } from "./gemm";
import { pointwiseBackwardFilter, pointwiseBackwardInput, pointwiseForward } from "./pointwise";

// @ts-ignore: decorator
@inline
function depth(s: Conv2dArgs): i32 {
  return s.KH * s.KW * s.C;
}

/** Rows of patches of fewer numbers are copied or taken four at once: too short to be walked in place. */
// @host
export const SHORT_RUN: i32 = 16;

/** True where a patch row is one run in memory, long enough to be walked in place. */
// @ts-ignore: decorator
@inline
function inPlace(s: Conv2dArgs): bool {
  return s.dilationW == 1 && s.KW * s.C >= SHORT_RUN;
}

/** Packs w[K, OC] into panelsOf(OC) panels [K, 16], zero-padded. One task is one panel. */
@unmanaged
export class PackArgs {
  out: usize;
  w: usize;
  K: i32;
  OC: i32;
  C: i32; // packFilterTransposed: K = positions * C
}

export function packFilter(args: PackArgs, task: i32, scratch: usize): void {
  const n0 = task * PANEL;
  packPanel(
    args.out + ((<usize>args.K * <usize>n0) << 2), args.w, args.OC, args.K, 0, 0, args.K, n0, min(args.OC - n0, PANEL),
  );
}

/**
 * Packs w[positions, C, OC] for backwardInput: per position and 16 channels c a panel [OC, 16] of
 * w[position, c, o], so that dy[., OC] times a panel is the gradient of 16 neighbouring input channels.
 * One task is one panel; tasks = positions * panelsOf(C).
 */
export function packFilterTransposed(args: PackArgs, task: i32, scratch: usize): void {
  const C = args.C, OC = args.OC;
  const panels = panelsOf(C);
  const position = task / panels, c0 = (task % panels) * PANEL;
  packPanel(
    args.out + panelsBytes(task, OC), args.w + ((<usize>position * <usize>C * <usize>OC) << 2),
    C, OC, 1, 0, OC, c0, min(C - c0, PANEL),
  );
}

/** Scratch of conv2dForward: the gathered patches of one output row. */
// @host
// @ts-ignore: decorator
@inline
export function gatheredBytes(OW: i32, K: i32): usize {
  return 4 * <usize>OW * <usize>K;
}

/** y = conv(x, w) + bias; one task is one image. Scratch: gatheredBytes(OW, K), where patches are gathered (dilated runs). */
export function conv2dForward(s: Conv2dArgs, task: i32, scratch: usize): void {
  if (s.cols) {
    pointwiseForward(s, task);
    return;
  }
  if (s.KW * s.C < SHORT_RUN && s.dilationW == 1) {
    if (ASC_FEATURE_SIMD) shortForward<v128>(s, task);
    else shortForward<f32>(s, task);
    return;
  }
  const K = depth(s), OC = s.OC, OW = s.OW;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const image = s.x + <usize>task * <usize>s.H * rowBytes;
  const pixelBytes = <usize>OC << 2;
  const out = s.y + <usize>task * <usize>s.OH * <usize>OW * pixelBytes;
  const flags = reluFlags(s.relu);
  const gather = !inPlace(s);
  const run = gather ? K : s.KW * s.C;
  const segments = gather ? 1 : s.KH;
  const jump = gather ? 0 : <usize>s.dilationH * rowBytes - (<usize>run << 2);
  const patchStep = gather ? <usize>K << 2 : (<usize>s.strideW * <usize>s.C) << 2;
  for (let i = 0; i < s.OH; i++) {
    let line = image + <usize>i * <usize>s.strideH * rowBytes;
    if (gather) {
      gatherPatches(scratch, line, s, rowBytes);
      line = scratch;
    }
    const outLine = out + <usize>i * <usize>OW * pixelBytes;
    for (let o = 0; o < OC; o += PANEL) {
      const panel = s.w + ((<usize>K * <usize>o) << 2);
      const bias = s.bias ? s.bias + (<usize>o << 2) : 0;
      let patch = line, c = outLine + (<usize>o << 2);
      for (let j = 0; j < OW; j += 2) {
        tile(
          c, j + 1 < OW ? c + pixelBytes : 0, min(OC - o, PANEL), flags, bias,
          patch, patch + patchStep, 4, jump, panel, PANEL << 2, 0, run, segments,
        );
        c += pixelBytes << 1;
        patch += patchStep << 1;
      }
    }
  }
}

/** Forward of one image with patch rows too short for wide panels to pay: four outputs of two vectors of channels at once. */
function shortForward<V>(s: Conv2dArgs, task: i32): void {
  const OC = s.OC, rowBytes = (<usize>s.W * <usize>s.C) << 2, outBytes = <usize>(s.OW * OC) << 2;
  let line = s.x + <usize>task * <usize>s.H * rowBytes;
  let out = s.y + <usize>(task * s.OH) * outBytes;
  for (let i = 0; i < s.OH; i++) {
    let o = 0;
    if (WIDE) for (; o + PANEL / 2 < OC; o += PANEL) shortLine<Pair>(s, o, out, line);
    for (; o < OC; o += 2 * lanes<V>()) shortLine<V>(s, o, out, line);
    line += <usize>s.strideH * rowBytes;
    out += outBytes;
  }
}

/** A line of outputs of up to 2 * lanes<V>() channels from o on, four at once. */
// @ts-ignore: decorator
@inline
function shortLine<V>(s: Conv2dArgs, o: i32, out: usize, line: usize): void {
  const run = s.KW * s.C, bytes = <usize>o << 2, pixelBytes = <usize>s.OC << 2;
  const jump = <usize>s.dilationH * ((<usize>s.W * <usize>s.C) << 2) - (<usize>run << 2);
  const step = (<usize>s.strideW * <usize>s.C) << 2;
  const panel = s.w + (<usize>(depth(s) * (o & ~15) + (o & 15)) << 2), bias = s.bias ? s.bias + bytes : 0;
  let x = line, y = out + bytes;
  for (let j = 0; j < s.OW; j += 4) {
    shortTile<V>(y, pixelBytes, min(4, s.OW - j), s.OC - o, x, step, jump, panel, run, s.KH, bias, s.relu);
    x += step << 2;
    y += pixelBytes << 2;
  }
}

/** `count` (1..4) neighbouring outputs, the first n of 2 * lanes<V>() channels. */
// @ts-ignore: decorator
@inline
function shortTile<V>(
  y: usize, pixelBytes: usize, count: i32, n: i32, x: usize, step: usize, jump: usize, w: usize, run: i32, KH: i32,
  bias: usize, relu: i32,
): void {
  const from = orZeros(bias);
  let a0 = vload<V>(from), a1 = vload<V>(from, vbytes<V>());
  let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
  // Outputs that do not exist read the patch of the first.
  let xb = count > 1 ? x + step : x, xc = count > 2 ? x + 2 * step : x, xd = count > 3 ? x + 3 * step : x;
  do {
    let k = run;
    do {
      const w0 = vload<V>(w), w1 = vload<V>(w, vbytes<V>());
      const pa = loadSplat<V>(x), pb = loadSplat<V>(xb), pc = loadSplat<V>(xc), pd = loadSplat<V>(xd);
      a0 = madd<V>(pa, w0, a0);
      a1 = madd<V>(pa, w1, a1);
      b0 = madd<V>(pb, w0, b0);
      b1 = madd<V>(pb, w1, b1);
      c0 = madd<V>(pc, w0, c0);
      c1 = madd<V>(pc, w1, c1);
      d0 = madd<V>(pd, w0, d0);
      d1 = madd<V>(pd, w1, d1);
      x += 4;
      xb += 4;
      xc += 4;
      xd += 4;
      w += PANEL << 2;
    } while (--k);
    x += jump;
    xb += jump;
    xc += jump;
    xd += jump;
  } while (--KH);
  shortStore<V>(y, a0, a1, n, relu);
  if (count > 1) shortStore<V>(y + pixelBytes, b0, b1, n, relu);
  if (count > 2) shortStore<V>(y + 2 * pixelBytes, c0, c1, n, relu);
  if (count > 3) shortStore<V>(y + 3 * pixelBytes, d0, d1, n, relu);
}

// @ts-ignore: decorator
@inline
function shortStore<V>(y: usize, v0: V, v1: V, n: i32, relu: i32): void {
  if (relu) {
    v0 = vpmax<V>(v0, splat<V>(0));
    v1 = vpmax<V>(v1, splat<V>(0));
  }
  // @ts-ignore: of the command that builds
  if (ALL_KERNELS && relu > 1) {
    v0 = vpmin<V>(vrelu<V>(v0), splat<V>(6));
    v1 = vpmin<V>(vrelu<V>(v1), splat<V>(6));
  }
  vstorePart<V>(y, v0, n);
  if (n > lanes<V>()) vstorePart<V>(y + vbytes<V>(), v1, n - lanes<V>());
}

/** out[OW, K]: the patches of one output row, whose first input row is `line`. */
function gatherPatches(out: usize, line: usize, s: Conv2dArgs, rowBytes: usize): void {
  const C = s.C;
  const stepH = <usize>s.dilationH * rowBytes, stepW = (<usize>s.dilationW * <usize>C) << 2;
  for (let j = 0; j < s.OW; j++) {
    for (let r = 0; r < s.KH; r++) {
      let p = line + <usize>r * stepH;
      for (let q = 0; q < s.KW; q++) {
        for (let c = 0; c < C; c++) {
          store<f32>(out, load<f32>(p + (<usize>c << 2)));
          out += 4;
        }
        p += stepW;
      }
    }
    line += (<usize>s.strideW * <usize>C) << 2;
  }
}

/**
 * dw[K, OC] = sum over images and positions of patch^T dy; overwrites. One task is `rows` rows of dw, over
 * the whole batch in order, so the sum does not depend on the number of threads.
 */
export function conv2dBackwardFilter(s: Conv2dArgs, task: i32, scratch: usize): void {
  if (s.cols) {
    pointwiseBackwardFilter(s, task, scratch);
    return;
  }
  const OC = s.OC, OW = s.OW;
  const k0 = task * s.rows, k1 = min(k0 + s.rows, depth(s));
  const rowBytes = (<usize>s.W * <usize>s.C) << 2;
  const pixelBytes = <usize>OC << 2;
  const aStep = (<usize>s.strideW * <usize>s.C) << 2;
  const aJump = <usize>s.strideH * rowBytes - <usize>OW * aStep;
  // As many output rows at once as keep a panel of dy in half of a 32 KiB L1 cache.
  const block = max(1, 256 / OW);
  let flags = 0;
  for (let n = 0; n < s.batch; n++) {
    const image = s.x + <usize>n * <usize>s.H * rowBytes;
    const gradient = s.y + <usize>n * <usize>s.OH * <usize>OW * pixelBytes;
    for (let i = 0; i < s.OH; i += block) {
      const height = min(block, s.OH - i);
      const lines = image + <usize>i * <usize>s.strideH * rowBytes;
      const dy = gradient + <usize>i * <usize>OW * pixelBytes;
      for (let o = 0; o < OC; o += PANEL) {
        for (let k = k0; k < k1; k += 2) {
          const c = s.w + ((<usize>k * <usize>OC + <usize>o) << 2);
          const pair = k + 1 < k1;
          tile(
            c, pair ? c + pixelBytes : 0, min(OC - o, PANEL), flags, 0,
            lines + patchOffset(k, s, rowBytes), lines + patchOffset(pair ? k + 1 : k, s, rowBytes), aStep, aJump,
            dy + (<usize>o << 2), pixelBytes, 0, OW, height,
          );
        }
      }
      flags = TILE_ACCUMULATE;
    }
  }
}

/** Byte offset of element k of a patch from the patch's first byte. */
// @ts-ignore: decorator
@inline
function patchOffset(k: i32, s: Conv2dArgs, rowBytes: usize): usize {
  const position = k / s.C, c = k % s.C;
  const r = position / s.KW, q = position % s.KW;
  return <usize>(r * s.dilationH) * rowBytes + ((<usize>(q * s.dilationW) * <usize>s.C + <usize>c) << 2);
}

/** Scratch of conv2dBackwardInput: n numbers of dx, where that is cropped, and for whole patches those of an output row. */
// @host
// @ts-ignore: decorator
@inline
export function inputScratch(n: i32, OW: i32, K: i32, crop: bool, patches: bool): usize {
  return (crop ? 4 * <usize>n : 0) + (patches ? gatheredBytes(OW, wholePanels(K)) : 0);
}

/**
 * dx = gradient of the padded input, cropped; overwrites. One task is one image. w is packed by packFilterTransposed;
 * with rows = 1 as one position of K channels, for few input channels: then the gradients of whole patches are
 * computed, an output row at a time, and added to where the patches lie (dilationW = 1 only).
 * Scratch: inputScratch(H * W * C, OW, K, whether there is padding to crop, rows = 1).
 */
export function conv2dBackwardInput(s: Conv2dArgs, task: i32, scratch: usize): void {
  if (s.cols) {
    pointwiseBackwardInput(s, task);
    return;
  }
  const OC = s.OC, OW = s.OW, C = s.C;
  const rowBytes = (<usize>s.W * <usize>C) << 2;
  const crop = s.cropH != s.H || s.cropW != s.W;
  const pixelBytes = <usize>OC << 2;
  const dy = s.y + <usize>task * <usize>s.OH * <usize>OW * pixelBytes;
  const out = s.x + ((<usize>task * <usize>s.cropH * <usize>s.cropW * <usize>C) << 2);
  const dx = crop ? scratch : out;
  memory.fill(dx, 0, <usize>s.H * rowBytes);
  const step = (<usize>s.strideW * <usize>C) << 2;
  const panelBytes = <usize>OC << 6;
  if (s.rows == 1) addPatches(s, dx, dy, crop ? scratch + <usize>s.H * rowBytes : scratch);
  for (let i = 0; i < s.OH && s.rows != 1; i++) {
    const dyLine = dy + <usize>i * <usize>OW * pixelBytes;
    let panel = s.w;
    for (let r = 0; r < s.KH; r++) {
      for (let q = 0; q < s.KW; q++) {
        const line =
          dx + <usize>(i * s.strideH + r * s.dilationH) * rowBytes + ((<usize>(q * s.dilationW) * <usize>C) << 2);
        for (let c = 0; c < C; c += PANEL) {
          let a = dyLine, to = line + (<usize>c << 2);
          // Two neighbouring outputs reach different inputs through the same position: no write overlaps.
          for (let j = 0; j < OW; j += 2) {
            tile(
              to, j + 1 < OW ? to + step : 0, min(C - c, PANEL), TILE_ACCUMULATE, 0,
              a, a + pixelBytes, 4, 0, panel, PANEL << 2, 0, OC, 1,
            );
            a += pixelBytes << 1;
            to += step << 1;
          }
          panel += panelBytes;
        }
      }
    }
  }
  if (!crop) return;
  const lineBytes = (<usize>s.cropW * <usize>C) << 2;
  for (let i = 0; i < s.cropH; i++) {
    memory.copy(
      out + <usize>i * lineBytes, dx + <usize>(i + s.top) * rowBytes + ((<usize>s.left * <usize>C) << 2), lineBytes,
    );
  }
}

/** dx += the gradients of all patches of one image; patches: OW * K f32, K rounded up to 16. */
function addPatches(s: Conv2dArgs, dx: usize, dy: usize, patches: usize): void {
  const K = depth(s), run = s.KW * s.C;
  const rowBytes = (<usize>s.W * <usize>s.C) << 2, step = (<usize>s.strideW * <usize>s.C) << 2;
  const pixelBytes = <usize>s.OC << 2, patchBytes = <usize>wholePanels(K) << 2;
  for (let i = 0; i < s.OH; i++) {
    let panel = s.w;
    for (let k: usize = 0; k < patchBytes; k += PANEL << 2) {
      panelRows(patches + k, patchBytes, s.OW, PANEL, 0, 0, dy, pixelBytes, pixelBytes << 1, 4, panel, s.OC);
      panel += <usize>s.OC << 6;
    }
    let patch = patches, corner = dx + <usize>(i * s.strideH) * rowBytes;
    for (let j = 0; j < s.OW; j++) {
      let from = patch, to = corner;
      for (let r = 0; r < s.KH; r++) {
        addRun(to, from, run);
        from += <usize>run << 2;
        to += <usize>s.dilationH * rowBytes;
      }
      patch += patchBytes;
      corner += step;
    }
    dy += <usize>s.OW * pixelBytes;
  }
}

/** out[n] += x[n]. */
// @ts-ignore: decorator
@inline
function addRun(out: usize, x: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (; n >= 4; n -= 4, out += 16, x += 16) v128.store(out, f32x4.add(v128.load(out), v128.load(x)));
  }
  for (; n > 0; n--, out += 4, x += 4) store<f32>(out, load<f32>(out) + load<f32>(x));
}

/** out[batch, H + top + bottom, W + left + right, C] = x[batch, H, W, C] inside a border of zeros. One task is one image. */
@unmanaged
export class PadArgs {
  out: usize;
  x: usize;
  H: i32;
  W: i32;
  C: i32;
  top: i32;
  bottom: i32;
  left: i32;
  right: i32;
}

export function pad2d(args: PadArgs, task: i32, scratch: usize): void {
  const C = args.C;
  const lineBytes = (<usize>args.W * <usize>C) << 2;
  const left = (<usize>args.left * <usize>C) << 2, right = (<usize>args.right * <usize>C) << 2;
  const rowBytes = left + lineBytes + right;
  let x = args.x + <usize>task * <usize>args.H * lineBytes;
  let out = args.out + <usize>task * <usize>(args.top + args.H + args.bottom) * rowBytes;
  memory.fill(out, 0, <usize>args.top * rowBytes);
  out += <usize>args.top * rowBytes;
  for (let i = 0; i < args.H; i++) {
    memory.fill(out, 0, left);
    memory.copy(out + left, x, lineBytes);
    memory.fill(out + left + lineBytes, 0, right);
    out += rowBytes;
    x += lineBytes;
  }
  memory.fill(out, 0, <usize>args.bottom * rowBytes);
}
