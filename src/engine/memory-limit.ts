import { MemoryError } from "./memory-error.ts";
import { MOST_MEMORY } from "./memory-sizes.ts";
import { engineWords } from "./words.ts";

const GIB = 2 ** 30;

/** Throws MemoryError where `needed` bytes are above the limit. `write` makes the line that would allow them. */
export function requireMemory(
  what: string,
  needed: number,
  limit: number,
  write: (bytes: string) => string,
): void {
  if (needed <= limit) return;
  const problem = engineWords.overLimit(what, needed, limit);
  if (needed > MOST_MEMORY) throw new MemoryError(problem, engineWords.beyondReach(MOST_MEMORY));
  const allow = Math.ceil(needed / (GIB / 4)) / 4;
  throw new MemoryError(problem, engineWords.allowing(write(`${allow} * 2 ** 30`)), { allow });
}
