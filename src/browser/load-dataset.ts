import { loadWasmBytes } from "#platform";
import type { DatasetInfo } from "../data/dataset-info.ts";
import { DATASET_NAMES, findDataset, GENERATED } from "../data/datasets.ts";
import { DataError } from "../data/errors.ts";
import type { LoadOptions } from "../data/load-options.ts";
import { LOAD } from "../data/options.ts";
import { PICTURE_KEYS } from "../data/picture-options.ts";
import type { Dataset } from "../data/types.ts";
import type { DataRequest } from "../data/web.ts";
import { type WasmSource, wasmBytes } from "../engine/kernels.ts";
import { checkOptions } from "../options/check.ts";
import { nearest } from "../options/names.ts";
import { WorkerClient } from "./worker-client.ts";

/** What a page cannot do. Where code serves Node as well, they may be there, but off. */
const NODE_ONLY = ["dataDir", "offline", "cacheDir", "fetch", ...PICTURE_KEYS] as const;

/**
 * Loads a dataset in a web page: `digits`, which is generated, or one of `DATASET_NAMES`, or a registry entry of your
 * own. Downloads come from the browser's storage or else from mirrors that let web pages fetch, are verified by
 * SHA-256 wherever they come from, and kept. All of it happens in a worker that ends with it.
 *
 * Throws DataError, see `DataErrorCode`; or the signal's reason if aborted.
 */
export async function loadDataset(
  dataset: string | DatasetInfo,
  options: LoadOptions = {},
): Promise<Dataset> {
  checkOptions(LOAD, options);
  for (const key of NODE_ONLY)
    if (options[key])
      throw new DataError(
        "bad-argument",
        `loadDataset: ${key} is for Node; in a page, \`mirrors\` says where files come from, and \`storage\` whether they are kept`,
      );
  const { signal, workerUrl, onProgress, onNotice } = options;
  signal?.throwIfAborted();
  const request = await requestOf(dataset, options);
  const client = await WorkerClient.start("data", ["data"], { workerUrl }, () => {});
  const end = () => client.end(signal?.reason);
  signal?.addEventListener("abort", end);
  try {
    return await client.call("load", request, {
      onReport(report) {
        if ("progress" in report) onProgress?.(report.progress);
        if ("notice" in report) onNotice?.(report.notice);
      },
    });
  } finally {
    signal?.removeEventListener("abort", end);
    client.end(new Error("loading has ended"));
  }
}

async function requestOf(dataset: string | DatasetInfo, options: LoadOptions): Promise<DataRequest> {
  if (dataset === GENERATED) {
    const { digits = {} } = options;
    const { train = options.train, test = options.test, seed = options.seed, wasm = options.wasm } = digits;
    return { digits: { train, test, seed, wasm: await digitsModule(wasm) } };
  }
  const info = typeof dataset === "string" ? findDataset(dataset) : dataset;
  if (info === undefined) {
    const near = nearest(String(dataset), DATASET_NAMES);
    throw new DataError(
      "unknown-dataset",
      `dataset "${dataset}": not a known name; ${near ? `did you mean ${near}? Expected` : "expected"} one of ${DATASET_NAMES.join(", ")}. IDX files of your own are read by readIdxPair().`,
    );
  }
  const mirrors = options.mirrors ?? info.mirrors.filter(({ cors }) => cors).map(({ url }) => url);
  if (mirrors.length === 0)
    throw new DataError(
      "download",
      `${info.title}: none of its mirrors lets web pages fetch (CORS). Give \`mirrors\`: a folder with its files on a server that does, or use the dataset "${GENERATED}", which needs no download.`,
    );
  const base = globalThis.document?.baseURI ?? globalThis.location.href;
  const { storage = true, stallTimeoutMs, retryDelayMs } = options;
  return {
    info,
    mirrors: mirrors.map((url) => new URL(url, base).href),
    storage,
    stallTimeoutMs,
    retryDelayMs,
  };
}

async function digitsModule(wasm: WasmSource | undefined): Promise<WebAssembly.Module> {
  if (wasm instanceof WebAssembly.Module) return wasm;
  return WebAssembly.compile(await (wasm === undefined ? loadWasmBytes(GENERATED) : wasmBytes(wasm)));
}
