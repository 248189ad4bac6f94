import { beforeAll, describe } from "vitest";
import { enableBackend, loadWasmBytes } from "#platform";
import { BACKENDS, type Backend } from "../../src/engine/engine.ts";
import {
  ALIGNMENT,
  align,
  CALL_BYTES,
  type KernelArgs,
  type KernelName,
  structBytes,
  writeCall,
  writeStruct,
} from "../../src/engine/memory.ts";

const PAGE_BYTES = 65536;
const PAGES = 512;
/** NaN: an output that was not written. */
const POISON = 0x7fc0beef;
/** Signalling NaN, the guards around every tensor: even adding 0 to it leaves a trace. */
const CANARY = 0x7fa0dead;
const CANARY_BYTES = new Uint8Array(Uint32Array.of(CANARY).buffer);

/** A tensor of 4-byte values, or of bytes, between two guards in linear memory. */
export interface Tensor {
  readonly pointer: number;
  readonly length: number;
  /** Bytes of one value. */
  readonly width: 1 | 4;
  /** What the values must still be after a run: set for inputs. */
  readonly constant?: Uint8Array;
}

type BenchArgs<K extends KernelName> = { readonly [F in keyof KernelArgs<K>]: number | Tensor };

interface Exports {
  heapBase(): number;
  run(program: number, first: number, last: number, scratch: number): void;
}

/**
 * Runs single kernels of a build, on one thread and a memory of its own, on tensors with NaN behind and in front of
 * them. After each run it throws if a byte outside of the tensors was written, or an input changed.
 */
export class KernelBench {
  readonly backend: Backend;
  readonly #buffer: ArrayBuffer; // a SharedArrayBuffer, which the types of views do not all admit
  readonly #exports: Exports;
  #top = 0;
  #tensors: Tensor[] = [];

  private constructor(backend: Backend, memory: WebAssembly.Memory, exports: Exports) {
    this.backend = backend;
    this.#buffer = memory.buffer;
    this.#exports = exports;
    this.reset();
  }

  /** `all`: of the build that has the kernels of assembly/further/, too. */
  static async create(backend: Backend, all = false): Promise<KernelBench> {
    if (backend === "relaxed") enableBackend(backend);
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    const { instance } = await WebAssembly.instantiate(
      await loadWasmBytes(all ? `${backend}-all` : backend),
      { env: { memory } },
    );
    return new KernelBench(backend, memory, instance.exports as unknown as Exports);
  }

  /** Forgets all tensors; their memory is used again. */
  reset(): void {
    this.#top = align(this.#exports.heapBase());
    this.#tensors = [];
  }

  /** f32 values that no kernel may change. */
  input(values: ArrayLike<number>): Tensor {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    return this.#place(bytes, 4, true);
  }

  /** f32 values that a kernel updates. */
  variable(values: ArrayLike<number>): Tensor {
    return this.#place(new Uint8Array(Float32Array.from(values).buffer), 4, false);
  }

  /** Values that a kernel must write, every one: NaN before (as i32 a large number). */
  output(length: number): Tensor {
    return this.#place(new Uint8Array(new Int32Array(length).fill(POISON).buffer), 4, false);
  }

  /** Bytes that no kernel may change. */
  bytes(values: ArrayLike<number>): Tensor {
    return this.#place(Uint8Array.from(values), 1, true);
  }

  /** Raw bytes that a kernel may change: structs, counters. */
  block(values: Uint8Array): Tensor {
    return this.#place(values, 1, false);
  }

  /** New values for a variable or block. */
  write(tensor: Tensor, values: ArrayLike<number>): void {
    const view = tensor.width === 4 ? Float32Array : Uint8Array;
    new view(this.#buffer, tensor.pointer, tensor.length).set(values);
  }

  read(tensor: Tensor): Float32Array {
    return new Float32Array(this.#buffer, tensor.pointer, tensor.length).slice();
  }

  readInts(tensor: Tensor): Int32Array {
    return new Int32Array(this.#buffer, tensor.pointer, tensor.length).slice();
  }

  readBytes(tensor: Tensor): Uint8Array {
    return new Uint8Array(this.#buffer, tensor.pointer, tensor.length * tensor.width).slice();
  }

  /** Runs a kernel with exactly `scratchBytes` of scratch. */
  run<K extends KernelName>(kernel: K, args: BenchArgs<K>, tasks: number, scratchBytes = 0): void {
    const top = this.#top;
    const struct = this.block(new Uint8Array(structBytes(kernel)));
    const record = this.block(new Uint8Array(CALL_BYTES));
    const scratch = this.output(scratchBytes / 4);
    const entries = Object.entries<number | Tensor>(args);
    const numbers = entries.map(([field, value]) => [
      field,
      typeof value === "number" ? value : value.pointer,
    ]);
    const view = new DataView(this.#buffer);
    writeStruct(view, struct.pointer, kernel, Object.fromEntries(numbers) as KernelArgs<K>);
    writeCall(view, record.pointer, kernel, struct.pointer, tasks);
    this.#exports.run(record.pointer, 0, 1, scratch.pointer);
    const names = new Map(
      entries.flatMap(([field, value]) => (typeof value === "number" ? [] : [[value, field]])),
    );
    for (const tensor of this.#tensors) this.#inspect(tensor, kernel, names.get(tensor) ?? "scratch");
    this.#tensors.length -= 3;
    this.#top = top;
  }

  #place(bytes: Uint8Array, width: 1 | 4, constant: boolean): Tensor {
    const pointer = this.#top + ALIGNMENT;
    this.#top = pointer + align(bytes.length);
    if (this.#top + ALIGNMENT > PAGES * PAGE_BYTES) throw new Error("bench: out of memory, call reset()");
    const guarded = (this.#top - pointer + 2 * ALIGNMENT) / 4;
    new Int32Array(this.#buffer, pointer - ALIGNMENT, guarded).fill(CANARY);
    new Uint8Array(this.#buffer, pointer, bytes.length).set(bytes);
    const tensor = { pointer, length: bytes.length / width, width, ...(constant && { constant: bytes }) };
    this.#tensors.push(tensor);
    return tensor;
  }

  #inspect({ pointer, length, width, constant }: Tensor, kernel: string, name: string): void {
    const bytes = length * width;
    const size = align(bytes) + 2 * ALIGNMENT;
    const memory = new Uint8Array(this.#buffer, pointer - ALIGNMENT, size);
    for (let i = 0; i < size; i++) {
      if (i === ALIGNMENT) i += bytes;
      if (memory[i] !== CANARY_BYTES[i % 4])
        throw new Error(
          `${kernel} (${this.backend}) wrote outside of ${name}: byte ${i - ALIGNMENT} of ${bytes} is ${memory[i]}`,
        );
    }
    const changed = constant?.findIndex((byte, i) => memory[ALIGNMENT + i] !== byte) ?? -1;
    if (changed >= 0)
      throw new Error(`${kernel} (${this.backend}) changed its input ${name} at byte ${changed}`);
  }
}

/** The relaxed build is the simd one but for how it multiplies and adds, the wide one but for its pairs of vectors: npm run test:all has them, too. */
const QUICK: readonly Backend[] =
  process.env.WASMGRAD_TESTS === "all" ? [...BACKENDS, "wide"] : ["scalar", "simd"];

/** One suite for every build of the kernels. `bench()` is an empty bench; call it inside of tests. `all`: as KernelBench.create(). */
export function describeBuilds(
  name: string,
  suite: (bench: () => KernelBench, backend: Backend) => void,
  builds: readonly Backend[] = QUICK,
  all = false,
): void {
  describe.each(builds)(`${name} (%s)`, (backend) => {
    let shared: KernelBench;
    beforeAll(async () => {
      shared = await KernelBench.create(backend, all);
    });
    suite(() => {
      shared.reset();
      return shared;
    }, backend);
  });
}

/** The same for the builds that have the kernels of assembly/further/, too. */
export function describeAll(name: string, suite: (bench: () => KernelBench, backend: Backend) => void): void {
  describeBuilds(name, suite, QUICK, true);
}

/** Number of tasks for n units of work. */
export function tasksOf(n: number, grain: number): number {
  return Math.ceil(n / grain);
}
