import { elements } from "../compiler/graph.ts";
import { rowsOf } from "../data/rows.ts";
import { counted } from "../options/counted.ts";
import { show } from "../options/show.ts";
import { checked, type SamplesTaker } from "./check-samples.ts";
import { NonFiniteError } from "./errors.ts";
import { listed, type Pixels, type Port, type Samples, SamplesError, type SampleWeights } from "./samples.ts";
import { type Held, isSource, type ReadBatch, type SampleSource } from "./source.ts";
import { trainWords } from "./words.ts";

/** Batches that are read before their turn. */
const AHEAD = 2;

/** How many read from a source: the last one closes it. */
const READERS = new WeakMap<SampleSource, number>();

interface Model {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/**
 * Samples that fit the model, as lists, those of a source to be read batch by batch. Throws SamplesError, which names `taker`, where they
 * do not fit.
 */
export function held(
  given: Samples | SampleSource,
  model: Model,
  taker: SamplesTaker,
  sampleWeight?: SampleWeights | readonly number[] | undefined,
): Held {
  if (!isSource(given)) return checked(given, model, taker, sampleWeight);
  const { count, shape, labels, targets, weights, pixels = "bytes", mark, varies } = given;
  const error = (problem: string) => new SamplesError(`${taker}: the source's ${problem}`);
  if (!Number.isSafeInteger(count) || count < 1 || count > 2 ** 32 - 1)
    throw error(`count is ${show(count)}, expected how many samples it has`);
  if (pixels !== "bytes" && pixels !== "floats")
    throw error(`pixels is ${show(pixels)}, expected "bytes", which are scaled, or "floats"`);
  if (varies !== undefined && typeof varies !== "boolean")
    throw error(`varies is ${show(varies)}, expected true or false`);
  const none = pixels === "bytes" ? new Uint8Array() : new Float32Array();
  const bare: Samples = {
    images: model.inputs.length === 1 ? none : model.inputs.map(() => none),
    shape,
    count,
    ...(labels && { labels }),
    ...(targets && { targets }),
    ...(weights && { weights }),
  };
  const samples = checked(bare, model, taker, sampleWeight, true);
  const sizes = model.inputs.map((input) => elements(input.shape));
  const reader = new Reader(given, sizes, pixels);
  return {
    ...samples,
    mark: mark ?? `a source of ${counted(count, "sample")}`,
    varies,
    // Weights may have come to it since.
    batch(this: Held, indices) {
      return reader.batch(this, indices);
    },
    explained: (error) => reader.explained(error),
    unread: () => reader.unread,
    release: () => reader.release(),
  };
}

/** Memory for the numbers of a batch, by input. */
type Slot = (Uint8Array | Float32Array)[];

/** A batch that is read, or being read. */
interface Reading {
  readonly indices: Uint32Array;
  readonly slot: Slot;
  readonly images: Slot;
  readonly done: Promise<void>;
}

/** Reads the batches of an order, some ahead. */
class Reader {
  readonly #source: SampleSource;
  readonly #sizes: readonly number[];
  readonly #pixels: "bytes" | "floats";
  /** In their order: the next one first. */
  #queue: Reading[] = [];
  #free: Slot[] = [];
  /** What the batch under way lies in. */
  #taken: Reading | undefined;
  #open = false;
  unread = false;

  constructor(source: SampleSource, sizes: readonly number[], pixels: "bytes" | "floats") {
    this.#source = source;
    this.#sizes = sizes;
    this.#pixels = pixels;
  }

  async batch(samples: Samples, indices: Uint32Array): Promise<ReadBatch> {
    if (this.#taken) this.#free.push(this.#taken.slot);
    this.#taken = undefined;
    if (this.#queue[0] && !same(this.#queue[0].indices, indices)) await this.#drop();
    if (this.#queue.length === 0) this.#begin(indices);
    while (this.#queue.length <= AHEAD) {
      const next = following(this.#queue.at(-1)!.indices, indices.length);
      if (!next) break;
      this.#begin(next);
    }
    const reading = this.#queue.shift()!;
    try {
      await reading.done;
    } catch (error) {
      this.unread = true;
      await this.#drop();
      this.#free.push(reading.slot);
      throw error;
    }
    this.#taken = reading;
    const { shape, labels, targets, weights } = samples;
    const count = indices.length;
    const rows = <T extends Pixels | undefined>(arrays: unknown) =>
      listed(arrays as T).map((array) => array && rowsOf(array, indices, array.length / samples.count));
    const batch = {
      images: reading.images,
      shape,
      count,
      labels: rows<Uint8Array>(labels),
      targets: rows<Float32Array>(targets),
      weights: rows<Float32Array>(weights),
    } as Samples;
    return [batch, Uint32Array.from(indices.keys())];
  }

  explained(error: unknown): unknown {
    if (!(error instanceof NonFiniteError && error.code === "range" && this.#taken)) return error;
    const { images, indices } = this.#taken;
    for (const [i, numbers] of images.entries()) {
      const at = numbers.findIndex((value) => !Number.isFinite(value));
      if (at < 0) continue;
      const size = this.#sizes[i]!;
      const sample = indices[Math.floor(at / size)]!;
      const which = images.length > 1 ? ([i] as const) : [];
      const reason = trainWords.numberNotFinite("input", at % size, sample, String(numbers[at]), ...which);
      return new NonFiniteError("inputs", error.message.replace(/(is not finite: ).*/s, `$1${reason}`));
    }
    return error;
  }

  async release(): Promise<void> {
    await this.#drop();
    this.#free = [];
    this.#taken = undefined;
    if (!this.#open) return;
    this.#open = false;
    const others = READERS.get(this.#source)! - 1;
    READERS.set(this.#source, others);
    if (others === 0) await this.#source.close?.();
  }

  #begin(indices: Uint32Array): void {
    if (!this.#open) READERS.set(this.#source, (READERS.get(this.#source) ?? 0) + 1);
    this.#open = true;
    const slot = this.#free.pop() ?? [];
    const images = this.#sizes.map((size, i) => {
      const length = indices.length * size;
      if (!(slot[i] && slot[i].length >= length)) slot[i] = this.#memory(length);
      return slot[i].subarray(0, length);
    });
    const read = async () => this.#source.read(indices, images.length === 1 ? images[0]! : images);
    const done = read();
    // It is told when its turn comes.
    done.catch(() => {});
    this.#queue.push({ indices, slot, images, done });
  }

  /** Of batches that are not asked for: their memory is still written to until they are done. */
  async #drop(): Promise<void> {
    const dropped = this.#queue;
    this.#queue = [];
    await Promise.allSettled(dropped.map(({ done }) => done));
    this.#free.push(...dropped.map(({ slot }) => slot));
  }

  #memory(length: number): Uint8Array | Float32Array {
    const bytes = this.#pixels === "bytes" ? length : 4 * length;
    const buffer = this.#source.shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    return this.#pixels === "bytes" ? new Uint8Array(buffer) : new Float32Array(buffer);
  }
}

const same = (a: Uint32Array, b: Uint32Array) =>
  a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length;

/** The numbers behind some in their buffer, at most so many. */
function following({ buffer, byteOffset, byteLength }: Uint32Array, most: number): Uint32Array | undefined {
  const at = byteOffset + byteLength;
  const length = Math.min(most, (buffer.byteLength - at) / 4);
  return length > 0 ? new Uint32Array(buffer, at, length) : undefined;
}
