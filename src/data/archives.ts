import type { Mirror } from "./dataset-info.ts";

/** A dataset that is published as one archive, .tar.gz, with files of images and labels in it. Node loads them. */
export interface ArchiveInfo {
  /** Also the name of its folder in the cache and in user-provided data folders. */
  readonly name: string;
  readonly title: string;
  readonly classes: number;
  readonly shape: readonly [height: number, width: number, channels: number];
  readonly trainCount: number;
  readonly testCount: number;
  readonly mirrors: readonly Mirror[];
  readonly file: string;
  /** Of the archive. */
  readonly bytes: number;
  readonly sha256: string;
}

const CIFAR = {
  shape: [32, 32, 3],
  trainCount: 50_000,
  testCount: 10_000,
  mirrors: [{ url: "https://www.cs.toronto.edu/~kriz/", cors: false }],
} as const;

/** Sizes and checksums are those that TensorFlow Datasets has for the same archives. */
export const ARCHIVES: Readonly<Record<string, ArchiveInfo>> = {
  cifar10: {
    ...CIFAR,
    name: "cifar10",
    title: "CIFAR-10, small photos",
    classes: 10,
    file: "cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  },
  cifar100: {
    ...CIFAR,
    name: "cifar100",
    title: "CIFAR-100, small photos",
    classes: 100,
    file: "cifar-100-binary.tar.gz",
    bytes: 168_513_733,
    sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
  },
};

/** The archive's entry of that exact name. */
export function findArchive(name: string): ArchiveInfo | undefined {
  return Object.hasOwn(ARCHIVES, name) ? ARCHIVES[name] : undefined;
}
