import { join } from "node:path";
import { CheckpointError } from "../../formats/checkpoint.ts";
import type { LoadedModel } from "../../formats/model-file.ts";
import { openBase } from "../../run/base-node.ts";
import { resumed } from "../../run/checkpoint.ts";
import { type RunConfig, RunConfigError, type RunOptions } from "../../run/config.ts";
import { flagOf } from "../datasets.ts";
import { UsageError } from "../errors.ts";
import { findModel, type ModelSource } from "../models.ts";
import { printable } from "../output.ts";
import { type Ending, RunFolder } from "./folder.ts";
import { openRun } from "./load.ts";
import { type RunFlags, settingsOf } from "./settings.ts";
import { CHECKPOINT } from "./swap.ts";

export interface TrainOptions extends RunFlags {
  readonly offline?: boolean;
  readonly out?: string;
  readonly overwrite?: boolean;
  /** A run folder to go on with. */
  readonly resume?: string;
}

/** A training that can begin: its folder is this process's until close(). */
export interface Plan {
  readonly folder: RunFolder;
  readonly settings: RunOptions;
  /** undefined: that of the checkpoint. */
  readonly source?: ModelSource;
  /** The backbone that --base names. */
  readonly base?: LoadedModel;
  /** Whether checkpoints are to be made. */
  readonly checkpoints: boolean;
  /** What to go on from. */
  readonly checkpoint?: Uint8Array;
  /** There is nothing left to do: what to say, and what is recorded of the run. */
  readonly done?: { readonly text: string; readonly record: object };
}

/** A run of its own, in a folder of its own. Throws UsageError, ModelError, RunFolderError. */
export async function begin(options: TrainOptions): Promise<Plan> {
  const settings = await settingsOf(options);
  const { from, model } = settings;
  const base =
    settings.base === undefined ? undefined : await usage(() => openBase(settings as RunConfig, openRun));
  // Read once more when it is needed: here it is seen that it can be.
  const taken = base ?? (from === undefined ? undefined : await openRun(from));
  const source = base || model === undefined ? undefined : await findModel(model);
  const folder = await RunFolder.claim({
    out: options.out,
    overwrite: options.overwrite === true,
    name: `${settings.dataset.split(/[\\/]/).filter(Boolean).at(-1) ?? "data"}-${source?.name ?? taken?.model.name}`,
  });
  return {
    folder,
    settings,
    ...(source && { source }),
    ...(base && { base }),
    checkpoints: settings.checkpointEvery !== undefined,
  };
}

/** Settings that may be given beside --resume, and what else may. */
const SETTINGS = ["epochs", "checkpointEvery", "threads", "backend", "maxMemory", "dataset", "dataDir"];
const BESIDE = new Set([...SETTINGS, "resume", "learningRate", "offline", "json", "debug"]);

/** A run that goes on in its folder. Throws as begin(); CheckpointError where its checkpoint is damaged. */
export async function resume(path: string, flags: TrainOptions): Promise<Plan> {
  const other = Object.keys(flags).find((key) => !BESIDE.has(key));
  if (other !== undefined)
    throw new UsageError(
      `${flagOf(other as keyof RunOptions)} is given beside --resume, which goes on with the settings of the run: leave it out. --epochs, --learning-rate and --checkpoint-every may be others`,
    );
  const folder = await RunFolder.reopen(path);
  try {
    const checkpoint = await folder.checkpoint();
    const record = await folder.ending();
    const { learningRate, epochs } = flags;
    const settings: RunOptions = Object.fromEntries(
      Object.entries(flags).filter(([key]) => SETTINGS.includes(key)),
    );
    const changes = (epochs ?? record?.epochs) !== record?.epochs || learningRate !== undefined;
    if (record && !changes && (record.stoppedBy === undefined || record.stoppedBy === "callback"))
      return { folder, settings, checkpoints: false, done: { text: doneText(path, record), record } };
    if (record?.stoppedBy === "diverged" && learningRate === undefined)
      throw new UsageError(
        `${printable(path)} diverged, and would again at the same rate. Write: --resume ${printable(path)} --learning-rate ${tenth(record)}`,
      );
    const options: RunOptions = {
      ...settings,
      ...(learningRate !== undefined && { optimizer: { learningRate } as RunOptions["optimizer"] }),
    };
    // What is wrong with the flags is said before data is loaded.
    resumed(checkpoint, options, flagOf);
    return { folder, settings: options, checkpoints: true, checkpoint };
  } catch (error) {
    folder.close();
    if (error instanceof CheckpointError)
      throw new CheckpointError(`${printable(join(path, CHECKPOINT))}: ${error.message}`, { cause: error });
    if (!(error instanceof RunConfigError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** Settings are flags here. */
async function usage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RunConfigError)) throw error;
    throw new UsageError(asFlags(error.message), { cause: error });
  }
}

/** A message that begins with a setting, with its flag. */
export function asFlags(message: string): string {
  return message.replace(/^(from|base|model|cut|freeze|head)\b/, "--$1");
}

function doneText(path: string, { epochsCompleted: done, epochs, stopped }: Ending): string {
  const early = stopped ? `: one of its callbacks ended it after epoch ${done} of ${epochs}` : "";
  return `${printable(path)} is complete${early}. To train on write: --resume ${printable(path)} --epochs ${2 * epochs}`;
}

/** A tenth of the rate of a run; where that follows a schedule, one to begin with. */
function tenth({ configuration }: Ending): number {
  const { learningRate } = configuration.optimizer;
  return typeof learningRate === "number" ? Number((learningRate / 10).toPrecision(2)) : 1e-4;
}
