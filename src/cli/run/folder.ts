import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import { isObject } from "../../options/kinds.ts";
import { parseJson } from "../../options/strict-json.ts";
import { UsageError } from "../errors.ts";
import {
  attempt,
  codeOf,
  DISK,
  type Disk,
  holdsRealFolder,
  isThere,
  makeFolders,
  namesIn,
  removeFile,
  removeFolders,
  removeTree,
  syncFolder,
} from "../files.ts";
import { printable } from "../output.ts";
import { RunFolderError, refused } from "./errors.ts";
import { LOCK_FILE, RunLock, TAKEOVER_FILE } from "./lock.ts";
import { PROCESSES, type Processes } from "./processes.ts";
import {
  CHECKPOINT,
  commit,
  moveIn,
  NEXT,
  OWN_NAMES,
  PARTIAL,
  placesOf,
  promote,
  READY,
  RUN_FILES,
  type RunFiles,
  reopen,
} from "./swap.ts";

/** What a run folder stands on. Tests bring a disk that fails and processes that are dead. */
export interface Ground {
  readonly disk: Disk;
  readonly processes: Processes;
}
const GROUND: Ground = { disk: DISK, processes: PROCESSES };

/** What versions before 0.2 left behind where they were killed. */
const OLD_LEFTOVER = new RegExp(
  `^\\.(${[...RUN_FILES, ".writable"].map((name) => name.replaceAll(".", "\\.")).join("|")})\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.tmp$|^\\.writable$`,
);
/** Another process may remove a folder, as its run came to nothing, while this one is about to lock it. */
const MAX_TRIES = 10;

/** How a run ended, of what its `result.json` says. */
export interface Ending {
  readonly configuration: { readonly optimizer: { readonly learningRate?: unknown } };
  readonly epochs: number;
  readonly epochsCompleted: number;
  readonly stopped?: boolean;
  readonly stoppedBy?: string;
}

function isEnding(value: unknown): value is Ending {
  const { configuration, epochs, epochsCompleted } = Object(value) as Record<string, unknown>;
  return (
    isObject(configuration) &&
    isObject(configuration.optimizer) &&
    Number.isSafeInteger(epochs) &&
    Number.isSafeInteger(epochsCompleted)
  );
}

/** A folder that belongs to one training run, and to this process until close(). */
export class RunFolder {
  /** As the user would type it from the working directory. */
  readonly path: string;
  /** Whether it holds another run, which stays until this one is complete. */
  readonly replaces: boolean;
  readonly #ground: Ground;
  readonly #lock: RunLock;
  /** Absolute paths of the folders that were made for it, topmost first. */
  readonly #made: readonly string[];
  /** Where this run's files go: the folder itself, or the one in it for a run that is to replace another. */
  readonly #base: string;
  /** Where the checkpoint of the run is that goes on here. */
  readonly #source: string | undefined;
  readonly #stayOpen: () => void;
  #ownsNext = false;
  #begun = false;
  #saved = false;
  #complete = false;

  private constructor(
    path: string,
    made: readonly string[],
    lock: RunLock,
    { replaces, source }: Judged,
    ground: Ground,
  ) {
    this.path = path;
    this.#made = made;
    this.#lock = lock;
    this.#ground = ground;
    this.replaces = replaces;
    this.#base = replaces ? join(path, NEXT) : path;
    this.#source = source;
    this.#saved = source === this.#base;
    // A second Ctrl-C ends the process at once.
    this.#stayOpen = ground.processes.atExit(() => this.close());
  }

  /**
   * Makes the folder, locks it, puts in order what a process left there that was killed, and sees that files can be
   * written, before any work is put into them. Without `out`: `runs/<name>-<n>` with the first free n.
   *
   * Throws UsageError where `out` holds files: other ones than a run's, or a run's and no `overwrite`.
   * Throws RunFolderError where another training has the folder (code "locked") or the system refuses.
   */
  static async claim(
    options: { readonly out?: string | undefined; readonly overwrite: boolean; readonly name: string },
    ground = GROUND,
  ): Promise<RunFolder> {
    const { out, overwrite, name } = options;
    return out === undefined
      ? RunFolder.#numbered(join("runs", fileName(name)), ground)
      : RunFolder.#named(out, overwrite, ground);
  }

  static async #numbered(stem: string, ground: Ground): Promise<RunFolder> {
    for (let n = 1; ; n++) {
      const path = `${stem}-${n}`;
      try {
        return await RunFolder.#take(path, ground, (names) => {
          if (!names.every(isLeftover)) throw new Occupied();
          return { replaces: false, numbered: true };
        });
      } catch (error) {
        const inTheWay =
          error instanceof RunFolderError && codeOf(error.cause) === "EEXIST" && isThere(ground.disk, path);
        const taken = error instanceof RunFolderError && error.code === "locked";
        if (!(error instanceof Occupied) && !inTheWay && !taken) throw error;
      }
    }
  }

  static async #named(out: string, overwrite: boolean, ground: Ground): Promise<RunFolder> {
    return RunFolder.#take(out, ground, (names, locked) => {
      const other = names.some((name) => !OWN_NAMES.has(name) && !OLD_LEFTOVER.test(name));
      const isRun = names.includes("model.safetensors") || names.includes("result.json");
      const { disk } = ground;
      const next = join(out, NEXT);
      const unfinished =
        holdsRealFolder(disk, join(out, READY)) ||
        (holdsRealFolder(disk, next) && namesIn(disk, next).includes("model.safetensors"));
      if (other && !isRun && !unfinished)
        throw new UsageError(
          `--out is ${printable(out)}, which holds files that are no training run's: name a folder that is new or empty`,
        );
      if (locked && (isRun || unfinished) && !overwrite)
        throw new UsageError(
          `--out is ${printable(out)}, which holds a training run: name another folder, or add --overwrite to replace the run${checkpointIn(disk, out) ? `; to go on with it write --resume ${printable(out)}` : ""}`,
        );
      return { replaces: isRun };
    });
  }

  /**
   * The folder of a run that is to go on from its checkpoint: from that of an unfinished one in `.wasmgrad.next`, if there is
   * such. One that had come to its end, whatever that was, stays until it has come to the next.
   *
   * Throws UsageError where there is no checkpoint, RunFolderError as claim().
   */
  static async reopen(path: string, ground = GROUND): Promise<RunFolder> {
    const { disk } = ground;
    if (!isThere(disk, path))
      throw new UsageError(`--resume is ${printable(path)}: there is no such folder; expected a run folder`);
    if (!disk.statSync(path).isDirectory())
      throw new UsageError(`--resume is ${printable(path)}, a file; expected the run folder that it is in`);
    return RunFolder.#take(
      path,
      ground,
      (names) => {
        const source = checkpointIn(disk, path);
        if (source === undefined)
          throw new UsageError(
            `--resume is ${printable(path)}, which holds no ${CHECKPOINT}: a run can go on that was begun with --checkpoint-every 1`,
          );
        return { replaces: source !== path || names.includes("result.json"), source };
      },
      () => moveIn(disk, join(path, NEXT)),
    );
  }

  /**
   * @param judge told what is in the folder, before it is touched and again once it is locked; throws where the folder
   *   cannot be had
   * @param settle what else to put in order once it is locked
   */
  static async #take(
    path: string,
    ground: Ground,
    judge: (names: readonly string[], locked: boolean) => Judged,
    settle?: () => Promise<void>,
  ): Promise<RunFolder> {
    const { disk, processes } = ground;
    for (let tries = 1; ; tries++) {
      const made: string[] = [];
      let lock: RunLock | undefined;
      try {
        makeFolders(disk, path, made);
        judge(namesIn(disk, path), false);
        lock = await RunLock.take(path, disk, processes);
        await moveIn(disk, path);
        if (holdsRealFolder(disk, join(path, NEXT))) await settle?.();
        const judged = judge(namesIn(disk, path), true);
        removeTree(disk, join(path, PARTIAL));
        for (const name of namesIn(disk, path))
          if (OLD_LEFTOVER.test(name)) removeFile(disk, join(path, name));
        const own = resolve(path);
        if (judged.numbered && !made.includes(own)) made.push(own);
        return new RunFolder(path, made, lock, judged, ground);
      } catch (error) {
        lock?.release();
        removeFolders(disk, made);
        if (codeOf(error) === "ENOENT" && tries < MAX_TRIES) continue;
        throw error instanceof UsageError || error instanceof Occupied ? error : refused(path, error);
      }
    }
  }

  /**
   * Adds files to this run or replaces them, all in one step. They can be read from then on; those of a run that
   * replaces another once it is complete.
   * Throws RunFolderError; the files are what they were then.
   */
  async save(files: RunFiles): Promise<void> {
    const { disk } = this.#ground;
    try {
      this.#lock.hold();
      if (!this.#begun) await this.#begin();
      await commit(disk, this.#base, files);
      this.#saved = true;
    } catch (error) {
      this.#discardPartial();
      throw refused(this.path, error);
    }
  }

  /**
   * Saves the last files of this run, which is complete with them: it takes the place of the one it replaces.
   * Throws RunFolderError.
   */
  async complete(files: RunFiles): Promise<void> {
    await this.save(files);
    const { disk } = this.#ground;
    try {
      if (this.replaces) await promote(disk, this.path);
    } catch (error) {
      throw refused(this.path, error);
    } finally {
      this.#complete = !this.replaces || !isThere(disk, this.#base);
    }
  }

  /** The checkpoint to go on from. Throws as readWhole(). */
  checkpoint(): Promise<Uint8Array> {
    return readWhole(join(this.#source!, CHECKPOINT));
  }

  /** What `result.json` of the run that goes on says, if it has come to an end before, and what is there is a result. */
  async ending(): Promise<Ending | undefined> {
    const path = join(this.#source!, "result.json");
    if (!isThere(this.#ground.disk, path)) return undefined;
    try {
      const record = parseJson(new TextDecoder().decode(await readWhole(path)));
      return isEnding(record) ? record : undefined;
    } catch (error) {
      if (error instanceof DataError) throw error;
      return undefined;
    }
  }

  /** Where this run's model can be found, as far as it is saved. */
  get saved(): string | undefined {
    return this.#saved ? (this.#complete ? this.path : this.#base) : undefined;
  }

  /**
   * Gives the folder free. Folders that were made for a run that came to nothing are removed; a checkpoint of one that
   * was to replace another stays in `.wasmgrad.next` until the next training there. Never throws.
   */
  close(): void {
    const { disk } = this.#ground;
    this.#stayOpen();
    this.#discardPartial();
    if (this.#ownsNext && !this.#saved && this.#lock.held) attempt(() => removeTree(disk, this.#base));
    this.#lock.release();
    if (!this.#saved) removeFolders(disk, this.#made);
  }

  async #begin(): Promise<void> {
    const { disk } = this.#ground;
    const goesOn = this.#source === this.#base;
    // What another training got done in there before it was killed.
    if (!goesOn || !this.replaces) removeTree(disk, join(this.path, NEXT));
    if (goesOn) await reopen(disk, this.#base);
    else if (this.replaces) {
      disk.mkdirSync(this.#base);
      this.#ownsNext = true;
    }
    await syncFolder(disk, this.path);
    for (const folder of this.#made) await syncFolder(disk, dirname(folder));
    this.#begun = true;
  }

  #discardPartial(): void {
    // Who lost the lock leaves alone what may be another's.
    if (this.#lock.held) attempt(() => removeTree(this.#ground.disk, join(this.#base, PARTIAL)));
  }
}

/** Where in a run folder the checkpoint is of the run that is to go on: an unfinished one goes before. */
function checkpointIn(disk: Disk, path: string): string | undefined {
  const folders = [join(path, NEXT), path];
  return folders.find(
    (folder, i) =>
      (i === 1 || holdsRealFolder(disk, folder)) &&
      placesOf(disk, folder, CHECKPOINT).some((place) => isThere(disk, place)),
  );
}

/** What a folder is to a training. */
interface Judged {
  /** Whether it holds a run that stays until this one is complete. */
  readonly replaces: boolean;
  readonly source?: string;
  /** Whether its name was made up here: then it goes where nothing was saved in it, also if another that ended meanwhile made it. */
  readonly numbered?: boolean;
}

/** A numbered folder that is another run's. */
class Occupied extends Error {}

function isLeftover(name: string): boolean {
  return name === LOCK_FILE || name === TAKEOVER_FILE || name === PARTIAL || OLD_LEFTOVER.test(name);
}

/**
 * Where a process was killed between the one step in which a run changes and the moves that follow it, the moves are
 * done now: for commands that read a run. Does nothing where the folder is in use or cannot be written; what is read
 * is right in any case, see placesOf().
 */
export async function settle(path: string, { disk, processes }: Ground = GROUND): Promise<void> {
  try {
    if (!holdsRealFolder(disk, join(path, READY))) return;
    const lock = await RunLock.take(path, disk, processes);
    try {
      await moveIn(disk, path);
    } finally {
      lock.release();
    }
  } catch {}
}

/** A name as a part of a file name: letters, digits, dot, dash and underscore, at most 80 of them. */
function fileName(name: string): string {
  const safe = name
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9._-]+/g, "_")
    .replace(/^[._-]+/, "")
    .slice(0, 80);
  return safe || "run";
}

/** Whether a path is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
