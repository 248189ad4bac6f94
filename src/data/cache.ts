import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import envPaths from "env-paths";

/** Node only: the user's cache folder, atomic writes into it, and a lock that spares two runs the same download. */

const TEMP_SUFFIX = ".tmp";
/** As writeAtomic() calls temporary files: what others keep in the folder is theirs, whatever its name ends in. */
const TEMP_NAME = /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;
/** A write takes seconds; a temporary file this old belongs to a run that was killed. */
const TEMP_STALE_MS = 60 * 60 * 1000;
const LOCK_NAME = ".lock";
const LOCK_BEAT_MS = 1_000;
/** Several missed beats: its owner was killed. */
const LOCK_STALE_MS = 6_000;
const LOCK_POLL_MS = 50;

/**
 * Where downloads are kept: `$XDG_CACHE_HOME/wasmgrad` or `~/.cache/wasmgrad` on Linux, `~/Library/Caches/wasmgrad` on
 * macOS, `%LOCALAPPDATA%\wasmgrad\Cache` on Windows.
 */
export function defaultCacheDir(): string {
  return resolve(envPaths("wasmgrad", { suffix: "" }).cache);
}

/**
 * Writes a file so that no other process ever sees a part of it, and none is left after a crash or power cut:
 * a temporary file in the same folder, fsync, rename.
 * Throws the file system's error; the temporary file is gone then.
 */
export async function writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await sweepTemps(folder);
  const temp = join(folder, `.${basename(path)}.${randomUUID()}${TEMP_SUFFIX}`);
  try {
    const handle = await open(temp, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
  } catch (error) {
    await discard(temp);
    throw error;
  }
}

/** Removes what killed runs left behind. */
async function sweepTemps(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TEMP_NAME.test(name)) continue;
    const path = join(folder, name);
    if ((await ageMs(path)) > TEMP_STALE_MS) await discard(path);
  }
}

/** Removes a file that does not matter, so neither does a failure to. */
async function discard(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}

/** Milliseconds since the file was modified; 0 if it is gone. A time in the future (another machine's clock) counts alike. */
async function ageMs(path: string): Promise<number> {
  try {
    return Math.abs(Date.now() - (await stat(path)).mtimeMs);
  } catch {
    return 0;
  }
}

/**
 * Runs `work` while no other run, in this process or another, does so for the same folder.
 * It only saves double work: correctness rests on atomic writes, so where no lock can be made (a read-only folder) or
 * its owner was killed, `work` simply runs.
 * Throws what `work` throws, or the signal's reason if aborted while waiting.
 * @param onWait called once if another run has to be waited for
 */
export async function withFolderLock<T>(
  folder: string,
  work: () => Promise<T>,
  options: { readonly signal?: AbortSignal | undefined; readonly onWait?: () => void } = {},
): Promise<T> {
  const path = join(folder, LOCK_NAME);
  const token = randomUUID();
  let waiting = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const outcome = await tryLock(path, token);
    if (outcome === "unavailable") return work();
    if (outcome === "locked") break;
    if ((await ageMs(path)) > LOCK_STALE_MS) {
      await discard(path);
      // Still there: it can't be removed, so it can't be waited for either.
      if ((await tryLock(path, token)) !== "locked") return work();
      break;
    }
    if (!waiting) options.onWait?.();
    waiting = true;
    // An abort is noticed at the top of the loop, where it throws the signal's own reason.
    await sleep(LOCK_POLL_MS);
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, LOCK_BEAT_MS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await unlock(path, token);
  }
}

async function tryLock(path: string, token: string): Promise<"locked" | "taken" | "unavailable"> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "wx");
    try {
      await handle.writeFile(token);
    } finally {
      await handle.close();
    }
    return "locked";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? "taken" : "unavailable";
  }
}

/** Leaves the lock alone if another run took it over, having thought this one dead. */
async function unlock(path: string, token: string): Promise<void> {
  const owner = await readFile(path, "utf8").catch(() => undefined);
  if (owner === token) await discard(path);
}
