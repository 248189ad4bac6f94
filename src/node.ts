// The package in Node: everything of index.ts, and loading datasets from files, the user's cache and mirrors.
export {
  DATA_ENV,
  defaultCacheDir,
  type LoadOptions,
  loadDataset,
  loadFolder,
} from "./data/node.ts";
export * from "./index.ts";
