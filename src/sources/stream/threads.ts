import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { DataError } from "../../data/errors.ts";
import type { Failure, Job, Look, LookJob } from "./job.ts";

/** The folder lies at the same depth from src/ and from dist/. */
const SCRIPT = new URL("../../../dist/sources/stream/worker.js", import.meta.url);

let there: boolean | undefined;

interface Waiting {
  readonly thread: Thread;
  readonly done: Promise<Look[] | undefined>;
  resolve(looks: Look[] | undefined): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  /** Jobs that it has. */
  jobs: number;
}

/**
 * Threads that read images. They start with the first job, and keep the process alive while they have one. In a bundle, which has no
 * script of theirs, this thread reads.
 */
export class ReadingThreads {
  readonly #most: number;
  #threads: Thread[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #jobs = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many jobs can be done at once. */
  get size(): number {
    return this.#most;
  }

  /** Reads to `into`, which lies in shared memory, or else is written when all is read. Rejects with DataError. */
  async run(job: Job, into: Uint8Array): Promise<void> {
    const shared = into.buffer instanceof SharedArrayBuffer;
    const to = shared ? into : new Uint8Array(new SharedArrayBuffer(into.length));
    await this.#perform(job, to);
    if (!shared) into.set(to);
  }

  /** What these pictures are. */
  async look(job: LookJob): Promise<Look[]> {
    return (await this.#perform(job, new Uint8Array()))!;
  }

  async #perform(job: Job | LookJob, into: Uint8Array): Promise<Look[] | undefined> {
    there ??= existsSync(fileURLToPath(SCRIPT));
    if (!there) {
      const { perform } = await import("./perform.ts");
      return perform(job, into);
    }
    const id = this.#jobs++;
    const thread = this.#thread();
    if (thread.jobs++ === 0) thread.worker.ref();
    const settle = {} as Pick<Waiting, "resolve" | "reject">;
    const done = new Promise<Look[] | undefined>((resolve, reject) =>
      Object.assign(settle, { resolve, reject }),
    );
    this.#waiting.set(id, { thread, done, ...settle });
    thread.worker.postMessage({ id, job, into });
    return done;
  }

  /** The one with the fewest jobs; a new one where all have some. */
  #thread(): Thread {
    const idlest = this.#threads.toSorted((a, b) => a.jobs - b.jobs)[0];
    if (idlest && (idlest.jobs === 0 || this.#threads.length === this.#most)) return idlest;
    const thread: Thread = { worker: new Worker(SCRIPT, { execArgv: [], name: "wasmgrad reads" }), jobs: 0 };
    thread.worker.unref();
    thread.worker.on(
      "message",
      ({ id, failure, looks }: { id: number; failure?: Failure; looks?: Look[] }) => {
        this.#ended(id, failure && errorOf(failure), looks);
      },
    );
    const fail = (error: Error) => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      for (const [id, waiting] of this.#waiting) if (waiting.thread === thread) this.#ended(id, error);
    };
    thread.worker.on("error", fail);
    thread.worker.on("exit", () => fail(new Error("a thread that reads images was ended")));
    this.#threads.push(thread);
    return thread;
  }

  #ended(id: number, error: Error | undefined, looks?: Look[]): void {
    const { thread, resolve, reject } = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (--thread.jobs === 0) thread.worker.unref();
    if (error) reject(error);
    else resolve(looks);
  }

  /** Ends them, when they have done what they were asked for. */
  async close(): Promise<void> {
    // What is asked for from now on is done by others.
    const threads = this.#threads;
    this.#threads = [];
    await Promise.allSettled([...this.#waiting.values()].map(({ done }) => done));
    if (there === false) (await import("./read-rows.ts")).closeFiles();
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

function errorOf({ code, message }: Failure): Error {
  return code ? new DataError(code, message) : new Error(message);
}
