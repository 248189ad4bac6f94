import { ADDRESS_ADVICE, threadProblem } from "#platform";
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

const SMALLER = "use a smaller batch or model";

/** What to do where `line` would allow as much memory as is needed. */
export const allowing = (line: string) => `${SMALLER}, or allow more: ${line}`;

/**
 * Makes a WebAssembly memory, or an instance that has one. Throws MemoryError where the system refuses it.
 * @param least bytes of addresses that it asks for at last, where it asks for less and less
 */
export async function withAddresses<T>(make: () => T | Promise<T>, least?: number): Promise<T> {
  try {
    return await make();
  } catch (error) {
    // A module that asks for another memory than it is given is no matter of the system's.
    if (error instanceof WebAssembly.LinkError || !/memory/i.test((error as Error).message)) throw error;
    const few = least === undefined ? "" : `, even those of ${formatBytes(least)}`;
    throw new MemoryError(`the system refuses a WebAssembly memory its addresses${few}`, ADDRESS_ADVICE, {
      cause: error,
    });
  }
}

/** Throws MemoryError where `needed` bytes are above those that the system gave addresses for: fewer than it was asked for. */
export function requireAddresses(what: string, needed: number, given: number, limit: number): void {
  if (needed <= given) return;
  throw new MemoryError(
    `${what} takes ${formatBytes(needed)} of memory and may have ${formatBytes(limit)}, but the system gives addresses for ${formatBytes(given)} only`,
    `${SMALLER}, or get more addresses: ${ADDRESS_ADVICE}`,
  );
}

/** The error where the system has no more memory than `given` bytes, though there are addresses for more. */
export function outOfMemory(
  what: string,
  needed: number,
  given: number,
  limit: number,
  cause: unknown,
): MemoryError {
  return new MemoryError(
    `${what} takes ${formatBytes(needed)} of memory and may have ${formatBytes(limit)}, but the system gives no more than ${formatBytes(given)}`,
    `${SMALLER}, or end other programs that take memory`,
    { cause },
  );
}

/** Throws MemoryError where the process may not take the addresses that so many threads need. */
export function requireThreadRoom(threads: number): void {
  const problem = threadProblem(threads);
  if (problem) throw new MemoryError(...problem);
}

/** 1536 as "1.5 KiB"; 4e16, which is no size of anything, as "4.0e+16 bytes". */
export function formatBytes(bytes: number): string {
  if (bytes >= 2 ** 50) return `${bytes.toExponential(1)} bytes`;
  const unit = Math.floor(Math.log2(Math.max(1, bytes)) / 10);
  const size = bytes / 2 ** (10 * unit);
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${["bytes", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}
