import { yieldToEventLoop } from "#platform";
import type { Shape } from "../compiler/graph.ts";
import { isBytes, listed, type Pixels, type Samples } from "../train/samples.ts";
import type { ArrayName, Handle, SamplesFrame } from "./protocol.ts";
import type { WorkerClient } from "./worker-client.ts";

/** Bytes copied at a time, a millisecond or two: a whole dataset at once would freeze the page. */
const PIECE_BYTES = 2 << 20;
const ARRAYS: readonly ArrayName[] = ["images", "labels", "targets"];

let handles = 0;

/** What of a Samples object was sent: sent anew where it has another array since. */
interface Sent {
  readonly arrays: readonly unknown[];
  readonly handle: Promise<Handle>;
}

interface Entry {
  readonly name: ArrayName;
  /** In a list. */
  readonly at: number | undefined;
  readonly array: Pixels;
}

/** The arrays that samples have, which are inOrder(). */
function entriesOf(samples: Samples): Entry[] {
  return ARRAYS.flatMap((name) => {
    const own = samples[name] as Pixels | undefined | readonly (Pixels | undefined)[];
    return listed(own).flatMap((array, i) =>
      array ? [{ name, at: Array.isArray(own) ? i : undefined, array }] : [],
    );
  });
}

/** Sends samples to a worker, each Samples object once, and frees them there when the page lets go of it. */
export class SampleSender {
  readonly #client: WorkerClient;
  readonly #sent = new WeakMap<Samples, Sent>();
  readonly #forgotten: FinalizationRegistry<Handle>;

  constructor(client: WorkerClient) {
    this.#client = client;
    this.#forgotten = new FinalizationRegistry((handle) => client.note({ note: "free", handle }));
  }

  send(samples: Samples): Promise<Handle> {
    const entries = entriesOf(samples);
    const arrays = entries.map(({ array }) => array);
    const sent = this.#sent.get(samples);
    if (sent?.arrays.length === arrays.length && sent.arrays.every((array, i) => array === arrays[i]))
      return sent.handle;
    const handle = this.#copy(samples, entries);
    this.#sent.set(samples, { arrays, handle });
    handle.catch(() => this.#sent.delete(samples));
    return handle;
  }

  async #copy(samples: Samples, entries: readonly Entry[]): Promise<Handle> {
    const handle = ++handles;
    const arrays = entries.map(({ name, at, array }) => ({
      name,
      at,
      bytes: isBytes(array),
      length: array.length,
    }));
    const { count } = samples;
    // A framework may have wrapped the shape to see it change: no worker takes that.
    const sizes = samples.shape as readonly (number | Shape)[];
    const shape = sizes.map((size) => (Array.isArray(size) ? [...size] : size)) as number[];
    await this.#client.call("allocate", { handle, count, shape, arrays } satisfies SamplesFrame);
    this.#forgotten.register(samples, handle);
    for (const [number, { array }] of entries.entries()) {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
        // A copy that is handed over: the page keeps its own.
        const data = bytes.slice(offset, offset + PIECE_BYTES);
        this.#client.note({ note: "piece", handle, array: number, offset, data }, [data.buffer]);
        await yieldToEventLoop();
      }
    }
    return handle;
  }
}
