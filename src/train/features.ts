import { fuse } from "../compiler/fuse.ts";
import { elements, type Graph } from "../compiler/graph.ts";
import { halves } from "../compiler/still.ts";
import { rowsOf } from "../data/rows.ts";
import { DEFAULT_MAX_MEMORY } from "../engine/memory-sizes.ts";
import type { CompiledPlan, PlanKey } from "./compile-plan.ts";
import { listed, type Pixels, type Samples } from "./samples.ts";
import type { Session } from "./session.ts";
import type { Held, ReadBatch } from "./source.ts";

/** Images whose features are computed at once: a power of two. */
const MOST = 64;
/** Plans that are kept of a graph. */
const MOST_PLANS = 16;
/** Of the memory that is free. */
const SHARE = 0.5;

/** Samples as what is trained of a model takes them. */
export interface Featured {
  readonly samples: readonly (Held | undefined)[];
  /** Weights of frozen layers may have changed: computes anew. */
  forget(): void;
}

/**
 * For a model whose first layers are frozen: samples that come as what those layers give, which is computed once for each image, as predict()
 * does, and kept as far as memory reaches; what does not fit is computed whenever it is asked for. The rest of the model alone is trained on it, in the
 * session's weights, to the same bits. undefined: nothing is frozen at the beginning, or something random comes before it.
 * @param room bytes for what is kept. Default: half of the memory that is free, and no more than maxMemory leaves; below 0 the whole model is trained at every step
 */
export function featured(
  session: Session,
  all: readonly (Held | undefined)[],
  room = roomFor(session),
): Featured | undefined {
  const parts = session.options.fuse === false || room < 0 ? undefined : halves(session.layers);
  if (!parts) return undefined;
  const still = plans(session, fuse(parts.still, false));
  const [training, asked] = [fuse(parts.rest), fuse(parts.rest, false)].map((graph) => plans(session, graph));
  const plan = (key: PlanKey) => (key.mode === "train" ? training! : asked!)(key);
  const sizes = parts.rest.inputs.map(({ shape }) => elements(shape));
  let left = Math.floor(room / (4 * sizes.reduce((sum, size) => sum + size, 0)));
  const stores = new Map<unknown, Store>();
  const samples = all.map((held) => {
    if (!held) return undefined;
    // In pages, what is trained on and what it is validated with may be rows of the same images.
    const key = held.batch ? held : held.images;
    let store = stores.get(key);
    if (!store) {
      const capacity = held.varies ? 0 : Math.min(held.count, left);
      left -= capacity;
      store = new Store(session, held, still, sizes, capacity);
      stores.set(key, store);
    }
    const own = store;
    return {
      ...held,
      batch(this: Held, indices: Uint32Array) {
        return own.batch(this, indices, plan);
      },
      async release() {
        own.forget();
        await held.release?.();
      },
    };
  });
  return {
    samples,
    forget() {
      for (const store of stores.values()) store.forget();
    },
  };
}

/** Bytes of memory that may be taken, where that is told: not in every browser, nor in Node before 20.16. */
function freeMemory(): number {
  const { process, navigator } = globalThis as {
    process?: Partial<NodeJS.Process>;
    navigator?: { deviceMemory?: number };
  };
  // All of the machine's, in GiB, up to 8: other programs have some of it.
  if (navigator?.deviceMemory) return navigator.deviceMemory * 2 ** 29;
  const os = process?.getBuiltinModule?.("node:os");
  if (!os) return Number.POSITIVE_INFINITY;
  // As far as a container lets the process have it. macOS calls little of its memory free: files fill the rest.
  return process!.platform === "darwin" ? os.totalmem() / 2 : (process!.availableMemory?.() ?? os.freemem());
}

function roomFor({ engine, options: { maxMemory = DEFAULT_MAX_MEMORY } }: Session): number {
  return Math.max(0, Math.min(SHARE * freeMemory(), maxMemory - engine.bytes));
}

/** Plans of a graph, made on first use. */
function plans(session: Session, graph: Graph): (key: PlanKey) => CompiledPlan {
  const made = new Map<string, CompiledPlan>();
  return (key) => {
    const text = JSON.stringify(key);
    let plan = made.get(text);
    if (!plan) {
      plan = session.compile(graph, key);
      if (made.size >= MOST_PLANS) made.delete(made.keys().next().value!);
      made.set(text, plan);
    }
    return plan;
  };
}

/** What frozen layers give for each of some samples: those of the first `capacity` are kept. */
class Store {
  #capacity: number;
  readonly #session: Session;
  readonly #held: Held;
  readonly #still: (key: PlanKey) => CompiledPlan;
  readonly #sizes: readonly number[];
  #features: readonly Float32Array[] | undefined;
  /** By sample 1 where it is kept. */
  #known = new Uint8Array();

  constructor(
    session: Session,
    held: Held,
    still: (key: PlanKey) => CompiledPlan,
    sizes: readonly number[],
    capacity: number,
  ) {
    this.#session = session;
    this.#held = held;
    this.#still = still;
    this.#sizes = sizes;
    this.#capacity = capacity;
  }

  forget(): void {
    this.#features = undefined;
  }

  /** `given`: the samples, with the weights that they have by now. */
  batch(given: Held, indices: Uint32Array, plan: Held["plan"]): ReadBatch | Promise<ReadBatch> {
    const features = this.#kept();
    const missing = indices.filter((i) => !this.#known[i]);
    if (missing.length > 0 || features[0]!.length < given.count * this.#sizes[0]!)
      return this.#computed(given, indices, missing, features, plan);
    // Nothing is copied here.
    const { count, shape, labels, targets, weights } = given;
    return [{ images: features, shape, count, labels, targets, weights, plan } as Samples, indices];
  }

  #kept(): readonly Float32Array[] {
    if (this.#features) return this.#features;
    try {
      this.#features = this.#sizes.map((size) => new Float32Array(this.#capacity * size));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      // There is less memory than it was thought.
      this.#capacity = 0;
      this.#features = this.#sizes.map(() => new Float32Array());
    }
    this.#known = new Uint8Array(this.#capacity);
    return this.#features;
  }

  async #computed(
    given: Held,
    indices: Uint32Array,
    missing: Uint32Array,
    features: readonly Float32Array[],
    plan: Held["plan"],
  ): Promise<ReadBatch> {
    const sizes = this.#sizes;
    // What lies behind the numbers of a whole batch is read ahead.
    const wanted = missing.length === indices.length ? indices : missing;
    const [images, rows] =
      (wanted.length > 0 ? await this.#held.batch?.(wanted) : undefined) ?? ([this.#held, wanted] as const);
    const batch = sizes.map((size) => new Float32Array(indices.length * size));
    const places = new Map(Array.from(indices, (index, i) => [index, i]));
    let at = 0;
    while (at < wanted.length) {
      // Powers of two, so that few plans do for any number.
      const n = Math.min(MOST, 2 ** Math.floor(Math.log2(wanted.length - at)));
      const first = at;
      this.#compute(images, rows.subarray(first, first + n), (row, numbers, value) => {
        const index = wanted[first + row]!;
        const size = sizes[value]!;
        batch[value]!.set(numbers, places.get(index)! * size);
        if (index < this.#capacity) features[value]!.set(numbers, index * size);
      });
      at += n;
    }
    for (const index of wanted) {
      places.delete(index);
      if (index < this.#capacity) this.#known[index] = 1;
    }
    for (const [value, size] of sizes.entries())
      for (const [index, i] of places)
        batch[value]!.set(features[value]!.subarray(index * size, (index + 1) * size), i * size);
    const own = <T extends Pixels | undefined>(arrays: unknown) =>
      listed(arrays as T).map((array) => array && rowsOf(array, indices, array.length / given.count));
    const { shape, labels, targets, weights } = given;
    const some = {
      images: batch,
      shape,
      count: indices.length,
      labels: own<Uint8Array>(labels),
      targets: own<Float32Array>(targets),
      weights: own<Float32Array>(weights),
      plan,
    };
    return [some as Samples, Uint32Array.from(indices.keys())];
  }

  #compute(
    samples: Samples,
    rows: Uint32Array,
    take: (row: number, numbers: Float32Array, value: number) => void,
  ): void {
    const compiled = this.#session.load("predict", { ...samples, plan: this.#still } as Held, rows);
    compiled.plan.run();
    for (const [value, size] of this.#sizes.entries()) {
      const numbers = this.#session.engine.f32(compiled.outputs[value]!, rows.length * size);
      for (let row = 0; row < rows.length; row++)
        take(row, numbers.subarray(row * size, (row + 1) * size), value);
    }
  }
}
