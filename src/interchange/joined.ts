import { concat } from "../data/gzip.ts";

/** Bytes one behind the other; of a single part that part itself. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return concat(
    parts,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
}
