import { type DatasetInfo, idxBytes, ROLES, type Role } from "../../data/dataset-info.ts";
import { DATASETS } from "../../data/datasets.ts";
import type { Dataset } from "../../data/types.ts";
import { assembleDataset, sha256 } from "../../data/verify.ts";

/** A file of a dataset that this package knows by its SHA-256. */
export interface KnownFile {
  readonly info: DatasetInfo;
  readonly role: Role;
}

/** Which dataset's file this is, whatever its name. `file`: as it was given; `idx`: unpacked. */
export async function knownFile(file: Uint8Array, idx: Uint8Array): Promise<KnownFile | undefined> {
  // Pages that are not served safely have no SHA-256: their files stay nameless.
  if (!globalThis.crypto?.subtle) return undefined;
  const candidates = Object.values(DATASETS).flatMap((info) =>
    ROLES.filter((role) => idxBytes(info, role) === idx.length).map((role) => ({ info, role })),
  );
  if (candidates.length === 0) return undefined;
  const [given, unpacked] = [await sha256(file), await sha256(idx)];
  return candidates.find(({ info, role }) => {
    const { gz, idx: plain } = info.files[role];
    return plain === unpacked || gz === given;
  });
}

/** The dataset whose files these all are; undefined where they are not all of one, or some are missing. */
export function knownDataset(
  files: readonly { readonly known: KnownFile | undefined; readonly idx: Uint8Array }[],
): Dataset | undefined {
  const info = files[0]?.known?.info;
  if (!info || files.length !== ROLES.length) return undefined;
  const byRole = new Map(
    files.filter(({ known }) => known?.info === info).map((f) => [f.known!.role, f.idx]),
  );
  return byRole.size === ROLES.length
    ? assembleDataset(info, Object.fromEntries(byRole) as Record<Role, Uint8Array>)
    : undefined;
}
