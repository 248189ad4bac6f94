import { unzipSync } from "fflate";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import { show } from "../options/show.ts";

/** Deflate grows at most 1032-fold. */
const MOST_GROWTH = 1032;

/** Bytes that an archive's list has for a file, at the least. */
const LEAST_LISTED = 46;

/** Throws where an archive lists more files than its bytes can: it may claim billions, and each would be looked for. */
function requireRoom(bytes: Uint8Array, entries: number): void {
  if (entries > bytes.length / LEAST_LISTED) throw new Error("it lists more files than it has room for");
}

/** What is wrong with an archive. */
export interface ZipProblem {
  readonly kind: "damaged" | "too-large";
  readonly text: string;
}

export interface ZippedFile {
  /** Bytes that it claims to have unpacked. */
  readonly size: number;
  /** Unpacks it. */
  readonly content: () => Uint8Array<ArrayBuffer>;
}

/**
 * What is in a zip archive, by its names, the last of each; unpacked when it is asked for, no more than it claims, and no
 * more than deflate can have packed. Throws what `fail` makes of a problem.
 */
export function unzip(
  bytes: Uint8Array,
  fail: (problem: ZipProblem, cause?: unknown) => Error,
): Map<string, ZippedFile> {
  const files = new Map<string, ZippedFile>();
  let entries = 0;
  try {
    unzipSync(bytes, {
      filter({ name, size: packed, originalSize: size }) {
        const entry = entries++;
        requireRoom(bytes, entries);
        const large = size > Math.min(MAX_IDX_BYTES, MOST_GROWTH * packed + 1024);
        files.set(name, {
          size,
          content() {
            if (large)
              throw fail({
                kind: "too-large",
                text: `${name.slice(0, 100)} claims ${size} bytes, packed into ${packed}`,
              });
            return unpack(bytes, entry, name, fail);
          },
        });
        return false;
      },
    });
  } catch (error) {
    throw fail({ kind: "damaged", text: (error as Error).message }, error);
  }
  return files;
}

/**
 * Several entries by their names, unpacked in one go: of many entries each pass over the archive counts. Throws what `fail` makes
 * of a problem, one being that they claim more bytes than `most`.
 */
export function unzipAll(
  bytes: Uint8Array,
  names: ReadonlySet<string>,
  most: number,
  fail: (problem: ZipProblem, cause?: unknown) => Error,
): Map<string, Uint8Array<ArrayBuffer>> {
  let [sum, entries] = [0, 0];
  let problem: ZipProblem | undefined;
  try {
    const files = unzipSync(bytes, {
      filter({ name, size: packed, originalSize: size }) {
        requireRoom(bytes, ++entries);
        if (!names.has(name) || problem) return false;
        sum += size;
        if (size > Math.min(MAX_IDX_BYTES, MOST_GROWTH * packed + 1024))
          problem = {
            kind: "too-large",
            text: `${name.slice(0, 100)} claims ${size} bytes, packed into ${packed}`,
          };
        else if (sum > most)
          problem = {
            kind: "too-large",
            text: `what is in it claims ${sum} bytes, expected at most ${most}`,
          };
        return !problem;
      },
    });
    if (!problem) return new Map(Object.entries(files as Record<string, Uint8Array<ArrayBuffer>>));
  } catch (error) {
    throw fail({ kind: "damaged", text: (error as Error).message }, error);
  }
  throw fail(problem);
}

/** One entry, by its number: names may be there twice. */
function unpack(
  bytes: Uint8Array,
  entry: number,
  name: string,
  fail: (problem: ZipProblem, cause?: unknown) => Error,
): Uint8Array<ArrayBuffer> {
  try {
    let at = 0;
    const [content] = Object.values(
      unzipSync(bytes, {
        filter() {
          requireRoom(bytes, at);
          return at++ === entry;
        },
      }),
    );
    return content as Uint8Array<ArrayBuffer>;
  } catch (error) {
    throw fail({ kind: "damaged", text: `${show(name)}: ${(error as Error).message}` }, error);
  }
}
