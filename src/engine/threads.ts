import { type KernelThread, startKernelThread } from "#platform";
import { CONTROL } from "./abi.ts";
import { engineWords } from "./words.ts";

/** Places of the words of the kernels' Control struct, in i32. */
const GATE = CONTROL.gate / 4;
const STOP = CONTROL.stop / 4;
const FAILED = CONTROL.failed / 4;
const READY = CONTROL.ready / 4;

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
    return new Int32Array(this.#memory.buffer, this.control, CONTROL.bytes / 4);
  }
}
