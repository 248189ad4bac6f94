import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../../data/errors.ts";
import { readWhole } from "../../data/files.ts";
import type { EngineOptions } from "../../engine/engine.ts";
import { type LoadedModel, ModelFileError } from "../../formats/model-file.ts";
import { loadModel } from "../../interchange/load-model.ts";
import type { LoadModelOptions } from "../../interchange/options.ts";
import { isInside } from "../../interchange/tfjs/shards.ts";
import type { LossData, LossName } from "../../losses/names.ts";
import { usualLoss } from "../../losses/usual-loss.ts";
import type { MetricName } from "../../metrics/metric.ts";
import { isObject } from "../../options/kinds.ts";
import { requireOneOfEach } from "../../run/build-model.ts";
import { figuresOf } from "../../run/config.ts";
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
  const isOne = await isFolder(run);
  // A model of TensorFlow.js is a folder, too.
  const web = isOne && (await isLayersModel(run));
  const folder = isOne && !web;
  const path = isOne ? join(run, web ? "model.json" : "model.safetensors") : run;
  if (folder) await settle(run);
  let bytes: Uint8Array;
  try {
    // In this order: a training that moves the file meanwhile moves it from the first place to the second.
    const [newest, settled] = folder ? placesOf(DISK, run, "model.safetensors") : [path];
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
        : `${printable(run)}: no such file or folder. Expected a run folder that \`wasmgrad train\` wrote, or its model.safetensors`,
      { cause: error },
    );
  }
  try {
    return { ...(await loadModel(await withShards(path, bytes), options)), path };
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    const message =
      error.code === "needs-model"
        ? error.message.replace(
            /Write: .*/,
            `Write: wasmgrad convert ${printable(path)} model.safetensors --model NAME`,
          )
        : error.code === "fit"
          ? error.message.replace(/names: (\{.*\})/, "--names FILE.json, which holds $1")
          : error.code === "has-layers"
            ? error.message.replace(/`(\w+)`/, (_, name: string) => `--${kebab(name)}`)
            : error.message;
    throw new ModelFileError(error.code, `${printable(path)}: ${message}`, { cause: error });
  }
}

async function isLayersModel(folder: string): Promise<boolean> {
  const there = (name: string) =>
    stat(join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  return (await there("model.json")) && !(await there("model.safetensors"));
}

/** The file, and with a model.json the files beside it that it names, with an ONNX file that of its weights as PyTorch calls it. */
async function withShards(path: string, bytes: Uint8Array): Promise<Uint8Array | Record<string, Uint8Array>> {
  if (path.endsWith(".onnx")) {
    const weights = await besides(`${path}.data`);
    return weights ? { [basename(path)]: bytes, [`${basename(path)}.data`]: weights } : bytes;
  }
  if (!path.endsWith(".json")) return bytes;
  let groups: unknown;
  try {
    groups = (JSON.parse(new TextDecoder().decode(bytes)) as { weightsManifest?: unknown }).weightsManifest;
  } catch {
    return bytes;
  }
  const paths = [groups].flat().flatMap((group) => (isObject(group) ? [group.paths].flat() : []));
  const files: Record<string, Uint8Array> = { "model.json": bytes };
  // One that lies elsewhere, or is missing, is told by who reads the model.
  for (const shard of paths.filter(isInside)) {
    const found = await besides(join(dirname(path), shard));
    if (found) files[shard] = found;
  }
  return files;
}

/** A file beside the model's; undefined where there is none. */
async function besides(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
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
