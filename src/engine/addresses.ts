import { ADDRESS_ADVICE, threadProblem } from "#platform";
import { MemoryError } from "./memory-error.ts";
import { engineWords } from "./words.ts";

/** What the system refuses, though the model may have it. Apart from memory-limit.ts: pages that train load this in the worker alone. */

/** Makes a WebAssembly memory, or an instance that has one. Throws MemoryError where the system refuses it. */
export async function withAddresses<T>(make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    // A module that asks for another memory than it is given is no matter of the system's.
    if (error instanceof WebAssembly.LinkError || !/memory/i.test((error as Error).message)) throw error;
    throw new MemoryError(engineWords.addressesRefused(), ADDRESS_ADVICE, {
      cause: error,
    });
  }
}

/** The error where the system gives less than a model may have: `given` is how much, `way` how to get more. */
export function refused(
  what: string,
  needed: number,
  limit: number,
  given: string,
  way: string,
  cause?: unknown,
): MemoryError {
  return new MemoryError(engineWords.refusal(what, needed, limit, given), engineWords.smallerOr(way), {
    cause,
  });
}

/** Throws MemoryError where the process may not take the addresses that so many threads need. */
export function requireThreadRoom(threads: number): void {
  const problem = threadProblem(threads);
  if (problem) throw new MemoryError(...problem);
}
