import { startThreadWorker, type ThreadAlive, type ThreadTask } from "../engine/platform/web.ts";

interface Watcher {
  /** A thread failed by itself: for the engine that it belongs to. */
  onError(thread: number, error: Error): void;
  /** The lock that a thread holds for as long as it lives. */
  onLock(lock: string): void;
}

/**
 * The kernel threads of a training worker. The page starts them, not the worker: a worker that is in a step answers
 * nobody, Firefox (153, driven by a debugger) now and then hangs in a worker's `new Worker`, and only the page can tell
 * that one was killed.
 */
export class PageThreads {
  readonly #url: string | URL;
  readonly #watcher: Watcher;
  readonly #workers = new Map<number, Worker>();

  /** `url`: of the worker script. */
  constructor(url: string | URL, watcher: Watcher) {
    this.#url = url;
    this.#watcher = watcher;
  }

  start(thread: number, task: ThreadTask): void {
    const { onError, onLock } = this.#watcher;
    const worker = startThreadWorker(this.#url, task, (error) => onError(thread, error));
    worker.onmessage = ({ data }: MessageEvent<ThreadAlive>) => onLock(data.lock);
    this.#workers.set(thread, worker);
  }

  end(thread: number): void {
    this.#workers.get(thread)?.terminate();
    this.#workers.delete(thread);
  }

  endAll(): void {
    for (const thread of this.#workers.keys()) this.end(thread);
  }
}
