import { MOST_MEMORY } from "./memory-sizes.ts";

const GIB = 2 ** 30;

/** A model takes more memory than it may, or than the system has. */
export class MemoryError extends RangeError {
  override readonly name = "MemoryError";
  /** What is wrong, without what to do. */
  readonly problem: string;
  /** GiB that would have to be allowed; undefined where that would not help. */
  readonly allow: number | undefined;

  /** @param advice what to do */
  constructor(problem: string, advice: string, options: { allow?: number; cause?: unknown } = {}) {
    super(`${problem}: ${advice}`, options);
    this.problem = problem;
    this.allow = options.allow;
  }
}

/** Throws MemoryError where `needed` bytes are above the limit. `write` makes the line that would allow them. */
export function requireMemory(
  what: string,
  needed: number,
  limit: number,
  write: (bytes: string) => string,
): void {
  if (needed <= limit) return;
  const problem = `${what} takes ${formatBytes(needed)} of memory, more than the ${formatBytes(limit)} that it may have`;
  if (needed > MOST_MEMORY)
    throw new MemoryError(
      problem,
      `${SMALLER}; WebAssembly reaches no more than ${formatBytes(MOST_MEMORY)}`,
    );
  const allow = Math.ceil(needed / (GIB / 4)) / 4;
  throw new MemoryError(problem, allowing(write(`${allow} * 2 ** 30`)), { allow });
}

export const SMALLER = "use a smaller batch or model";

/** What to do where `line` would allow as much memory as is needed. */
export const allowing = (line: string) => `${SMALLER}, or allow more: ${line}`;

/** 1536 as "1.5 KiB"; 4e16, which is no size of anything, as "4.0e+16 bytes". */
export function formatBytes(bytes: number): string {
  if (bytes >= 2 ** 50) return `${bytes.toExponential(1)} bytes`;
  const unit = Math.floor(Math.log2(Math.max(1, bytes)) / 10);
  const size = bytes / 2 ** (10 * unit);
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${["bytes", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}
