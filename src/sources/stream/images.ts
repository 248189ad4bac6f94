import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { DataError } from "../../data/errors.ts";
import type { StreamedImageSet } from "../../data/streamed.ts";
import type { ImageSet } from "../../data/types.ts";
import type { Job } from "./job.ts";
import { ReadingThreads } from "./threads.ts";

/** What images of files are. */
export interface OfFiles {
  /** What messages call them. */
  readonly name: string;
  readonly labels: Uint8Array;
  readonly shape: ImageSet["shape"];
  readonly mark: string;
  /** Threads to read with. */
  readonly threads: number;
  job(indices: Uint32Array): Job;
}

/** Images that lie in files. */
export class StreamedImages implements StreamedImageSet {
  readonly count: number;
  readonly labels: Uint8Array;
  readonly shape: ImageSet["shape"];
  readonly mark: string;
  readonly pixels = "bytes";
  readonly shared = true;
  readonly #of: OfFiles;
  readonly #threads: ReadingThreads;

  constructor(of: OfFiles) {
    const { labels, shape, mark } = of;
    this.#of = of;
    this.#threads = new ReadingThreads(of.threads);
    this.count = labels.length;
    this.labels = labels;
    this.shape = shape;
    this.mark = mark;
  }

  /** What it was made of. */
  get of(): OfFiles {
    return this.#of;
  }

  get images(): never {
    throw new DataError(
      "unsupported",
      `${this.#of.name}: its images are streamed, and do not lie in memory. Read some: await set.read(Uint32Array.of(0, 1), into)`,
    );
  }

  // Fields, so that { ...set, weights } is a source as well.
  readonly read = async (indices: Uint32Array, into: Uint8Array): Promise<void> => {
    const [height, width, channels] = this.shape;
    const size = height * width * channels;
    const wrong = indices.find((index) => index >= this.count);
    if (wrong !== undefined)
      throw new RangeError(`read: got index ${wrong}, expected those of ${this.count} images, from 0`);
    if (into.length !== indices.length * size)
      throw new RangeError(
        `read: got an array of ${into.length} bytes, expected ${indices.length * size}, ${size} for each image`,
      );
    // A part for each thread.
    const each = Math.ceil(indices.length / this.#threads.size);
    const parts = [];
    for (let first = 0; first < indices.length; first += each) {
      const part = indices.subarray(first, first + each);
      parts.push(
        this.#threads.run(this.#of.job(part), into.subarray(first * size, (first + part.length) * size)),
      );
    }
    // All of them: `into` is written to until the last is done.
    const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
    if (failed) throw failed.reason;
  };

  readonly close = (): Promise<void> => this.#threads.close();

  readonly some = (rows: Uint32Array): StreamedImages => {
    const { labels, mark, job } = this.#of;
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    return new StreamedImages({
      ...this.#of,
      labels: Uint8Array.from(rows, (row) => labels[row]!),
      mark: `${mark} ${hash(bytes)}`,
      job: (indices) => job(indices.map((index) => rows[index]!)),
    });
  };
}

export const hash = (bytes: Uint8Array) => bytesToHex(sha256(bytes)).slice(0, 32);
