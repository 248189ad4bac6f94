import { enableRelaxedSimd, loadWasmBytes } from "#platform";
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

/** The builds of the kernels, slowest first. */
export const BACKENDS = ["scalar", "simd", "relaxed"] as const;
export type Backend = (typeof BACKENDS)[number];

interface Exports {
  heapBase(): number;
  squareRoot(x: number): number;
  run(program: number, first: number, last: number, scratch: number): void;
}

const PAGE = 65536;
const modules = new Map<Backend, Promise<WebAssembly.Module>>();

/** Compiles a build once per process. Throws where the runtime lacks what the build needs. */
function compile(backend: Backend): Promise<WebAssembly.Module> {
  let module = modules.get(backend);
  if (!module) {
    module = (async () => {
      if (backend === "relaxed") enableRelaxedSimd();
      const bytes = await loadWasmBytes(backend);
      if (!WebAssembly.validate(bytes))
        throw new Error(
          `backend '${backend}': this runtime cannot run it (it lacks ${backend === "scalar" ? "WebAssembly threads" : `WebAssembly ${backend === "simd" ? "SIMD" : "relaxed SIMD"}`}); use backend 'auto'`,
        );
      return WebAssembly.compile(bytes);
    })();
    modules.set(backend, module);
    module.catch(() => modules.delete(backend));
  }
  return module;
}

/** The fastest reproducible build that this runtime can run: simd, or else scalar. */
export async function detectBackend(): Promise<Backend> {
  return WebAssembly.validate(await loadWasmBytes("simd")) ? "simd" : "scalar";
}

/** A range of linear memory that calls read their records from, and their threads' scratch. */
export interface Program {
  /** Pointer to the call records. */
  readonly records: number;
  readonly calls: number;
  /** Pointer to the threads' scratch memory. */
  readonly scratch: number;
}

/**
 * One instance of the kernels and the linear memory it works on. Memory is laid out as
 * [static data | persistent tensors, by allocate() | arena, by reserveArena()]: the arena comes last so that
 * it can grow, and is shared by all plans, of which one runs at a time.
 */
export class Engine {
  readonly backend: Backend;
  readonly memory: WebAssembly.Memory;
  readonly #exports: Exports;
  #top: number;
  #arena: { pointer: number; bytes: number } | undefined;
  /** Token of whoever last filled the arena: a plan rewrites its program when it is not the owner. */
  arenaOwner: unknown;

  private constructor(backend: Backend, memory: WebAssembly.Memory, exports: Exports) {
    this.backend = backend;
    this.memory = memory;
    this.#exports = exports;
    this.#top = align(exports.heapBase());
  }

  /** Loads a build; "auto" is the fastest reproducible one (simd where the runtime has it, never relaxed). */
  static async create(options: { backend?: Backend | "auto" } = {}): Promise<Engine> {
    const requested = options.backend ?? "auto";
    if (requested !== "auto" && !BACKENDS.includes(requested))
      throw new RangeError(`backend '${requested}' is unknown: expected auto, ${BACKENDS.join(", ")}`);
    const backend = requested === "auto" ? await detectBackend() : requested;
    const module = await compile(backend);
    const memory = createMemory();
    const instance = await WebAssembly.instantiate(module, { env: { memory } });
    return new Engine(backend, memory, instance.exports as unknown as Exports);
  }

  /** Bytes of linear memory in use (what the memory has grown to). */
  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Reserves persistent bytes, zeroed, aligned to a cache line. Only before the arena is reserved. */
  allocate(bytes: number): number {
    if (this.#arena) throw new Error("allocate() after reserveArena(): persistent tensors come first");
    const pointer = this.#top;
    this.#top += align(bytes) + ALIGNMENT;
    this.#grow(this.#top);
    return pointer;
  }

  /** Pointer to the arena, grown to at least `bytes`. Its content belongs to the plan that ran last. */
  reserveArena(bytes: number): number {
    this.#arena ??= { pointer: this.#top, bytes: 0 };
    if (bytes > this.#arena.bytes) {
      this.#grow(this.#arena.pointer + bytes + ALIGNMENT);
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

  /** Runs calls `first` to `last - 1` of a program. */
  run(program: Program, first = 0, last = program.calls): void {
    this.#exports.run(program.records, first, last, program.scratch);
  }

  /** Square root in wasm, correctly rounded everywhere: JavaScript's Math.sqrt is not bound to be. */
  squareRoot(x: number): number {
    return this.#exports.squareRoot(x);
  }

  /** Runs one kernel at once, from the arena: for tests and benchmarks of single kernels. */
  call<K extends KernelName>(kernel: K, args: KernelArgs<K>, tasks = 1, scratchBytes = 0): void {
    const argsBytes = align(structBytes(kernel));
    const records = this.reserveArena(ALIGNMENT + argsBytes + scratchBytes);
    this.arenaOwner = undefined;
    const view = this.view();
    writeCall(view, records, kernel, records + ALIGNMENT, tasks);
    writeStruct(view, records + ALIGNMENT, kernel, args);
    this.run({ records, calls: 1, scratch: records + ALIGNMENT + argsBytes });
  }

  get #buffer(): SharedArrayBuffer {
    return this.memory.buffer as unknown as SharedArrayBuffer;
  }

  #grow(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (error) {
      const mib = (n: number) => `${Math.ceil(n / 2 ** 20)} MiB`;
      throw new RangeError(
        `linear memory cannot grow from ${mib(this.memory.buffer.byteLength)} to ${mib(bytes)}: use a smaller batch or model`,
        { cause: error },
      );
    }
  }
}

/** Shared memory reserves address space up to its maximum: small devices refuse 4 GiB, so ask for less and less. */
function createMemory(): WebAssembly.Memory {
  for (const maximum of [65536, 32768, 16384, 8192]) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared: true });
    } catch {}
  }
  return new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
}

export { CALL_BYTES };
