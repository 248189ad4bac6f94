import { checkOptions } from "../options/check.ts";
import { callable, flag, type OptionsOf, optional, real, some, withDefaults } from "../options/kinds.ts";
import type { History, OwnCallbacks, TrainInfo, TrainingHandle } from "../train/callbacks.ts";
import type { TrainingState } from "../train/training-state.ts";
import {
  changeFrame,
  keepPieces,
  keptNames,
  readFrame,
  readPieces,
  removePieces,
  UnusableError,
} from "./pieces.ts";

/** Raised when an older record could be misread: such a one is forgotten. */
const VERSION = 1;
/** Milliseconds that epochs have to last for each of them to be kept. */
const LEAST_MS = 1000;
/** Milliseconds that a page waits for the one before, which may be just being closed. */
const PATIENCE_MS = 2000;
/** Numbers that are looked at in one task of the page. */
const LOOKED_AT = 2 ** 18;

/** What is kept of a training. */
interface Kept {
  readonly version: typeof VERSION;
  readonly state: TrainingState;
  readonly beside: unknown;
}

const table = {
  /** Which training it is: pages of one origin that give the same name go on with each other's. Default "training". */
  name: optional(
    some<string>("a name", (value) => typeof value === "string" && value !== ""),
    "training",
  ),
  /** Keeps the training so often in a long epoch; besides, at the end of each epoch, and when the page is hidden. Default 15. */
  everySeconds: optional(real(0, Number.POSITIVE_INFINITY, true), 15),
  /** Whether what is kept is removed at the end of training, stopped or not. Default true. */
  deleteCheckpoint: optional(flag, true),
  /** Gives what to keep beside the state, plain data: settings, say. */
  beside: callable<(state: TrainingState) => unknown>("a function of the state"),
  /** Told, once, why the training is not kept, in a sentence. Default: console.warn. */
  onNotice: callable<(text: string) => void>("a function of a text"),
};

export interface BackupAndRestoreOptions extends OptionsOf<typeof table> {}

/** Keeps a training in the browser's IndexedDB: a callback for fit(), and what was kept before. */
export interface TrainingBackup extends OwnCallbacks {
  /** Where the training was when its page was closed; undefined where there is none to go on with. */
  readonly initialState: TrainingState | undefined;
  /** What was kept beside it. */
  readonly beside: unknown;
  /** False while another page has the name: then nothing is kept. */
  readonly owned: boolean;
  /** Keeps the training as it is now, between two steps. Does nothing where none is under way. */
  save(): Promise<void>;
  /** Removes what is kept. */
  discard(): Promise<void>;
  /** Lets other pages have the name; what is kept stays. A page that is closed does that by itself. */
  close(): void;
}

/**
 * Pages: Keras's BackupAndRestore. A training goes on to the same bits after its page was reloaded, closed or has crashed:
 * `fit(train, { epochs, callbacks: backup, initialState: backup.initialState })`, with all else as it was. What is kept is written in the
 * background, in one transaction; a training whose loss is no longer finite leaves what was kept before.
 *
 * Where the browser keeps nothing, or has no room, the training goes on without. Throws RangeError on options out of range, Error outside of
 * pages.
 */
export async function backupAndRestore(options: BackupAndRestoreOptions = {}): Promise<TrainingBackup> {
  checkOptions({ call: "backupAndRestore(*)", table }, options);
  if (typeof window === "undefined" && typeof WorkerGlobalScope === "undefined")
    throw new Error(
      "backupAndRestore() keeps a training in a browser's IndexedDB: here write files, with modelCheckpoint({ save })",
    );
  const backup = await Backup.open(options.name ?? "training", options);
  await backup.read();
  return backup;
}

declare const WorkerGlobalScope: unknown;

/** See backupAndRestore(), which reads at once; the page looks at what there is before. */
export class Backup implements TrainingBackup {
  readonly comesLast = true;
  readonly name: string;
  readonly owned: boolean;
  initialState: TrainingState | undefined;
  beside: unknown;
  readonly #options: BackupAndRestoreOptions;
  readonly #everyMs: number;
  readonly #release: () => void;
  #training: TrainingHandle | undefined;
  #epochs = 0;
  /** When it was kept last; of a training that is not yet, when it began. */
  #last = 0;
  #anyYet = false;
  /** One state is taken and written at a time. */
  #busy: Promise<void> | undefined;
  #told = false;
  /** Why what is kept could not be read now: until it is seen to be gone, nothing takes its place. */
  #unread: string | undefined;

  private constructor(name: string, options: BackupAndRestoreOptions, release: (() => void) | undefined) {
    const { everySeconds } = withDefaults(table, { ...options });
    this.name = name;
    this.owned = release !== undefined;
    this.#options = options;
    this.#everyMs = everySeconds * 1000;
    this.#release = release ?? (() => {});
    if (!release)
      this.#tell("Another page trains under the same name: this training is not kept over a reload.");
  }

  static async open(
    name: string,
    options: BackupAndRestoreOptions = {},
    patienceMs = PATIENCE_MS,
  ): Promise<Backup> {
    return new Backup(name, options, await take(name, patienceMs));
  }

  /** For a name that no other page has: at once, and without a look at what is kept. */
  static begin(name: string, options: BackupAndRestoreOptions): Backup {
    const taken = take(name, PATIENCE_MS);
    return new Backup(name, options, () => void taken.then((release) => release?.()));
  }

  /** Reads what is kept; what is of an older version, or damaged, is removed. What cannot be read now stays, and that is told. */
  async read(): Promise<void> {
    if (!this.owned) return;
    try {
      const kept = await this.load();
      this.initialState = kept?.state;
      this.beside = kept?.beside;
    } catch (error) {
      if (error instanceof UnusableError) return removePieces(this.name).catch(() => {});
      this.#unread = (error as Error).message;
      await this.#spares().catch(() => {});
    }
  }

  /** What is kept; undefined where there is nothing. Rejects with UnusableError where it never can be read, else it may be later. */
  async load(): Promise<Pick<Kept, "state" | "beside"> | undefined> {
    return required(await readPieces(this.name));
  }

  /** As load(), of what is kept beside the state alone. */
  async readBeside(): Promise<unknown> {
    return required(await readFrame(this.name))?.beside;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#busy;
  }

  /** Changes what is kept beside the state. */
  async amend(change: (beside: unknown) => unknown): Promise<void> {
    await this.#busy;
    await changeFrame(this.name, (kept) => ({ ...(kept as Kept), beside: change((kept as Kept).beside) }));
  }

  onTrainBegin({ epochs }: TrainInfo, training: TrainingHandle): void {
    if (!this.owned) return;
    this.#training = training;
    this.#epochs = epochs;
    this.#last = performance.now();
    this.#anyYet = false;
    globalThis.document?.addEventListener("visibilitychange", this.#onHide);
  }

  onBatchEnd(): void {
    if (performance.now() - this.#last >= this.#everyMs) void this.#keep();
  }

  onEpochEnd(): Promise<void> | undefined {
    if (this.#anyYet && performance.now() - this.#last < LEAST_MS) return undefined;
    return this.#keep();
  }

  async onTrainEnd({ diverged }: History): Promise<void> {
    this.#end();
    // The last one before is what to go on from.
    if (diverged) return;
    this.initialState = undefined;
    if ((this.#options.deleteCheckpoint ?? true) && this.#unread === undefined) await this.discard();
  }

  async save(): Promise<void> {
    // What is being kept may be of a step before.
    while (this.#busy) await this.#busy;
    await this.#keep();
    await this.#busy;
  }

  async discard(): Promise<void> {
    this.#end();
    await this.#busy;
    this.initialState = undefined;
    this.#unread = undefined;
    if (this.owned) await removePieces(this.name).catch(() => {});
  }

  close(): void {
    this.#end();
    this.#release();
  }

  readonly #onHide = (): void => {
    if (document.visibilityState === "hidden") void this.#keep();
  };

  #end(): void {
    this.#training = undefined;
    globalThis.document?.removeEventListener("visibilitychange", this.#onHide);
  }

  /** Resolves when the state is taken: the training need not wait until it is written. */
  async #keep(): Promise<void> {
    const training = this.#training;
    if (!training || this.#busy) return;
    this.#last = performance.now();
    this.#anyYet = true;
    // Where the training has ended, fit() says why.
    const taken = (async () => training.state())().catch(() => undefined);
    this.#busy = taken
      .then((state) => state && this.#write(state))
      .finally(() => {
        this.#busy = undefined;
      });
    await taken;
  }

  async #write(state: TrainingState): Promise<void> {
    const { epoch, optimizer, history } = state;
    // One that diverged has its last good weights, and an optimizer that begins anew: the state before is what to go on from.
    if (epoch >= this.#epochs || history.diverged || optimizer.step < history.steps) return;
    try {
      // At once: it is of this state.
      const beside = this.#options.beside?.(state);
      if ((await allFinite(state)) && !(await this.#spares()))
        await keepPieces(this.name, { version: VERSION, state, beside } satisfies Kept);
    } catch (error) {
      this.#tell(
        error instanceof DOMException && error.name === "QuotaExceededError"
          ? "This browser has no room to keep the training: it goes on, but not after a reload."
          : "This browser keeps nothing of this page, as in some private windows: the training goes on, but not after a reload.",
      );
    }
  }

  /** Whether an earlier training is there that could not be read: it stays. Rejects where nothing is kept. */
  async #spares(): Promise<boolean> {
    if (this.#unread === undefined) return false;
    if (!(await keptNames()).includes(this.name)) {
      this.#unread = undefined;
      return false;
    }
    this.#tell(
      `An earlier training is kept, but cannot be read now (${this.#unread}). It stays, so this training is not kept over a reload: reload the page to go on with the earlier one, or remove it with discard().`,
    );
    return true;
  }

  #tell(text: string): void {
    if (this.#told) return;
    this.#told = true;
    if (this.#options.onNotice) this.#options.onNotice(text);
    else console.warn(`wasmgrad: ${text}`);
  }
}

/** Throws UnusableError on what is of an older version, or damaged; Error on what is of a newer one. */
function required(value: unknown): Kept | undefined {
  if (value === undefined) return undefined;
  const { version, state } = Object(value) as Partial<Kept>;
  if (version === VERSION && state?.version === 1) return value as Kept;
  if (Number(version) > VERSION || Number(state?.version) > 1)
    throw new Error("a newer version has kept it: reload the page to have that");
  throw new UnusableError("what is kept is of an older version, or damaged");
}

/** Nobody can go on from another: it must not take the place of one that is good. */
async function allFinite({ weights, optimizer }: TrainingState): Promise<boolean> {
  let looked = 0;
  for (const { data } of [weights, ...optimizer.vectors].flat())
    for (let at = 0; at < data.length; at += LOOKED_AT) {
      const part = data.subarray(at, at + LOOKED_AT);
      if (!part.every(Number.isFinite)) return false;
      looked += part.length;
      if (looked < LOOKED_AT) continue;
      looked = 0;
      await new Promise((resolve) => setTimeout(resolve));
    }
  return true;
}

/** Takes a training's lock, and returns what lets go of it; undefined where another page has it. */
function take(training: string, patienceMs: number): Promise<(() => void) | undefined> {
  const { locks } = globalThis.navigator;
  // On a page that is neither https nor localhost there are none.
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    locks
      .request(
        `wasmgrad-training ${training}`,
        { signal: AbortSignal.timeout(patienceMs) },
        () => new Promise<void>((release) => resolve(release)),
      )
      .catch(({ name }: Error) =>
        // Where pages may hold none, none is held.
        resolve(name === "AbortError" || name === "TimeoutError" ? undefined : () => {}),
      );
  });
}
