// One build at a time. Outputs are put into place whole by whoever builds, so two at once would do no harm, but the same
// work twice.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** The holder touches its lock this often ... */
const BEAT_MS = 2000;
/** ... and one that was not touched for so long is of a process that is gone, on this machine or another. */
const STALE_MS = 20_000;
const LOOK_MS = 100;

/**
 * Waits for the lock, and runs `work` with it.
 * @template T
 * @param {string} path of the lock file
 * @param {() => void} onWait called once, where another process has it
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, onWait, work) {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; !take(path); await sleep(LOOK_MS)) {
    if (isStale(path)) rmSync(path, { force: true });
    else if (!told) {
      told = true;
      onWait();
    }
  }
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {}
  }, BEAT_MS);
  const release = () => {
    if (ownerOf(path) === process.pid) rmSync(path, { force: true });
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.off("exit", release);
    release();
  }
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isStale(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) return false;
  if (Date.now() - stats.mtimeMs > STALE_MS) return true;
  const owner = ownerOf(path);
  return owner !== undefined && !isAlive(owner);
}

/** undefined where the lock is gone, or was made just now and has no number yet. */
function ownerOf(path) {
  try {
    return Number(readFileSync(path, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
