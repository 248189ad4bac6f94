import { randomUUID } from "node:crypto";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileReason } from "../errors.ts";
import { DISK, type Disk, removeTree, syncFolder, writeNew } from "../files.ts";
import { printable } from "../output.ts";

/** Where a model went whose run folder took it no more; or why each place refused it. */
export type Rescue = { readonly path: string } | { readonly refusals: readonly string[] };

/** Folders to try, best first. The last ones are there on most Unixes; /dev/shm is memory. */
function places(): string[] {
  const known = [tmpdir, () => process.cwd(), homedir, () => "/var/tmp", () => "/dev/shm"].flatMap(
    (place) => {
      try {
        return [resolve(place())];
      } catch {
        // The working directory was deleted, or the user has no home.
        return [];
      }
    },
  );
  return [...new Set(known)];
}

/** Puts a trained model in the first of some folders that takes it, on the disk for certain. */
export async function rescue(
  model: Uint8Array,
  folders: readonly string[] = places(),
  disk: Disk = DISK,
): Promise<Rescue> {
  const refusals: string[] = [];
  for (const parent of folders) {
    const folder = join(parent, `wasmgrad-rescued-${randomUUID().slice(0, 8)}`);
    const path = join(folder, "model.safetensors");
    try {
      // Others on the machine have no business with it.
      disk.mkdirSync(folder, 0o700);
      await writeNew(disk, path, model);
      await syncFolder(disk, folder);
      await syncFolder(disk, parent);
      return { path };
    } catch (error) {
      refusals.push(`${printable(parent)} (${fileReason(error)})`);
      try {
        removeTree(disk, folder);
      } catch {}
    }
  }
  return { refusals };
}
