import type { ImageSet } from "./types.ts";

/** The four files every IDX dataset is made of, in the order they are fetched. */
export const ROLES = ["trainImages", "trainLabels", "testImages", "testLabels"] as const;
export type Role = (typeof ROLES)[number];

/** SHA-256 as 64 lower-case hex digits. `idx`: of the unpacked file, so that any recompression passes. `gz`: of the file as published. */
export interface FileChecksum {
  readonly idx?: string;
  readonly gz?: string;
}

export interface Mirror {
  /** The folder that holds the files. */
  readonly url: string;
  /** Whether it sends CORS headers, so that a web page may fetch from it. */
  readonly cors: boolean;
}

/** What is known of a downloadable dataset before a byte of it is here. */
export interface DatasetInfo {
  /** Also the name of its folder in the cache and in user-provided data folders. */
  readonly name: string;
  readonly title: string;
  readonly classNames: readonly string[];
  readonly shape: ImageSet["shape"];
  readonly trainCount: number;
  readonly testCount: number;
  /** Tried in this order. */
  readonly mirrors: readonly Mirror[];
  /** File names at the mirrors, all gzipped. */
  readonly files: Readonly<Record<Role, { readonly name: string } & FileChecksum>>;
}

/** Bytes of the unpacked IDX file of one role. */
export function idxBytes(info: DatasetInfo, role: Role): number {
  const count = role.startsWith("train") ? info.trainCount : info.testCount;
  if (role.endsWith("Labels")) return 8 + count;
  const [height, width, channels] = info.shape;
  return (channels === 1 ? 16 : 20) + count * height * width * channels;
}
