import { beforeAll, describe } from "vitest";
import { BACKENDS, type Backend, Engine } from "../../src/engine/engine.ts";
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

const ARENA_BYTES = 48 * 2 ** 20;
/** NaNs with a payload: an output that was not written, and the guards around every tensor. */
const POISON = 0x7fc0beef;
const CANARY = 0x7fc0dead;

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

/**
 * Runs single kernels on tensors with NaN behind and in front of them. After each run it throws if a byte outside of
 * the tensors was written, or an input changed.
 */
export class KernelBench {
  readonly backend: Backend;
  readonly #engine: Engine;
  readonly #start: number;
  #top = 0;
  #tensors: Tensor[] = [];

  private constructor(backend: Backend, engine: Engine, start: number) {
    this.backend = backend;
    this.#engine = engine;
    this.#start = start;
    this.reset();
  }

  static async create(backend: Backend): Promise<KernelBench> {
    const engine = await Engine.create({ backend });
    return new KernelBench(backend, engine, engine.allocate(ARENA_BYTES));
  }

  /** Forgets all tensors; their memory is used again. */
  reset(): void {
    this.#top = this.#start;
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

  read(tensor: Tensor): Float32Array {
    return this.#engine.f32(tensor.pointer, tensor.length).slice();
  }

  readInts(tensor: Tensor): Int32Array {
    return this.#engine.i32(tensor.pointer, tensor.length).slice();
  }

  readBytes(tensor: Tensor): Uint8Array {
    return this.#engine.u8(tensor.pointer, tensor.length * tensor.width).slice();
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
    const view = this.#engine.view();
    writeStruct(view, struct.pointer, kernel, Object.fromEntries(numbers) as KernelArgs<K>);
    writeCall(view, record.pointer, kernel, struct.pointer, tasks);
    this.#engine.run({ records: record.pointer, calls: 1, scratch: scratch.pointer });
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
    if (this.#top + ALIGNMENT > this.#start + ARENA_BYTES) throw new Error("bench: out of memory, call reset()");
    const guards = this.#engine.i32(pointer - ALIGNMENT, (this.#top - pointer + 2 * ALIGNMENT) / 4);
    guards.fill(CANARY);
    this.#engine.u8(pointer, bytes.length).set(bytes);
    const tensor = { pointer, length: bytes.length / width, width, ...(constant && { constant: bytes }) };
    this.#tensors.push(tensor);
    return tensor;
  }

  #inspect({ pointer, length, width, constant }: Tensor, kernel: string, name: string): void {
    const bytes = length * width;
    const first = pointer - ALIGNMENT;
    const memory = this.#engine.u8(first, align(bytes) + 2 * ALIGNMENT);
    const canary = new Uint8Array(Uint32Array.of(CANARY).buffer);
    for (let i = 0; i < memory.length; i++) {
      const at = i - ALIGNMENT;
      if (at >= 0 && at < bytes) continue;
      if (memory[i] !== canary[i % 4])
        throw new Error(
          `${kernel} (${this.backend}) wrote outside of ${name}: byte ${at} of ${bytes} is ${memory[i]}`,
        );
    }
    const changed = constant?.findIndex((byte, i) => memory[ALIGNMENT + i] !== byte) ?? -1;
    if (changed >= 0)
      throw new Error(`${kernel} (${this.backend}) changed its input ${name} at byte ${changed}`);
  }
}

/** One suite for every build of the kernels. `bench()` is an empty bench; call it inside of tests. */
export function describeBuilds(
  name: string,
  suite: (bench: () => KernelBench, backend: Backend) => void,
  builds: readonly Backend[] = BACKENDS,
): void {
  describe.each(builds)(`${name} (%s)`, (backend) => {
    let shared: KernelBench;
    beforeAll(async () => {
      shared = await KernelBench.create(backend);
    });
    suite(() => {
      shared.reset();
      return shared;
    }, backend);
  });
}

/** Number of tasks for n units of work. */
export function tasksOf(n: number, grain: number): number {
  return Math.ceil(n / grain);
}
