// Nothing tells a page that a worker was killed: neither an event nor a failing message. A lock does: the worker
// holds it for as long as it lives, and whoever waits for it learns of its end at once. On a page that is neither https
// nor localhost there are no locks, and a killed worker goes unnoticed.

/** Takes a lock and never lets go. Resolves with its name once it is held; "" where there are no locks. */
export function holdLock(): Promise<string> {
  if (!navigator.locks) return Promise.resolve("");
  const name = `wasmgrad-${crypto.randomUUID()}`;
  return new Promise((resolve, reject) => {
    const held = () => {
      resolve(name);
      return new Promise<never>(() => {});
    };
    navigator.locks.request(name, held).catch(reject);
  });
}

/** Calls `onEnd` when the holder of a lock has ended, unless the signal was aborted before. */
export function watchLock(name: string, signal: AbortSignal, onEnd: () => void): void {
  if (!name) return;
  navigator.locks
    .request(name, { signal }, () => {
      if (!signal.aborted) onEnd();
    })
    .catch(() => {});
}
