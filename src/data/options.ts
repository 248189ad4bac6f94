// What the functions of the data layer take: for callers whom no compiler told.
import type { Checked } from "../options/check.ts";
import {
  callable,
  flag,
  group,
  isObject,
  needed,
  signal,
  some,
  type TableOf,
  text,
  url,
  whole,
} from "../options/kinds.ts";
import { DataError } from "./errors.ts";
import type { DigitsOptions, DownloadOptions, GunzipOptions, LoadOptions } from "./load-options.ts";
import { pictureTable } from "./picture-options.ts";

/** Most images of one generated set: 784 MB of pixels. */
const MAX_IMAGES = 1_000_000;

const error = (problem: string, who: string) => new DataError("bad-argument", `${who}: ${problem}`);
const count = (example: number) => ({ ...whole(0, MAX_IMAGES), example });
const path = () => ({ ...text, expected: "the path of a folder" });

const digitsTable = (): TableOf<DigitsOptions> => ({
  train: count(12_000),
  test: count(2_000),
  seed: whole(0, 2 ** 32 - 1),
  wasm: some(
    "a URL, bytes, or a WebAssembly.Module",
    (value) => typeof value === "string" || isObject(value),
  ),
});

const downloadTable = (): TableOf<DownloadOptions> => ({
  signal,
  onProgress: callable(),
  mirrors: some(
    "a list of URLs",
    (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  ),
  fetch: callable(),
  stallTimeoutMs: { ...whole(1), example: 30_000 },
  retryDelayMs: { ...whole(0), example: 1_000 },
});

export const DIGITS: Checked = { call: "generateDigits(*)", error, table: digitsTable };
export const DOWNLOAD: Checked = { call: "downloadFile(info, role, *)", error, table: downloadTable };

export const GUNZIP: Checked = {
  call: "gunzip(bytes, *)",
  error,
  table: (): TableOf<GunzipOptions> => ({
    maxBytes: needed(whole(0), 1_000_000),
    promisedBytes: callable(),
    source: text,
  }),
};

export const LOAD: Checked = {
  call: "loadDataset(name, *)",
  error,
  table: (): TableOf<LoadOptions> => ({
    ...downloadTable(),
    ...digitsTable(),
    digits: group<DigitsOptions>(digitsTable()),
    onNotice: callable(),
    dataDir: path(),
    stream: some('true, false or "auto"', (value) => typeof value === "boolean" || value === "auto", true),
    offline: flag,
    cacheDir: path(),
    storage: flag,
    workerUrl: url,
    ...pictureTable(),
  }),
};
