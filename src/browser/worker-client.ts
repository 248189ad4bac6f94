import { workerScript } from "#platform";
import type { WorkerPart } from "../engine/platform/web.ts";
import type { PlainError } from "./errors.ts";
import { watchLock } from "./locks.ts";
import { PageThreads } from "./page-threads.ts";
import type { FromWorker, Method, Note, Report, Requests, Role, ToWorker } from "./protocol.ts";
import type { EpochWeights, WorkerOptions } from "./types.ts";

type ReportMessage = Extract<FromWorker, { report: Report }>;

/** A call that the worker has not answered yet. */
interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  onReport: ((report: Report, weights?: EpochWeights) => unknown) | undefined;
  /** The first error that onReport threw: what the call rejects with once the worker has broken off. */
  failure?: { readonly error: unknown };
}

interface CallOptions {
  readonly transfer?: Transferable[];
  /** Aborting asks the worker to stop: how the call then ends is the method's affair. */
  readonly signal?: AbortSignal | undefined;
  /** Told what the worker reports during the call. It may return a promise, or throw: the worker hears of both. */
  readonly onReport?: (report: Report, weights?: EpochWeights) => unknown;
}

/** One worker that runs the package's worker script, and the calls under way in it. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #threads: PageThreads;
  readonly #pending = new Map<number, Pending>();
  readonly #watching = new AbortController();
  readonly #onEnd: (error: Error) => void;
  #calls = 0;
  #ended: Error | undefined;
  #leaving = false;

  private constructor(worker: Worker, url: string | URL, role: Role, onEnd: (error: Error) => void) {
    this.#worker = worker;
    this.#onEnd = onEnd;
    this.#threads = new PageThreads(url, {
      onError: (thread, { message }) => this.note({ note: "threadFailed", thread, message }),
      onLock: (lock) => this.watch(lock, "a kernel thread"),
    });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      if (event.message) this.end(new Error(`the training worker ended unexpectedly: ${event.message}`));
      else
        import("./rarely.ts").then(
          ({ notStarted }) => this.end(notStarted(url)),
          (error) => this.end(error),
        );
    };
    worker.onmessageerror = () =>
      this.end(new Error("the training worker ended unexpectedly: a message could not be read"));
    worker.postMessage(role);
  }

  /**
   * Starts a worker in a role, with the script of these parts unless `workerUrl` has it. `onEnd`: told why it ended, unless that
   * was end() without an error.
   */
  static async start(
    role: "trainer" | "data",
    parts: readonly WorkerPart[],
    { workerUrl }: WorkerOptions,
    onEnd: (error: Error) => void,
  ): Promise<WorkerClient> {
    const url = workerUrl ?? (await workerScript(parts));
    return new WorkerClient(new Worker(url, { name: `wasmgrad ${role}` }), url, { role }, onEnd);
  }

  /** Asks the worker for something. Rejects with the worker's error, or when the worker ends. */
  async call<M extends Method>(
    method: M,
    argument: Requests[M][0],
    { transfer = [], signal, onReport }: CallOptions = {},
  ): Promise<Requests[M][1]> {
    if (this.#ended) throw this.#ended;
    const id = ++this.#calls;
    const abort = () => this.note({ note: "abort", id });
    try {
      return await new Promise<Requests[M][1]>((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, onReport });
        this.#worker.postMessage({ id, method, argument } as ToWorker, transfer);
        if (signal?.aborted) abort();
        else signal?.addEventListener("abort", abort);
      });
    } finally {
      this.#pending.delete(id);
      signal?.removeEventListener("abort", abort);
      if (this.#leaving) this.leave();
    }
  }

  note(note: Note, transfer: Transferable[] = []): void {
    if (!this.#ended) this.#worker.postMessage(note, transfer);
  }

  /** Learns of the end of a worker by the lock that it holds. */
  watch(lock: string, what: string): void {
    watchLock(lock, this.#watching.signal, () =>
      this.end(new Error(`${what} ended unexpectedly: it was killed, or ran out of memory`)),
    );
  }

  /** Ends the worker once it has answered what it was asked. */
  leave(): void {
    this.#leaving = true;
    if (this.#pending.size === 0) this.end(new Error());
  }

  /** Ends the worker at once, and its kernel threads. Calls under way reject with the error. */
  end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#watching.abort();
    this.#worker.terminate();
    this.#threads.endAll();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#onEnd(error);
  }

  #receive(message: FromWorker): void | Promise<void> {
    if ("thread" in message) return this.#threads.start(message.thread, message.task);
    if ("endThread" in message) return this.#threads.end(message.endThread);
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if ("report" in message) return this.#report(message, pending);
    if (pending.failure) pending.reject(pending.failure.error);
    else pending.resolve("error" in message ? this.#thrown(message.error) : message.value);
  }

  /** Rejects with the worker's error, in words; or with why these cannot be loaded. */
  async #thrown(plain: PlainError): Promise<never> {
    const { fromPlain } = await import("./rarely.ts");
    const error = fromPlain(plain);
    if (error.name === "EngineError") this.end(error);
    throw error;
  }

  async #report({ id, report, call, weights }: ReportMessage, pending: Pending): Promise<void> {
    let failed = false;
    try {
      await pending.onReport?.(report, weights);
    } catch (error) {
      failed = true;
      pending.failure ??= { error };
    }
    if (call !== undefined) this.note({ note: "called", call, failed });
    else if (failed) this.note({ note: "abort", id });
  }
}
