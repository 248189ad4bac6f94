import { DataError } from "./errors.ts";
import { gunzip, isGzip } from "./gzip.ts";
import type { ImageSet } from "./types.ts";

/*
 * IDX (http://yann.lecun.com/exdb/mnist/): two zero bytes, the element type (0x08: unsigned byte), the number of
 * dimensions, each dimension as a big-endian u32, then the elements, last dimension fastest.
 */
const TYPE_U8 = 0x08;
const MAGIC_BYTES = 4;
/** The longest header read here: the magic and four dimensions. */
const MAX_DIMS = 4;
/** 2 GiB - 1: more neither fits wasm32 memory beside a model nor one ArrayBuffer everywhere. */
export const MAX_IDX_BYTES = 2 ** 31 - 1;
/** Bytes that a gzipped file of unknown origin may unpack to: a megabyte could make a thousand. */
const MAX_UNPACKED_BYTES = 2 ** 30;
/** A label a byte, and an image each. */
const MAX_LABELS = 100_000_000;
const MAX_SIDE = 16_384;
const MAX_CHANNELS = 1_024;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  8: "unsigned byte",
  9: "signed byte",
  11: "int16",
  12: "int32",
  13: "float32",
  14: "float64",
};

interface IdxHeader {
  readonly dims: readonly number[];
  readonly headerBytes: number;
  /** Header and elements, in bytes. */
  readonly totalBytes: number;
}

/** Images of one IDX file, without their labels. */
export type IdxImages = Pick<ImageSet, "images" | "count" | "shape">;

/**
 * Parses an uncompressed IDX file of u8 images, `[count, height, width]` (one channel) or
 * `[count, height, width, channels]`.
 * Throws DataError `bad-magic`, `bad-dimensions`, `too-large`, `truncated`, `trailing-bytes`.
 * @param source file name or URL for messages
 * @returns a view on `bytes`, nothing copied or allocated
 */
export function parseIdxImages(bytes: Uint8Array, source = "IDX images"): IdxImages {
  const { dims, headerBytes } = parseWhole(bytes, source);
  if (dims.length < 3) {
    throw new DataError(
      "bad-magic",
      `${source}: has ${dims.length} dimension(s); images have 3 (count, height, width) or 4 (and channels). Is this a label file?`,
    );
  }
  const [count, height, width, channels = 1] = dims as [number, number, number, number?];
  return { images: elementsOf(bytes, headerBytes), count, shape: [height, width, channels] };
}

/**
 * Parses an uncompressed IDX file of u8 labels, `[count]`.
 * Throws DataError as `parseIdxImages`, and `label-range`.
 * @param classCount labels must be below it; checked here if given
 * @returns a view on `bytes`
 */
export function parseIdxLabels(bytes: Uint8Array, source = "IDX labels", classCount?: number): Uint8Array {
  const { dims, headerBytes } = parseWhole(bytes, source);
  if (dims.length !== 1) {
    throw new DataError(
      "bad-magic",
      `${source}: has ${dims.length} dimensions; labels have 1 (count). Is this an image file?`,
    );
  }
  const labels = elementsOf(bytes, headerBytes);
  if (classCount !== undefined) checkLabels(labels, classCount, source);
  return labels;
}

/** Throws DataError `label-range` if a label is not below `classCount`. */
export function checkLabels(labels: Uint8Array, classCount: number, source = "labels"): void {
  const at = labels.findIndex((label) => label >= classCount);
  if (at >= 0) {
    throw new DataError(
      "label-range",
      `${source}: label ${labels[at]} at index ${at}; expected 0 to ${classCount - 1} for ${classCount} classes.`,
    );
  }
}

function mismatch(source: string, images: number, labels: number): DataError {
  return new DataError(
    "count-mismatch",
    `${source}: ${images} images but ${labels} labels; expected as many of one as of the other. Do the files belong together?`,
  );
}

/** Joins images and labels. Throws DataError `count-mismatch`, and `label-range` if `classCount` is given. */
export function pairUp(images: IdxImages, labels: Uint8Array, source: string, classCount?: number): ImageSet {
  if (images.count !== labels.length) throw mismatch(source, images.count, labels.length);
  if (classCount !== undefined) checkLabels(labels, classCount, source);
  return { ...images, labels };
}

/** What is known of a file before it is unpacked. */
interface Expected {
  /** Bytes that it may unpack to. Default 1 GiB. */
  readonly maxBytes?: number;
  /** How many images it must have. */
  readonly count?: number;
}

/**
 * Unpacks an IDX file if it is gzipped (told by its magic) and returns its plain bytes. Only the header is checked: before
 * what it promises is unpacked.
 * Throws DataError `bad-gzip`, `too-large`, `trailing-bytes`, `truncated`, `count-mismatch`, and for the header as `parseIdxImages`.
 */
export async function unpackIdx(
  bytes: Uint8Array,
  source = "IDX file",
  { maxBytes = MAX_UNPACKED_BYTES, count }: Expected = {},
): Promise<Uint8Array> {
  if (!isGzip(bytes)) {
    readHeader(bytes, source);
    return bytes;
  }
  const promisedBytes = (head: Uint8Array) => {
    const header = readHeader(head, source);
    const items = header?.dims[0];
    if (items !== undefined && count !== undefined && items !== count) throw mismatch(source, items, count);
    return header?.totalBytes;
  };
  return gunzip(bytes, { maxBytes: Math.min(maxBytes, MAX_IDX_BYTES), promisedBytes, source });
}

/**
 * Reads one split from the bytes of its two IDX files, each gzipped or plain.
 * Throws DataError for anything wrong with either file or the pair.
 * @param options.classCount labels must be below it
 * @param options.source what to call the split in messages
 */
export async function readIdxPair(
  imageFile: Uint8Array,
  labelFile: Uint8Array,
  options: { readonly classCount?: number; readonly source?: string } = {},
): Promise<ImageSet> {
  const source = options.source ?? "IDX pair";
  // Labels first: they are few bytes, and images that are not as many are then not unpacked at all.
  const labels = parseIdxLabels(await unpackIdx(labelFile, `${source} labels`), `${source} labels`);
  const count = labels.length;
  const images = parseIdxImages(await unpackIdx(imageFile, source, { count }), `${source} images`);
  return pairUp(images, labels, source, options.classCount);
}

/**
 * The uncompressed IDX file of some images: three dimensions for one channel, as MNIST has them, else four.
 * Throws DataError `bad-dimensions`, `too-large`, `count-mismatch`.
 */
export function encodeIdxImages({ images, count, shape }: IdxImages): Uint8Array {
  const [height, width, channels] = shape;
  return encode(images, channels === 1 ? [count, height, width] : [count, height, width, channels]);
}

/** The uncompressed IDX file of some labels. Throws DataError `bad-dimensions` if there are none. */
export function encodeIdxLabels(labels: Uint8Array): Uint8Array {
  return encode(labels, [labels.length]);
}

function encode(elements: Uint8Array, dims: readonly number[]): Uint8Array {
  const { totalBytes, headerBytes } = checkDims(dims, "encoding IDX");
  if (elements.length !== totalBytes - headerBytes) {
    throw new DataError(
      "count-mismatch",
      `encoding IDX: ${elements.length} bytes for dimensions ${dims.join(" x ")}; expected ${totalBytes - headerBytes}.`,
    );
  }
  const file = new Uint8Array(totalBytes);
  file.set([0, 0, TYPE_U8, dims.length]);
  const view = new DataView(file.buffer);
  for (const [i, dim] of dims.entries()) view.setUint32(MAGIC_BYTES + 4 * i, dim);
  file.set(elements, headerBytes);
  return file;
}

function parseWhole(bytes: Uint8Array, source: string): IdxHeader {
  if (isGzip(bytes)) {
    throw new DataError(
      "bad-magic",
      `${source}: is gzipped; expected plain IDX. Unpack it with unpackIdx first.`,
    );
  }
  const header = readHeader(bytes, source);
  if (header === undefined) {
    throw new DataError("truncated", `${source}: ends within the IDX header, after ${bytes.length} bytes.`);
  }
  if (bytes.length !== header.totalBytes) {
    const short = bytes.length < header.totalBytes;
    throw new DataError(
      short ? "truncated" : "trailing-bytes",
      `${source}: has ${bytes.length} bytes; expected ${header.totalBytes} for dimensions ${header.dims.join(" x ")}. Get the file again.`,
    );
  }
  return header;
}

/** A view that is a Uint8Array even on a Node Buffer, whose `slice` would not copy. */
function elementsOf(bytes: Uint8Array, headerBytes: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + headerBytes, bytes.length - headerBytes);
}

/** The header at the start of `head`, or undefined if `head` is too short to hold it. Throws DataError. */
export function readHeader(
  head: Uint8Array,
  source: string,
  maxBytes = MAX_IDX_BYTES,
): IdxHeader | undefined {
  if (head.length < MAGIC_BYTES) return undefined;
  const [zero0, zero1, type, rank] = head as unknown as [number, number, number, number];
  if (zero0 !== 0 || zero1 !== 0 || type !== TYPE_U8 || (rank !== 1 && rank !== 3 && rank !== MAX_DIMS)) {
    throw new DataError("bad-magic", `${source}: ${describeMagic(head)}`);
  }
  if (head.length < MAGIC_BYTES + 4 * rank) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(MAGIC_BYTES + 4 * i));
  return checkDims(dims, source, maxBytes);
}

function checkDims(dims: readonly number[], source: string, maxBytes = MAX_IDX_BYTES): IdxHeader {
  const [, ...imageDims] = dims;
  const limits = [MAX_SIDE, MAX_SIDE, MAX_CHANNELS];
  if (dims.some((dim) => dim < 1) || imageDims.some((dim, i) => dim > limits[i]!)) {
    throw new DataError(
      "bad-dimensions",
      `${source}: dimensions ${dims.join(" x ")}; expected each at least 1, sides up to ${MAX_SIDE} and channels up to ${MAX_CHANNELS}.`,
    );
  }
  if (dims.length === 1 && dims[0]! > MAX_LABELS)
    throw new DataError("too-large", `${source}: has ${dims[0]} labels; expected at most ${MAX_LABELS}.`);
  const headerBytes = MAGIC_BYTES + 4 * dims.length;
  // At most 2^32 * 2^14 * 2^14 * 2^10 = 2^70: inexact above 2^53, yet far over the limit there, so never misjudged.
  const totalBytes = dims.reduce((product, dim) => product * dim, 1) + headerBytes;
  if (totalBytes > maxBytes) {
    throw new DataError(
      "too-large",
      `${source}: dimensions ${dims.join(" x ")} need ${totalBytes} bytes; the limit is ${maxBytes}.`,
    );
  }
  return { dims, headerBytes, totalBytes };
}

function describeMagic(head: Uint8Array): string {
  const hex = Array.from(head.subarray(0, MAGIC_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
  const expected = "expected 00 00 08 and 01 (labels), 03 or 04 (images)";
  const typeName = head[0] === 0 && head[1] === 0 ? TYPE_NAMES[head[2]!] : undefined;
  if (typeName !== undefined && head[2] !== TYPE_U8) {
    return `IDX of ${typeName} (${hex}); ${expected}. Convert the elements to unsigned bytes.`;
  }
  if (head[0] === 0x3c)
    return `starts with "<" (${hex}), so this may be a web page; ${expected}. Get the file again.`;
  return `not an IDX file of unsigned bytes: starts with ${hex}; ${expected}.`;
}
