import { DataError } from "./errors.ts";
import type { ImageSet } from "./types.ts";

/** Labels are bytes. */
const MAX_CLASSES = 256;

/** The names in a file of them, one a line. Throws DataError `bad-classes`. */
export function parseClassNames(bytes: Uint8Array, file: string): string[] {
  // TextDecoder drops a byte order mark, which Windows editors like to add.
  const names = new TextDecoder()
    .decode(bytes)
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  const fault = names.includes("")
    ? "has an empty line"
    : names.length > MAX_CLASSES
      ? `has ${names.length} lines`
      : new Set(names).size < names.length
        ? "names a class twice"
        : undefined;
  if (fault !== undefined)
    throw new DataError(
      "bad-classes",
      `${file}: ${fault}; expected 1 to ${MAX_CLASSES} different class names, one a line.`,
    );
  return names;
}

/** The largest label of some sets. */
export function largestLabel(...sets: readonly Pick<ImageSet, "labels">[]): number {
  return sets.reduce((most, { labels }) => labels.reduce((max, label) => Math.max(max, label), most), 0);
}
