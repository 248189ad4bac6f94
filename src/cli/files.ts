import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const pending = new Set<string>();

/**
 * Writes a file so that it is there whole or not at all: a temporary file beside it, fsync, rename.
 * @throws the file system's error; the temporary file is gone then
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temp = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  pending.add(temp);
  try {
    const handle = await open(temp, "wx");
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    throw error;
  } finally {
    pending.delete(temp);
  }
}

/** Removes the temporary files of writes under way. Synchronous: for a process that is about to exit. */
export function discardPendingWrites(): void {
  for (const temp of pending) {
    try {
      rmSync(temp, { force: true });
    } catch {}
  }
}
