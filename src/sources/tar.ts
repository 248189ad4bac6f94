import { DataError } from "../data/errors.ts";

const BLOCK = 512;
const REGULAR = ["0", "\0", ""];

/** Files of a .tar, by their names without folders: views on it. Throws DataError `truncated`. */
export function filesInTar(tar: Uint8Array, source: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (at: number, length: number) =>
    new TextDecoder().decode(tar.subarray(at, at + length)).replace(/\0[\s\S]*$/, "");
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12).trim() || "0", 8);
    const start = at + BLOCK;
    if (!(size >= 0) || start + size > tar.length)
      throw new DataError(
        "truncated",
        `${source}: the archive ends within ${text(at, 100)}. Get the file again.`,
      );
    const name = text(at, 100).split("/").at(-1)!;
    if (REGULAR.includes(text(at + 156, 1)) && name !== "")
      files.set(name, tar.subarray(start, start + size));
    at = start + BLOCK * Math.ceil(size / BLOCK);
  }
  return files;
}
