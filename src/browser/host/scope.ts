import type { FromWorker, ToWorker } from "../protocol.ts";

/** The worker's global scope, as far as it is used here: the page's types are loaded, not the worker's. */
export interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}

export const scope = globalThis as unknown as WorkerScope;
