// Runs in browsers as well as in Node; node.ts adds what needs a file system.

export { balancedClassWeights } from "./class-weights.ts";
export {
  type DatasetInfo,
  type FileChecksum,
  idxBytes,
  type Mirror,
  ROLES,
  type Role,
} from "./dataset-info.ts";
export { DATASET_NAMES, DATASETS, findDataset, GENERATED, numberedClasses } from "./datasets.ts";
export { type DownloadedFile, downloadFile } from "./download.ts";
export { DataError, type DataErrorCode } from "./errors.ts";
export { gunzip, isGzip } from "./gzip.ts";
export {
  checkLabels,
  encodeIdxImages,
  encodeIdxLabels,
  type IdxImages,
  MAX_IDX_BYTES,
  pairUp,
  parseIdxImages,
  parseIdxLabels,
  readIdxPair,
  unpackIdx,
} from "./idx.ts";
export type { DownloadOptions, FetchLike, GunzipOptions, LoadOptions, Progress } from "./load-options.ts";
export { splitValidation, take } from "./split.ts";
export type { Dataset, ImageSet } from "./types.ts";
export { assembleDataset, maxDownloadBytes, sha256, type VerifiedFile, verifyFile } from "./verify.ts";
