import { type DatasetInfo, ROLES } from "./dataset-info.ts";
import { reasonOf } from "./errors.ts";

/** Name of the cache in the browser's storage. */
const CACHE = "wasmgrad-data";
/** Caches are keyed by URL; this host can never exist (RFC 2606), so no key is a page's own. */
const HOST = "https://wasmgrad.invalid/";

/**
 * Files in the browser's Cache Storage. A browser may refuse it (private windows, blocked cookies) or be full: then
 * nothing is kept, which is said once, and everything else goes on.
 */
export class WebStore {
  readonly #folder: string;
  readonly #onFailure: (reason: string) => void;
  #cache: Cache | undefined;

  private constructor(folder: string, onFailure: (reason: string) => void) {
    this.#folder = folder;
    this.#onFailure = onFailure;
  }

  /** `onFailure`: told, once, why files are not kept. */
  static async open(folder: string, onFailure: (reason: string) => void): Promise<WebStore> {
    const store = new WebStore(folder, onFailure);
    try {
      if (typeof caches === "undefined") throw new Error("this page has none");
      store.#cache = await caches.open(CACHE);
    } catch (error) {
      store.#fail(error);
    }
    return store;
  }

  /** Whether all files of a dataset are kept: then it can be had without a network. */
  static async holds({ name, files }: Pick<DatasetInfo, "name" | "files">): Promise<boolean> {
    let failed = false;
    const store = await WebStore.open(name, () => {
      failed = true;
    });
    for (const role of ROLES) if (failed || !(await store.#has(files[role].name))) return false;
    return true;
  }

  /** The file's bytes, unverified; undefined where it is not kept. */
  async read(name: string): Promise<Uint8Array | undefined> {
    try {
      const response = await this.#cache?.match(this.#key(name));
      return response && new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  async #has(name: string): Promise<boolean> {
    try {
      return (await this.#cache?.match(this.#key(name))) !== undefined;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#cache?.put(this.#key(name), new Response(bytes as Uint8Array<ArrayBuffer>));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** No further attempts: the next file would fail alike. */
  #fail(error: unknown): void {
    this.#cache = undefined;
    this.#onFailure(reasonOf(error));
  }

  #key(name: string): string {
    return `${HOST}${encodeURIComponent(this.#folder)}/${encodeURIComponent(name)}`;
  }
}
