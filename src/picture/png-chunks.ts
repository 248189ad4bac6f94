import { Unzlib } from "fflate";
import { isPictureSize, PICTURE_SIZES, PictureError } from "./picture.ts";

// A PNG says in a few bytes what takes gigabytes: its size, pixels that all are alike, a colour profile or a text that
// is one long run. All of it is looked at here, before anything is unpacked for good.

const SIGNATURE_BYTES = 8;
/** Length, type and CRC of a chunk. */
const FRAME_BYTES = 12;
/** Chunks of the pixels: what each costs beside its bytes adds up. Those of 8 KiB that encoders like make 512 MiB. */
const MAX_CHUNKS = 65_536;
/** Compressed bytes unpacked at a time: deflate grows at most 1032-fold, so that 16 MiB can be in flight. */
const SLICE_BYTES = 16 * 1024;
/** Channels of each colour type: grey, RGB, palette, grey and alpha, RGBA. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Bits of a channel that each colour type may have. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
/** Rows and columns of Adam7's passes: where they start, and how far apart they are. */
const ADAM7 = [
  [0, 0, 8, 8],
  [0, 4, 8, 8],
  [4, 0, 8, 4],
  [0, 2, 4, 4],
  [2, 0, 4, 2],
  [0, 1, 2, 2],
  [1, 0, 2, 1],
] as const;

interface Chunk {
  readonly type: string;
  /** With its frame. */
  readonly whole: Uint8Array;
  readonly data: Uint8Array;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly colourType: number;
  /** Bits of a pixel. */
  readonly bits: number;
  readonly interlaced: boolean;
}

/**
 * The same PNG with nothing but the chunks that its pixels are made of, known to unpack to no more than those. Its
 * checksums are not looked at.
 * Throws PictureError.
 */
export function pixelsOnly(png: Uint8Array): Uint8Array {
  const chunks = chunksOf(png);
  const header = headerOf(chunks);
  checkPalette(chunks, header);
  checkPixels(
    chunks.filter(({ type }) => type === "IDAT"),
    header,
  );
  const parts = [png.subarray(0, SIGNATURE_BYTES), ...chunks.map(({ whole }) => whole)];
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function damaged(what: string): PictureError {
  return new PictureError(`is a damaged PNG: ${what}`);
}

/** The chunks that pixels are made of, up to the end. Other critical chunks are an error, others are left out. */
function chunksOf(png: Uint8Array): Chunk[] {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE_BYTES; ; ) {
    if (at + FRAME_BYTES > png.length) throw damaged(`it ends after ${png.length} bytes, in a chunk`);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged(`its chunk ${chunks.length + 1} has no name`);
    if (length > png.length - at - FRAME_BYTES)
      throw damaged(`its chunk ${type} claims ${length} bytes, more than the file has`);
    const end = at + FRAME_BYTES + length;
    const critical = /^[A-Z]/.test(type);
    if (["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(type)) {
      if (chunks.length === MAX_CHUNKS)
        throw new PictureError(
          `is a PNG of more than ${MAX_CHUNKS.toLocaleString("en-US")} chunks; save it with larger ones`,
        );
      if (type !== "IDAT" || length > 0)
        chunks.push({ type, whole: png.subarray(at, end), data: png.subarray(at + 8, end - 4) });
    } else if (critical) throw damaged(`its chunk ${type} is none that a PNG's pixels are made of`);
    if (type === "IEND") return chunks;
    at = end;
  }
}

function headerOf([first, ...others]: readonly Chunk[]): Header {
  if (first?.type !== "IHDR" || first.data.length !== 13 || others.some(({ type }) => type === "IHDR"))
    throw damaged("it does not start with one header of 13 bytes");
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (!isPictureSize(width, height))
    throw new PictureError(`is ${width}x${height} pixels; expected ${PICTURE_SIZES}`);
  const [depth, colourType, , , interlace] = first.data.subarray(8) as unknown as number[];
  const channels = CHANNELS[colourType!];
  if (channels === undefined || !DEPTHS[colourType!]!.includes(depth!) || interlace! > 1)
    throw damaged(`its header has colour type ${colourType}, ${depth} bits and interlacing ${interlace}`);
  // fast-png reads such files as if each pixel had a byte of its own.
  if (interlace === 1 && depth! < 8)
    throw new PictureError(
      `is an interlaced PNG of ${depth} bits a channel, which is not supported; save it without interlacing`,
    );
  return { width, height, colourType: colourType!, bits: depth! * channels, interlaced: interlace === 1 };
}

function checkPalette(chunks: readonly Chunk[], { colourType }: Header): void {
  for (const name of ["PLTE", "tRNS"]) {
    const own = chunks.filter(({ type }) => type === name);
    if (own.length > 1) throw damaged(`it has ${own.length} chunks ${name}`);
    const bytes = own[0]?.data.length ?? 0;
    const most = name === "PLTE" ? 768 : ({ 0: 2, 2: 6, 3: 256 }[colourType] ?? 0);
    if (bytes > most) throw damaged(`its chunk ${name} has ${bytes} bytes, expected at most ${most}`);
  }
}

/** Unpacks the pixels, keeping none of them: throws where there are more or fewer than the header says. */
function checkPixels(data: readonly Chunk[], header: Header): void {
  const expected = pixelBytes(header);
  let got = 0;
  const inflate = new Unzlib(({ length }) => {
    got += length;
    if (got > expected) throw damaged(`it unpacks to more than the ${expected} bytes that its size takes`);
  });
  try {
    for (const { data: bytes } of data)
      for (let at = 0; at < bytes.length; at += SLICE_BYTES)
        inflate.push(bytes.subarray(at, at + SLICE_BYTES));
    inflate.push(new Uint8Array(), true);
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw damaged((error as Error).message);
  }
  if (got < expected) throw damaged(`it unpacks to ${got} bytes, but its size takes ${expected}`);
}

/** Bytes of all rows, each with the byte that names its filter, in one pass or seven. */
function pixelBytes({ width, height, bits, interlaced }: Header): number {
  const passBytes = (rows: number, columns: number) =>
    columns === 0 ? 0 : rows * (1 + Math.ceil((columns * bits) / 8));
  if (!interlaced) return passBytes(height, width);
  return ADAM7.reduce((sum, [row, column, rowStep, columnStep]) => {
    const count = (size: number, first: number, step: number) =>
      Math.max(0, Math.ceil((size - first) / step));
    return sum + passBytes(count(height, row, rowStep), count(width, column, columnStep));
  }, 0);
}
