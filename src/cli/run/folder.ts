import { mkdir, mkdtemp, readdir, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileReason, UsageError } from "../errors.ts";
import { writeFileAtomic } from "../files.ts";
import { printable } from "../output.ts";

/** What a run folder holds once its run has ended, in the order written: `result.json` says that all is there. */
export const RUN_FILES = [
  "model.safetensors",
  "history.csv",
  "accuracy.svg",
  "loss.svg",
  "report.html",
  "result.json",
] as const;
export type RunFile = (typeof RUN_FILES)[number];

/** A run folder that cannot be made or written. */
export class RunFolderError extends Error {
  override readonly name = "RunFolderError";
}

/** A folder that belongs to one training run. */
export class RunFolder {
  /** As the user would type it from the working directory. */
  readonly path: string;
  /** The topmost folder that was made for it, if any. */
  readonly #made: string | undefined;
  #written = false;

  private constructor(path: string, made: string | undefined) {
    this.path = path;
    this.#made = made;
  }

  /**
   * Makes the folder and sees that files can be written, before any work is put into them.
   * Without `out`: `runs/<name>-<n>` with the first free n.
   *
   * @throws UsageError where `out` holds files: other ones than a run's, or a run's and no `overwrite`
   * @throws RunFolderError where the system refuses
   */
  static async claim(options: {
    readonly out?: string | undefined;
    readonly overwrite: boolean;
    readonly name: string;
  }): Promise<RunFolder> {
    const { out, overwrite, name } = options;
    const folder =
      out === undefined
        ? await RunFolder.#numbered(join("runs", fileName(name)))
        : await RunFolder.#named(out, overwrite);
    const probe = join(folder.path, ".writable");
    try {
      await writeFileAtomic(probe, "");
      await rm(probe);
    } catch (error) {
      await folder.abandon();
      throw refused(folder.path, error);
    }
    return folder;
  }

  static async #numbered(stem: string): Promise<RunFolder> {
    let made = await makeFolder(dirname(stem));
    for (let n = 1, retries = 3; ; ) {
      const path = `${stem}-${n}`;
      try {
        // Not recursive: of two runs that try at once, one fails here and takes the next number.
        await mkdir(path);
        return new RunFolder(path, made ?? path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EEXIST") n++;
        // Another run that came to nothing has just removed the folder above.
        else if (code === "ENOENT" && retries-- > 0) made = (await makeFolder(dirname(stem))) ?? made;
        else throw refused(path, error);
      }
    }
  }

  static async #named(out: string, overwrite: boolean): Promise<RunFolder> {
    const made = await makeFolder(out);
    const names = await readdir(out).catch((error: unknown) => {
      throw refused(out, error);
    });
    if (names.length > 0) {
      const isRun = names.includes("model.safetensors") || names.includes("result.json");
      if (!isRun)
        throw new UsageError(
          `--out is ${printable(out)}, which holds files that are no training run's: name a folder that is new or empty`,
        );
      if (!overwrite)
        throw new UsageError(
          `--out is ${printable(out)}, which holds a training run: name another folder, or add --overwrite to replace the run`,
        );
    }
    return new RunFolder(out, made);
  }

  /**
   * Writes a file, whole or not at all. The first one removes what an overwritten run left,
   * so that files of two runs never stand side by side.
   * @throws RunFolderError
   */
  async write(name: RunFile, data: string | Uint8Array): Promise<void> {
    const path = join(this.path, name);
    try {
      if (!this.#written) {
        for (const old of [...RUN_FILES].reverse()) await rm(join(this.path, old), { force: true });
        this.#written = true;
      }
      await writeFileAtomic(path, data);
    } catch (error) {
      throw refused(path, error);
    }
  }

  /** Removes the folders that were made for a run that came to nothing. */
  async abandon(): Promise<void> {
    if (this.#written || this.#made === undefined) return;
    const top = resolve(this.#made);
    for (let path = resolve(this.path); ; path = dirname(path)) {
      try {
        await rmdir(path);
      } catch {
        return;
      }
      if (path === top || !path.startsWith(top)) return;
    }
  }
}

/** Puts a trained model where there is room, when its run folder takes it no more. Returns its path. */
export async function rescue(model: Uint8Array): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "wasmgrad-rescued-")), "model.safetensors");
  await writeFileAtomic(path, model);
  return path;
}

/** The topmost folder that had to be made; undefined if it was there. */
async function makeFolder(path: string): Promise<string | undefined> {
  try {
    // One by one: mkdir's own `recursive` tries for ever where the system has no room for a folder, as below /proc.
    const missing: string[] = [];
    for (let folder = resolve(path); !(await holdsFolder(folder)); folder = dirname(folder))
      missing.unshift(folder);
    for (const folder of missing)
      await mkdir(folder).catch(async (error: unknown) => {
        // Another run may have made it just now.
        if (!(await holdsFolder(folder))) throw error;
      });
    const [made] = missing;
    return made === undefined ? undefined : relative(process.cwd(), made) || made;
  } catch (error) {
    throw refused(path, error);
  }
}

/** False where nothing has that name. Throws where something else has it, or it can't be looked at. */
async function holdsFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && dirname(path) !== path) return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: "EEXIST" });
}

function refused(path: string, error: unknown): RunFolderError {
  const { code } = error as NodeJS.ErrnoException;
  // mkdir says EEXIST where a file has the folder's name.
  const reason = code === "EEXIST" ? "a file is in the way" : fileReason(error);
  const hint = basename(path).includes(".") ? "" : "; name a folder that can be written with --out";
  return new RunFolderError(`cannot write ${printable(path)}: ${reason}${hint}`, { cause: error });
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
