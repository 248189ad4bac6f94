import type { DigitsOptions } from "./digits.ts";
import type { DownloadOptions } from "./download.ts";

/** What loadDataset() takes, in Node and in a page alike, so that one module can serve both. */
export interface LoadOptions extends DownloadOptions, DigitsOptions {
  /** Sizes and seed of the generated dataset, as an object of their own; other datasets ignore them. */
  readonly digits?: DigitsOptions | undefined;
  /** Told, in a sentence, what a user should know but need not act on, e.g. that a damaged file is fetched again. */
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Node: folder with the dataset's files in `<dataDir>/<name>/`, or directly in it. It must hold all of them. */
  readonly dataDir?: string | undefined;
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
