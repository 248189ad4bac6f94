import { resolve } from "node:path";
import { writeAtomic } from "../data/cache.ts";
import { fileReason } from "./errors.ts";
import { printable } from "./output.ts";

/** Writes a file that a command was asked for, whole or not at all. Throws what `refused` makes of a sentence that says why it cannot be. */
export async function writeOutput(
  path: string,
  bytes: Uint8Array,
  refused: (message: string, options: ErrorOptions) => Error,
): Promise<void> {
  try {
    await writeAtomic(resolve(path), bytes);
  } catch (error) {
    throw refused(`${printable(path)} cannot be written: ${fileReason(error)}`, { cause: error });
  }
}
