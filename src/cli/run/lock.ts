import { join } from "node:path";
import { codeOf, type Disk, removeFile } from "../files.ts";
import { printable } from "../output.ts";
import { RunFolderError } from "./errors.ts";
import type { Owner, Processes } from "./processes.ts";

/** Names its owner while a training has the folder. */
export const LOCK_FILE = ".wasmgrad.lock";
/** There while a dead owner's lock is taken away, so that of two who do so neither takes the other's new one. */
export const TAKEOVER_FILE = ".wasmgrad.lock.takeover";

/** A lock is written microseconds after it is made: if it can't be read for this long, its maker died between the two. */
const UNREADABLE_MS = 1000;
const WAIT_MS = 50;
const MAX_TRIES = 100;

/**
 * A run folder's lock: one training at a time.
 *
 * It is a file that names the owner's process, not one whose time is renewed: an owner that was killed is known to be
 * dead at once, and one that was only suspended for a night keeps its folder.
 */
export class RunLock {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #processes: Processes;
  /** What the lock file holds while it is this one's. */
  readonly #text: string;

  private constructor(folder: string, disk: Disk, processes: Processes) {
    this.#folder = folder;
    this.#disk = disk;
    this.#processes = processes;
    this.#text = `${JSON.stringify(processes.self())}\n`;
  }

  /**
   * Locks a folder, or takes it over from an owner that is dead.
   * Throws RunFolderError with code "locked" where another has it.
   * Throws the file system's error, ENOENT where the folder is gone.
   */
  static async take(folder: string, disk: Disk, processes: Processes): Promise<RunLock> {
    const lock = new RunLock(folder, disk, processes);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (lock.#create(LOCK_FILE)) return lock;
      const found = await lock.#inspect(LOCK_FILE);
      if (found.state === "runs" || found.state === "unknown") throw locked(folder, found.owner!, processes);
      if (found.state === "dead") await lock.#removeDead(found.text);
    }
    throw new RunFolderError(
      `${printable(folder)} cannot be locked: ${LOCK_FILE} comes and goes. If no training runs there, delete it`,
      { code: "locked" },
    );
  }

  /**
   * To be called before anything is written that others see.
   * Throws RunFolderError where the lock file was deleted and another has the folder now.
   */
  hold(): void {
    const path = join(this.#folder, LOCK_FILE);
    if (this.#read(LOCK_FILE) === this.#text || this.#create(LOCK_FILE)) return;
    const owner = parseOwner(this.#read(LOCK_FILE));
    throw new RunFolderError(
      `${printable(path)} is no longer this training's: it was deleted, and ${owner ? describe(owner) : "another process"} has the folder now`,
      { code: "locked" },
    );
  }

  /** Whether the lock file is this one's, as far as can be seen. */
  get held(): boolean {
    try {
      return this.#read(LOCK_FILE) === this.#text;
    } catch {
      return false;
    }
  }

  /** Never throws: a lock that cannot be removed is a dead owner's from now on. */
  release(): void {
    try {
      if (this.held) this.#disk.unlinkSync(join(this.#folder, LOCK_FILE));
    } catch {}
  }

  /** False where it is there already. */
  #create(name: string): boolean {
    try {
      this.#disk.writeFileSync(join(this.#folder, name), this.#text, { flag: "wx" });
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      // A full disk may take the name and not the content: an empty lock would make others wait.
      if (codeOf(error) !== "ENOENT" && this.#read(name) === "")
        removeFile(this.#disk, join(this.#folder, name));
      throw error;
    }
  }

  /** A link, a pipe or a device, which a folder that comes from others may hold, reads as an empty file: torn, and no owner's. */
  #read(name: string): string | undefined {
    const path = join(this.#folder, name);
    try {
      return this.#disk.lstatSync(path).isFile() ? this.#disk.readFileSync(path, "utf8") : "";
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async #inspect(name: string): Promise<{
    readonly state: "gone" | "runs" | "unknown" | "dead";
    readonly text: string;
    readonly owner?: Owner;
  }> {
    for (let waited = 0; ; waited += WAIT_MS) {
      const text = this.#read(name);
      if (text === undefined) return { state: "gone", text: "" };
      const owner = parseOwner(text);
      if (owner) return { state: this.#processes.look(owner), text, owner };
      if (waited >= UNREADABLE_MS) return { state: "dead", text };
      await this.#processes.wait(WAIT_MS);
    }
  }

  /** Removes the lock if it still is the dead owner's, whose text is given. */
  async #removeDead(text: string): Promise<void> {
    if (!this.#create(TAKEOVER_FILE)) {
      const other = await this.#inspect(TAKEOVER_FILE);
      if (other.state === "dead") this.#removeIf(TAKEOVER_FILE, other.text);
      else await this.#processes.wait(WAIT_MS);
      return;
    }
    try {
      this.#removeIf(LOCK_FILE, text);
    } finally {
      this.#removeIf(TAKEOVER_FILE, this.#text);
    }
  }

  /** Removes a file that still holds what was found in it: what came in its place is another's. */
  #removeIf(name: string, text: string): void {
    if (this.#read(name) === text) removeFile(this.#disk, join(this.#folder, name));
  }
}

function locked(folder: string, owner: Owner, processes: Processes): RunFolderError {
  const path = printable(folder);
  const here = processes.look(owner) === "runs";
  const wait = "wait until it has ended, or name another folder with --out";
  return new RunFolderError(
    here
      ? `${path} is in use by another training, ${describe(owner)}: ${wait}`
      : `${path} is in use by a training on another machine or in another container, ${describe(owner)}. ` +
          `Whether it still runs cannot be seen from here (${printable(processes.self().host)}): ${wait}; ` +
          `if it is gone, delete ${printable(join(folder, LOCK_FILE))}`,
    { code: "locked" },
  );
}

function describe({ pid, host, since }: Owner): string {
  // Swedish has ISO 8601's order, in local time: 2026-01-31 14:05:09.
  return `process ${pid} on ${printable(host)}, since ${new Date(since).toLocaleString("sv")}`;
}

/** The owner that a lock names; undefined where it is empty, torn or no lock. */
function parseOwner(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? "") as Owner;
    const { pid, host, since, token, machine, boot, space, started } = owner;
    const strings = [host, since, token, machine ?? "", boot ?? "", space ?? "", started ?? ""];
    const valid =
      Number.isSafeInteger(pid) &&
      pid > 0 &&
      strings.every((value) => typeof value === "string") &&
      Number.isFinite(Date.parse(since));
    return valid ? owner : undefined;
  } catch {
    return undefined;
  }
}
