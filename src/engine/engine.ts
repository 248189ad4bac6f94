import { ADDRESS_ADVICE, noteOneThread, threadsAvailable } from "#platform";
import { CONTROL } from "./abi.ts";
import { refused, requireThreadRoom, withAddresses } from "./addresses.ts";
import { type Backend, type KernelOptions, loadKernels, requestedThreads } from "./kernels.ts";
import {
  ALIGNMENT,
  align,
  CALL_BYTES,
  type KernelArgs,
  type KernelName,
  structBytes,
  writeCall,
  writeStruct,
} from "./memory.ts";
import { requireMemory } from "./memory-limit.ts";
import { DEFAULT_MAX_MEMORY, MOST_MEMORY } from "./memory-sizes.ts";
import { ThreadPool } from "./threads.ts";
import { engineWords } from "./words.ts";

interface Exports {
  heapBase(): number;
  squareRoot(x: number): number;
  run(program: number, first: number, last: number, scratch: number): void;
  runParallel(
    control: number,
    program: number,
    counters: number,
    first: number,
    last: number,
    scratch: number,
    scratchBytes: number,
  ): number;
}

const PAGE = 65536;
/** Less than these is not asked for: it holds hardly a model, and whoever is refused it has other troubles. */
const LEAST_ADDRESSES = 2 ** 28;

/** A range of linear memory that calls read their records from, and their threads' scratch. */
export interface Program {
  /** Pointer to the call records. */
  readonly records: number;
  readonly calls: number;
  /** Pointer to a Counter for each call: see assembly/parallel.ts. */
  readonly counters: number;
  /** Pointer to the threads' scratch memory, `scratchBytes` for each. */
  readonly scratch: number;
  readonly scratchBytes: number;
}

export interface EngineOptions extends KernelOptions {
  /** Threads that run kernels, this one included. Default: as many as the hardware has. Never changes results. */
  readonly threads?: number | undefined;
  /** Bytes that linear memory may grow to. Default DEFAULT_MAX_MEMORY. */
  readonly maxMemory?: number | undefined;
}

/**
 * One instance of the kernels and the linear memory it works on. Memory is laid out as
 * [static data | persistent tensors, by allocate() | arena, by reserveArena()]: the arena comes last so that
 * it can grow, and is shared by all plans, of which one runs at a time.
 */
export class Engine {
  readonly backend: Backend;
  readonly memory: WebAssembly.Memory;
  /** Threads that run kernels, this one included. */
  readonly threads: number;
  readonly #exports: Exports;
  readonly #pool: ThreadPool | undefined;
  readonly #maxMemory: number;
  /** Bytes that the system gave addresses for: maxMemory, or less. */
  readonly #addresses: number;
  #top: number;
  #arena: { pointer: number; bytes: number } | undefined;
  /** Token of whoever last filled the arena: a plan rewrites its program when it is not the owner. */
  arenaOwner: unknown;

  private constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    exports: Exports,
    backend: Backend,
    threads: number,
    maxMemory: number,
    addresses: number,
  ) {
    this.backend = backend;
    this.memory = memory;
    this.threads = threads;
    this.#maxMemory = maxMemory;
    this.#addresses = addresses;
    this.#exports = exports;
    this.#top = align(exports.heapBase());
    if (threads > 1) this.#pool = new ThreadPool(module, memory, this.allocate(CONTROL.bytes), threads - 1);
  }

  /**
   * Loads a build and starts its threads. Throws RangeError on an unknown build or a bad number of threads,
   * MemoryError where the system refuses memory, Error where the runtime cannot run the build.
   */
  static async create(options: EngineOptions = {}): Promise<Engine> {
    const threads = requestedThreads(options.threads);
    const asked = Math.min(options.maxMemory ?? DEFAULT_MAX_MEMORY, MOST_MEMORY);
    const maxMemory = PAGE * Math.floor(asked / PAGE);
    const { backend, module } = await loadKernels(options);
    const [memory, addresses, instance] = await withAddresses(async () => {
      const [own, bytes] = createMemory(maxMemory);
      return [own, bytes, await WebAssembly.instantiate(module, { env: { memory: own } })] as const;
    });
    const exports = instance.exports as unknown as Exports;
    const alone = threads > 1 && !threadsAvailable();
    if (alone) noteOneThread(threads);
    else requireThreadRoom(threads - 1);
    return new Engine(module, memory, exports, backend, alone ? 1 : threads, maxMemory, addresses);
  }

  /** Of the threads, those that have started, this one included: what a run can count on. */
  get startedThreads(): number {
    return 1 + (this.#pool?.started ?? 0);
  }

  /** Bytes of linear memory in use (what the memory has grown to). */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * Reserves persistent bytes, zeroed, aligned to a cache line. Only before the arena is reserved.
   * Throws MemoryError, and reserves nothing, where that takes more than the engine may have.
   */
  allocate(bytes: number): number {
    if (this.#arena) throw new Error("allocate() after reserveArena(): persistent tensors come first");
    const pointer = this.#top;
    const top = pointer + align(bytes) + ALIGNMENT;
    this.#grow(top, "the model");
    this.#top = top;
    return pointer;
  }

  /**
   * Pointer to the arena, grown to at least `bytes`. Its content belongs to the plan that ran last. Throws MemoryError,
   * which says `what` wanted them, where that takes more than the engine may have.
   */
  reserveArena(bytes: number, what = "a kernel call"): number {
    this.#arena ??= { pointer: this.#top, bytes: 0 };
    if (bytes > this.#arena.bytes) {
      this.#grow(this.#arena.pointer + bytes + ALIGNMENT, what);
      this.#arena.bytes = bytes;
    }
    return this.#arena.pointer;
  }

  /** Views are valid until memory grows: take them afresh, do not keep them. */
  f32(pointer: number, length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, pointer, length);
  }

  u8(pointer: number, length: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#buffer, pointer, length);
  }

  i32(pointer: number, length: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer, pointer, length);
  }

  view(): DataView<SharedArrayBuffer> {
    return new DataView(this.#buffer);
  }

  /** Runs calls `first` to `last - 1` of a program, on all threads. Throws where a thread failed. */
  run(program: Program, first = 0, last = program.calls): void {
    const { records, counters, scratch, scratchBytes } = program;
    if (!this.#pool) {
      this.#exports.run(records, first, last, scratch);
      return;
    }
    const { control } = this.#pool;
    let failed: number;
    try {
      failed = this.#exports.runParallel(control, records, counters, first, last, scratch, scratchBytes);
    } catch (error) {
      throw this.#pool.failure(error as Error);
    }
    if (failed) throw this.#pool.failure();
  }

  /** Ends the threads. The engine can't run any more. */
  dispose(): void {
    this.#pool?.stop();
  }

  /** Square root in wasm, correctly rounded everywhere: JavaScript's Math.sqrt is not bound to be. */
  squareRoot(x: number): number {
    return this.#exports.squareRoot(x);
  }

  /** Runs one kernel at once, from the arena: for tests and benchmarks of single kernels. */
  call<K extends KernelName>(kernel: K, args: KernelArgs<K>, tasks = 1, scratchBytes = 0): void {
    const argsBytes = align(structBytes(kernel));
    const scratchEach = align(scratchBytes);
    const records = this.reserveArena(2 * ALIGNMENT + argsBytes + scratchEach * this.threads);
    this.arenaOwner = undefined;
    const view = this.view();
    const [counters, pointer] = [records + ALIGNMENT, records + 2 * ALIGNMENT];
    writeCall(view, records, kernel, pointer, tasks);
    writeStruct(view, pointer, kernel, args);
    this.run({ records, calls: 1, counters, scratch: pointer + argsBytes, scratchBytes: scratchEach });
  }

  get #buffer(): SharedArrayBuffer {
    return this.memory.buffer as unknown as SharedArrayBuffer;
  }

  #grow(bytes: number, what: string): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    requireMemory(what, bytes, this.#maxMemory, (more) => `compile({ maxMemory: ${more} })`);
    const refuse = (given: string, way: string, cause?: unknown) =>
      refused(what, bytes, this.#maxMemory, given, way, cause);
    if (bytes > this.#addresses)
      throw refuse(engineWords.addressesOnly(this.#addresses), engineWords.moreAddresses(ADDRESS_ADVICE));
    try {
      this.memory.grow(missing);
    } catch (error) {
      throw refuse(engineWords.noMoreThan(this.bytes), engineWords.endOthers(), error);
    }
  }
}

/**
 * Shared memory reserves address space up to its maximum, so that is no more than the engine may have; small devices
 * refuse even that: they are asked for less and less. Returns the memory and the bytes that it has addresses for.
 */
function createMemory(maxMemory: number): [memory: WebAssembly.Memory, addresses: number] {
  const least = Math.min(maxMemory, LEAST_ADDRESSES);
  for (let bytes = maxMemory; ; bytes = Math.max(least, PAGE * Math.floor(bytes / PAGE / 2)))
    try {
      return [new WebAssembly.Memory({ initial: 1, maximum: bytes / PAGE, shared: true }), bytes];
    } catch (error) {
      if (bytes <= least) throw error;
    }
}

export { BACKENDS, type Backend, detectBackend } from "./kernels.ts";
export { CALL_BYTES };
