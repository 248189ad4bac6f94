import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  type DatasetInfo,
  encodeIdxImages,
  encodeIdxLabels,
  ROLES,
  type Role,
} from "../../../src/data/index.ts";
import { hash32 } from "../../support/fixture-values.ts";

const [TRAIN, TEST, SIDE] = [40, 20, 5];

export interface Mini {
  readonly info: DatasetInfo;
  /** The gzipped file of each name. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** SHA-256 of the training images' bytes. */
  readonly images: string;
  readonly labels: readonly number[];
}

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A small dataset as a mirror has it, with its registry entry. Another seed, another content. */
export function miniDataset(seed = 1): Mini {
  const part = (count: number, start: number) => ({
    images: Uint8Array.from({ length: count * SIDE * SIDE }, (_, i) => hash32(start + i) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => hash32(start - i) % 4),
  });
  const train = part(TRAIN, hash32(seed));
  const test = part(TEST, hash32(seed + 1));
  const shape = [SIDE, SIDE, 1] as const;
  const idx: Record<Role, Uint8Array> = {
    trainImages: encodeIdxImages({ images: train.images, count: TRAIN, shape }),
    trainLabels: encodeIdxLabels(train.labels),
    testImages: encodeIdxImages({ images: test.images, count: TEST, shape }),
    testLabels: encodeIdxLabels(test.labels),
  };
  const entries = ROLES.map((role) => [role, { name: `${role}.gz`, idx: sha(idx[role]) }] as const);
  return {
    info: {
      name: "mini",
      title: "Mini images",
      classNames: ["a", "b", "c", "d"],
      shape,
      trainCount: TRAIN,
      testCount: TEST,
      mirrors: [],
      files: Object.fromEntries(entries) as DatasetInfo["files"],
    },
    files: new Map(ROLES.map((role) => [`${role}.gz`, gzipSync(idx[role])])),
    images: sha(train.images),
    labels: [...test.labels.subarray(0, 10)],
  };
}
