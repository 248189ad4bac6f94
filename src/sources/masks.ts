import type { Answers } from "../data/types.ts";

/** Answers whose class 1 is white, 255 in their files. */
export const WHITE: WeakSet<Answers> = new WeakSet();

/**
 * Makes classes 0 and 1 of masks that are black and white, in place: in all parts alike, or an object of 1 in one were that of 255 in another.
 * @returns whether they were
 */
export function fromBlackAndWhite(parts: readonly Uint8Array[]): boolean {
  const white = parts.some((ids) => ids.includes(255)) && parts.every((ids) => ids.every(isBlackOrWhite));
  if (white) for (const ids of parts) for (let i = 0; i < ids.length; i++) ids[i]! &= 1;
  return white;
}

const isBlackOrWhite = (id: number) => id === 0 || id === 255;
