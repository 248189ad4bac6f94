import { join } from "node:path";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import type { EngineOptions } from "../../engine/engine.ts";
import { type LoadedModel, ModelFileError } from "../../formats/model-file.ts";
import { loadModel } from "../../interchange/load-model.ts";
import type { LoadModelOptions } from "../../interchange/options.ts";
import type { LossData, LossName } from "../../losses/names.ts";
import { usualLoss } from "../../losses/usual-loss.ts";
import type { MetricName } from "../../metrics/metric.ts";
import { requireOneOfEach } from "../../run/build-model.ts";
import { figuresOf } from "../../run/config.ts";
import { mainFileIn, RUN_MODEL, withFilesBeside } from "../../run/model-files.ts";
import { DISK } from "../files.ts";
import { printable } from "../output.ts";
import { isFolder, settle } from "./folder.ts";
import { placesOf } from "./swap.ts";

export interface OpenedRun extends LoadedModel {
  /** Path of the model file. */
  readonly path: string;
}

/**
 * Reads the model of a run: `run` is its folder, or the path of a model file, of any format that is read. Options: see loadModel().
 * Throws DataError where it cannot be read, ModelFileError where it holds no model, MemoryError where that is too large.
 */
export async function openRun(run: string, options: LoadModelOptions = {}): Promise<OpenedRun> {
  const main = (await isFolder(run)) ? await mainFileIn(run) : undefined;
  const folder = main === RUN_MODEL;
  const path = main === undefined ? run : join(run, main);
  if (folder) await settle(run);
  let bytes: Uint8Array;
  try {
    // In this order: a training that moves the file meanwhile moves it from the first place to the second.
    const [newest, settled] = folder ? placesOf(DISK, run, RUN_MODEL) : [path];
    bytes = await readWhole(newest!).catch((error: unknown) => {
      if (isMissing(error) && settled !== undefined) return readWhole(settled);
      throw error;
    });
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new DataError(
      "not-found",
      folder
        ? `${printable(run)} is no run folder: it holds no model.safetensors. Expected a folder that \`wasmgrad train\` wrote`
        : `${printable(run)}: no such file or folder. Expected a run folder that \`wasmgrad train\` wrote, or a model file`,
      { cause: error },
    );
  }
  try {
    // How a model was trained is nothing to those who ask it or begin with its weights.
    const told = { onWarning: () => {}, ...options };
    return { ...(await loadModel(await withFilesBeside(path, bytes), told)), path };
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    const message =
      error.code === "needs-model"
        ? error.message.replace(
            /Write: .*/,
            () => `Write: wasmgrad convert ${printable(path)} model.safetensors --model NAME`,
          )
        : error.code === "fit"
          ? error.message.replace(/names: (\{.*\})/, "--names FILE.json, which holds $1")
          : error.code === "has-layers"
            ? error.message.replace(/`(\w+)`/, (_, name: string) => `--${kebab(name)}`)
            : error.message;
    throw new ModelFileError(error.code, `${printable(path)}: ${message}`, { cause: error });
  }
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function isMissing(error: unknown): boolean {
  return error instanceof DataError && error.code === "not-found";
}

/** Compiles the run's model, which starts its threads until dispose(). */
export async function readyModel(run: OpenedRun, engine: EngineOptions): Promise<void> {
  const { model, metadata } = run;
  requireOneOfEach(model);
  const loss = (metadata.loss ?? usualLoss(model.graph)) as LossName | LossData;
  await model.compile({
    loss,
    // SGD keeps no state: the smallest that a model which is not trained any further can be compiled with.
    optimizer: "sgd",
    // What a run reports, whatever the loss.
    metrics: figuresOf({ targets: metadata.targets, loss }).slice(1) as MetricName[],
    ...engine,
  });
}
