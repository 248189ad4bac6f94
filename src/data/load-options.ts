import type { WasmSource } from "../engine/kernels.ts";
import type { PictureOptions } from "./picture-options.ts";

/** What loadDataset() takes, in Node and in a page alike, so that one module can serve both. */
export interface LoadOptions extends DownloadOptions, DigitsOptions, PictureOptions {
  /** Sizes and seed of the generated dataset, as an object of their own; other datasets ignore them. */
  readonly digits?: DigitsOptions | undefined;
  /** Told, in a sentence, what a user should know but need not act on, e.g. that a damaged file is fetched again. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Node: folder with the dataset's files in `<dataDir>/<name>/`, or directly in it. It must hold all of them. */
  readonly dataDir?: string | undefined;
  /**
   * Node: leave the images where they are, in files, to be read batch by batch: of folders of pictures, of IDX and CIFAR's binary files, of
   * .npy files, and of an .npz, none of them packed. Its sets are read by fit(), evaluate() and predict() to the same results. "auto": where they would take
   * more than half of the memory that is free. Default false.
   */
  readonly stream?: boolean | "auto" | undefined;
  /** Node: never touch the network: what is not on this machine is an error. Default false. */
  readonly offline?: boolean | undefined;
  /** Node: where downloads are kept, one subfolder a dataset. Default: `defaultCacheDir()`. */
  readonly cacheDir?: string | undefined;
  /** Pages: whether downloads are kept in the browser's storage, and read from there. Default true. Node has its cache. */
  readonly storage?: boolean | undefined;
  /**
   * Pages: URL of the package's dist/browser/worker.js (`wasmgrad/worker`), where the Content-Security-Policy forbids
   * blob: workers. Node needs none.
   */
  readonly workerUrl?: string | URL | undefined;
}

export interface DigitsOptions {
  /** Training images. Default 12,000. */
  readonly train?: number | undefined;
  /** Test images. Default 2,000. */
  readonly test?: number | undefined;
  /** Which digits: an integer from 0 to 2^32 - 1. Default 1. */
  readonly seed?: number | undefined;
  /** The generator's wasm in place of the package's own build/digits.wasm: a URL, bytes, or a compiled module. */
  readonly wasm?: WasmSource | undefined;
}

export interface DownloadOptions {
  /** Aborts at once; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Folder URLs to use in place of the registry's, in order. */
  readonly mirrors?: readonly string[] | undefined;
  /** Default: the platform's `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /**
   * A mirror that sends nothing for so many milliseconds is given up. Default 30,000. One that sends less than 4 KiB a
   * second for half a minute is, too.
   */
  readonly stallTimeoutMs?: number | undefined;
  /** Milliseconds before mirrors that failed in a passing way are tried once more. Default 1,000. */
  readonly retryDelayMs?: number | undefined;
}

/** The part of `fetch` used here, so that tests and unusual hosts can bring their own. */
export type FetchLike = (
  url: string,
  init: { signal: AbortSignal; headers: Record<string, string> },
) => Promise<Response>;

/** Bytes of one file so far, or pictures of a folder; `total` is there if the mirror announced it. Starts again at 0 with each attempt. */
export interface Progress {
  readonly file: string;
  readonly received: number;
  readonly total?: number;
  /** What is counted. Default "bytes". */
  readonly unit?: "pictures";
}

export interface GunzipOptions {
  /** Output above this many bytes is an error, however large the input claims to be. */
  readonly maxBytes: number;
  /**
   * Reads the total size from the first bytes of the output: undefined while `head` is too short to tell.
   * From then on that size is the cap, so a bomb behind a small header stops early. It may throw a `DataError`.
   */
  readonly promisedBytes?: (head: Uint8Array) => number | undefined;
  /** File name or URL for messages. */
  readonly source?: string;
}
