import { checkOptions } from "../options/check.ts";
import { DataError } from "./errors.ts";
import type { GunzipOptions } from "./load-options.ts";
import { GUNZIP } from "./options.ts";

/** Compressed bytes handed over at a time: deflate grows at most 1032-fold, so about 16 MiB can be in flight. */
const SLICE_BYTES = 16 * 1024;
const TRAILER_BYTES = 8;
/** Bytes that deflate makes of one at the most. */
const MOST_GROWTH = 1032;

/** True if `bytes` starts with the gzip magic (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Inflates one gzip member with the platform's `DecompressionStream` (Node and browsers alike). It takes memory for the
 * output once: where its size is promised, in one piece of that size, which is known to be one that the input can hold.
 *
 * Throws DataError `bad-gzip` (damaged, cut off, or followed by other bytes), `too-large` (above `maxBytes`),
 * `truncated` (more is promised than the input can hold), `trailing-bytes` (above the promised size).
 */
export async function gunzip(bytes: Uint8Array, options: GunzipOptions): Promise<Uint8Array> {
  checkOptions(GUNZIP, options);
  const source = options.source ?? "gzip data";
  const reader = inflating(bytes).getReader();
  const output = new Output(bytes.length, source, options);
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await next(reader, source);
      if (done) break;
      output.add(value);
    }
    finished = true;
  } finally {
    // The stream is being thrown away; whatever it still has to say does not matter.
    if (!finished) reader.cancel().catch(() => {});
  }
  checkTrailer(bytes, output.total, source);
  return output.whole();
}

/** What was unpacked so far. */
class Output {
  readonly #packed: number;
  readonly #source: string;
  readonly #options: GunzipOptions;
  /** Until the size is known. */
  #chunks: Uint8Array[] = [];
  /** Room for the promised size. */
  #room: Uint8Array | undefined;
  total = 0;

  constructor(packed: number, source: string, options: GunzipOptions) {
    this.#packed = packed;
    this.#source = source;
    this.#options = options;
  }

  /** Throws DataError where there is more than there may be. */
  add(chunk: Uint8Array): void {
    const before = this.total;
    this.total += chunk.length;
    if (!this.#room) {
      this.#chunks.push(chunk);
      const promised = this.#options.promisedBytes?.(headOf(this.#chunks));
      if (promised !== undefined) this.#reserve(promised);
    }
    checkSize(this.total, this.#room?.length, this.#options.maxBytes, this.#source);
    if (this.#chunks.length === 0) this.#room?.set(chunk, before);
    else if (this.#room) {
      this.#room.set(concat(this.#chunks, this.total));
      this.#chunks = [];
    }
  }

  #reserve(promised: number): void {
    if (promised > this.#options.maxBytes) throw tooLarge(this.#options.maxBytes, this.#source);
    if (promised > this.#packed * MOST_GROWTH)
      throw new DataError(
        "truncated",
        `${this.#source}: its header promises ${promised} bytes, more than can be packed into ${this.#packed}. Get the file again.`,
      );
    this.#room = new Uint8Array(promised);
  }

  whole(): Uint8Array {
    return this.#room?.subarray(0, this.total) ?? concat(this.#chunks, this.total);
  }
}

/** Joins chunks of `total` bytes in all; a single chunk is returned as it is. */
export function concat(chunks: readonly Uint8Array[], total: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function inflating(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  const compressed = new ReadableStream<BufferSource>({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      // A copy (Buffer's slice would be none), as a stream may take its chunks' buffers over, and these are the caller's.
      controller.enqueue(new Uint8Array(bytes.subarray(at, at + SLICE_BYTES)));
      at += SLICE_BYTES;
    },
  });
  return compressed.pipeThrough(new DecompressionStream("gzip")) as ReadableStream<Uint8Array>;
}

async function next(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  source: string,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (cause) {
    throw new DataError(
      "bad-gzip",
      `${source}: the gzip data is damaged or cut off; expected one whole gzip file. Get the file again.`,
      { cause },
    );
  }
}

/** The first bytes of the output. 64 are more than any header needs; the first chunk nearly always has them. */
function headOf(chunks: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(64);
  let at = 0;
  for (const chunk of chunks) {
    if (at === head.length) break;
    const part = chunk.subarray(0, head.length - at);
    head.set(part, at);
    at += part.length;
  }
  return head.subarray(0, at);
}

function checkSize(total: number, promised: number | undefined, maxBytes: number, source: string): void {
  if (promised !== undefined && total > promised) {
    throw new DataError(
      "trailing-bytes",
      `${source}: holds more than the ${promised} bytes its header promises. Get the file again.`,
    );
  }
  if (total > maxBytes) throw tooLarge(maxBytes, source);
}

function tooLarge(maxBytes: number, source: string): DataError {
  return new DataError(
    "too-large",
    `${source}: unpacks to more than the limit of ${maxBytes} bytes. Where that is meant, unpack the file first (gunzip).`,
  );
}

/**
 * Platforms differ on bytes after the first member (Node skips them, browsers object); the length at the very end
 * (ISIZE, modulo 2^32) tells in all of them, as it is another file's then.
 */
function checkTrailer(bytes: Uint8Array, total: number, source: string): void {
  const at = bytes.length - TRAILER_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = at < 0 ? undefined : view.getUint32(at + 4, true);
  if (size !== total % 2 ** 32) {
    throw new DataError(
      "bad-gzip",
      `${source}: unpacks to ${total} bytes, but its last four bytes say ${size}; expected one gzip member and nothing after it.`,
    );
  }
}
