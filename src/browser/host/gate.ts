/**
 * Lets requests in between training steps, never into one: while training steps, requests queue up; at each gate that
 * training passes they run, and training waits for their end, so that all that a request sees belongs to one step.
 */
export class Gate {
  #stepping = false;
  #queue: (() => void)[] = [];
  #running = new Set<Promise<unknown>>();
  #paused = false;
  #wake: (() => void) | undefined;

  /** Runs a request now, or at the next gate. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const start = () => {
        const running = Promise.resolve()
          .then(work)
          .then(resolve, reject)
          .finally(() => {
            this.#running.delete(running);
            this.#wake?.();
          });
        this.#running.add(running);
      };
      if (this.#stepping) this.#queue.push(start);
      else start();
    });
  }

  /** Training does not step for now: requests run at once. */
  rest(): void {
    this.#stepping = false;
    const queue = this.#queue;
    this.#queue = [];
    for (const start of queue) start();
  }

  /** Between two steps. Waits until all requests are done and training is not paused; the signal ends the pause. */
  pass(signal: AbortSignal): void | Promise<void> {
    if (this.#stepping && this.#queue.length === 0 && !this.#paused) return;
    this.rest();
    return this.#settle(signal);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wake?.();
    signal.addEventListener("abort", onAbort);
    while (this.#running.size > 0 || (this.#paused && !signal.aborted))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    signal.removeEventListener("abort", onAbort);
    this.#wake = undefined;
    this.#stepping = true;
  }
}
