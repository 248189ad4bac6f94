import type { OwnCallbacks } from "./callbacks.ts";

/** Callbacks in the order in which they are told: those that save what the others made of an epoch come last. */
export function inTurn(callbacks: readonly OwnCallbacks[]): readonly OwnCallbacks[] {
  return callbacks.toSorted((a, b) => Number(a.comesLast ?? false) - Number(b.comesLast ?? false));
}
