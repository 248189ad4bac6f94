// Whether what was built is what would be built now: by content, so that a branch switch, a touched or a restored file,
// or an output that was changed by hand are all told right.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Where records of builds, the lock and builds under way are, from the root. */
export const STATE = ".cache/build";

/**
 * @typedef {object} Target
 * @property {string} name of its record: letters, digits and dashes
 * @property {string} label what is built, for people
 * @property {boolean} [quiet] built at once: nothing is said of it
 * @property {readonly string[]} inputs files and folders, from the root; a folder stands for all that is below it
 * @property {(path: string) => boolean} [except] inputs that do not count
 * @property {string} [salt] what else the outputs depend on, such as versions of tools
 * @property {string} [folder] a folder that is all its own: whatever else lies there is removed
 * @property {readonly string[]} [needs] names of targets that are built before
 * @property {(staging: string) => readonly [command: string, args: readonly string[]]} build
 *   what writes the outputs into a folder of their own, at their paths from the root
 */

/** Hashes of files, each read once a process, until forgotten. */
export class Hashes {
  #root;
  #known = new Map();

  /** @param {string} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} path from the root */
  of(path) {
    let hash = this.#known.get(path);
    if (hash === undefined) {
      hash = sha256(readFileSync(join(this.#root, path)));
      this.#known.set(path, hash);
    }
    return hash;
  }

  forget(path) {
    this.#known.delete(path);
  }
}

/** What a target's outputs depend on, as one hash. @param {Target} target */
export function fingerprint(root, target, hashes) {
  const lines = target.inputs
    .flatMap((path) => filesBelow(root, path))
    .filter((path) => !target.except?.(path))
    .map((path) => `${path} ${hashes.of(path)}`);
  return sha256([target.salt ?? "", ...new Set(lines)].join("\n"));
}

/**
 * Whether a target's outputs are all there, whole, and made from what its inputs are now.
 * @param {Target} target
 */
export function isFresh(root, target, hashes) {
  const record = readRecord(root, target);
  if (!record?.key || record.key !== fingerprint(root, target, hashes)) return false;
  let touched = false;
  for (const output of record.outputs) {
    const stats = statSync(join(root, output.path), { throwIfNoEntry: false });
    if (!stats?.isFile()) return false;
    if (stats.size === output.size && stats.mtimeMs === output.mtimeMs) continue;
    if (stats.size !== output.size || hashes.of(output.path) !== output.hash) return false;
    output.mtimeMs = stats.mtimeMs;
    touched = true;
  }
  if (touched) writeRecord(root, target, record);
  return true;
}

/**
 * After a build: puts what is in the staging folder into place, file by file, each whole or not at all; removes outputs of
 * the last build that this one does not have; and records it, unless inputs have changed meanwhile. Killed in between, it
 * leaves the record of the build before, whose inputs or outputs those are no more.
 * @param {string} key the fingerprint before the build
 */
export function finish(root, target, staging, hashes, key) {
  const before = readRecord(root, target)?.outputs ?? [];
  const outputs = filesBelow(staging, "").map((path) => {
    const from = join(staging, path);
    const to = join(root, path);
    const hash = sha256(readFileSync(from));
    // An output that is the same keeps its time, for those who watch it.
    if (!isFile(to) || sha256(readFileSync(to)) !== hash) {
      if (!isFile(to)) rmSync(to, { recursive: true, force: true });
      mkdirSync(dirname(to), { recursive: true });
      renameSync(from, to);
    }
    hashes.forget(path);
    const { size, mtimeMs } = statSync(to);
    return { path, hash, size, mtimeMs };
  });
  const current = new Set(outputs.map(({ path }) => path));
  const others = target.folder === undefined ? [] : filesBelow(root, target.folder);
  for (const path of new Set([...before.map((output) => output.path), ...others]))
    if (!current.has(path)) removeWithEmptyFolders(root, path);
  const changed = fingerprint(root, target, new Hashes(root)) !== key;
  writeRecord(root, target, { key: changed ? "" : key, outputs });
}

/** Files below a path, sorted, with / between names; none where nothing is there. */
export function filesBelow(root, path) {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (!stats) return [];
  if (!stats.isDirectory()) return [path];
  return readdirSync(join(root, path), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      return entry.isFile() ? [inner] : filesBelow(root, inner);
    });
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function removeWithEmptyFolders(root, path) {
  rmSync(join(root, path), { force: true });
  for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
    try {
      rmdirSync(join(root, folder));
    } catch {
      return;
    }
  }
}

function recordPath(root, { name }) {
  return join(root, STATE, `${name}.json`);
}

/** @returns {{ key: string, outputs: { path: string, hash: string, size: number, mtimeMs: number }[] } | undefined} */
function readRecord(root, target) {
  const path = recordPath(root, target);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // Not one of ours, or of a disk that was full: as if it were not there.
    return undefined;
  }
}

function writeRecord(root, target, record) {
  const path = recordPath(root, target);
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, JSON.stringify(record));
  renameSync(beside, path);
}

function sha256(data) {
  return createHash("sha256").update(data).digest("hex");
}
