/** What a training does as far as requests are concerned: nothing, or it waits between two steps. */
const OPEN = 0;
/** It waits for the page's callbacks, or validates: no weight changes. */
const RESTS = 1;
const STEPS = 2;

/**
 * Lets requests in between training steps, never into one: while training steps, requests queue up; at each gate that
 * training passes they run, and training waits for their end, so that all that a request sees belongs to one step.
 */
export class Gate {
  #doing = OPEN;
  #queue: { readonly start: () => void; readonly most: number }[] = [];
  #running = new Set<Promise<unknown>>();
  #paused = false;
  #wake: (() => void) | undefined;

  /**
   * Runs a request now, or at the next gate. `between`: only when nothing of the training is half done, so that all of the
   * page's callbacks have been told the same.
   */
  run<T>(work: () => T | Promise<T>, between = false): Promise<T> {
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
      this.#queue.push({ start, most: between ? OPEN : RESTS });
      this.#serve(this.#doing);
    });
  }

  /** Training does not step for now: requests run at once. */
  rest(): void {
    this.#serve(RESTS);
  }

  /** Training has ended. */
  end(): void {
    this.#serve(OPEN);
  }

  /** Between two steps. Waits until all requests are done and training is not paused; the signal ends the pause. */
  pass(signal: AbortSignal): void | Promise<void> {
    if (this.#doing === STEPS && this.#queue.length === 0 && !this.#paused) return;
    this.end();
    return this.#settle(signal);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  #serve(doing: number): void {
    this.#doing = doing;
    const queue = this.#queue;
    this.#queue = queue.filter(({ most }) => most < doing);
    for (const { start, most } of queue) if (most >= doing) start();
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
    this.#doing = STEPS;
  }
}
