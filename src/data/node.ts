// All of the data layer, with what needs a file system.
export { defaultCacheDir } from "./cache.ts";
export { loadFolder } from "./folder.ts";
export * from "./index.ts";
export { DATA_ENV, loadDataset } from "./load.ts";
