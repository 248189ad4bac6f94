import { type KernelThread, startKernelThread } from "#platform";
import { engineWords } from "./words.ts";

/** Bytes of the kernels' Control struct, see assembly/parallel.ts. */
export const CONTROL_BYTES = 128;
/** Places of its words, in i32. */
const GATE = 0;
const STOP = 7;
const FAILED = 18;
const READY = 19;

/** A kernel thread failed in the middle of a program: memory holds half a step, and the engine is of no use any more. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

/** Resident workers that take tasks whenever a program runs. They start in their own time: no run waits for them. */
export class ThreadPool {
  /** Pointer to the Control struct. */
  readonly control: number;
  readonly #memory: WebAssembly.Memory;
  readonly #threads: KernelThread[];
  #error: Error | undefined;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, control: number, workers: number) {
    this.control = control;
    this.#memory = memory;
    this.#threads = Array.from({ length: workers }, (_, i) =>
      startKernelThread(module, memory, control, i + 1, (error) => {
        this.#fail(error);
      }),
    );
  }

  /** Workers that have started: from now on they take tasks. */
  get started(): number {
    return Atomics.load(this.#words, READY);
  }

  /** After a run that failed: ends the workers, and says why. `error`: what was thrown on this thread, if anything. */
  failure(error?: Error): EngineError {
    this.#fail(error);
    for (const thread of this.#threads) thread.terminate();
    return new EngineError(engineWords.threadFailed(this.#error?.message ?? null), { cause: this.#error });
  }

  /** Lets every worker return, at once or after the program that it is in. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, GATE, 2);
    Atomics.notify(this.#words, GATE);
  }

  /** No program runs any more: the next run() fails at once. */
  #fail(error?: Error): void {
    this.#error ??= error;
    Atomics.store(this.#words, FAILED, 1);
  }

  get #words(): Int32Array {
    return new Int32Array(this.#memory.buffer, this.control, CONTROL_BYTES / 4);
  }
}
