import { join } from "node:path";
import { readWhole } from "../../data/files.ts";
import { CheckpointError, decodeCheckpoint } from "../../formats/checkpoint.ts";
import type { LoadedModel } from "../../formats/model-file.ts";
import { createOptimizer } from "../../optim/create.ts";
import type { OptimizerName } from "../../optim/definitions.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import { scheduleFromConfig } from "../../optim/schedules/from-config.ts";
import { isObject } from "../../options/kinds.ts";
import { parseJson } from "../../options/strict-json.ts";
import { weightsHash } from "../../safetensors/integrity.ts";
import type { TrainingState } from "../../train/training-state.ts";
import { DISK } from "../files.ts";
import { printable } from "../output.ts";
import { CHECKPOINT, placesOf, type RunFile } from "./swap.ts";

/**
 * How a run trained the model in its folder: its losses and optimizer, and what this keeps, where the run has a checkpoint of the
 * same weights. Nothing of another folder, or of a file. What there is and cannot be taken is told.
 */
export async function trainingOfRun(
  folder: string,
  { tensors, metadata: { loss, lossWeights } }: LoadedModel,
  notice: (text: string) => void,
): Promise<Pick<LoadedModel, "compileOptions" | "optimizerState">> {
  const state = await checkpointIn(folder, notice);
  const optimizer = optimizerOf(state?.setting.optimizer ?? (await recordedIn(folder)));
  if (!optimizer) return {};
  const compileOptions = {
    optimizer,
    ...(loss !== undefined && { loss }),
    ...(lossWeights !== undefined && { lossWeights }),
  };
  if (!state) return { compileOptions };
  if (weightsHash(state.weights) === weightsHash(tensors))
    return { compileOptions, optimizerState: state.optimizer };
  notice(
    `${printable(join(folder, CHECKPOINT))} is of other weights than the model's, which are those of the best epoch or averages: what the optimizer keeps is left out`,
  );
  return { compileOptions };
}

async function read(folder: string, name: RunFile): Promise<Uint8Array | undefined> {
  for (const path of placesOf(DISK, folder, name)) {
    const bytes = await readWhole(path).catch(() => undefined);
    if (bytes) return bytes;
  }
  return undefined;
}

async function checkpointIn(
  folder: string,
  notice: (text: string) => void,
): Promise<TrainingState | undefined> {
  const bytes = await read(folder, CHECKPOINT);
  if (!bytes) return undefined;
  try {
    return decodeCheckpoint(bytes).state;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    notice(`${printable(join(folder, CHECKPOINT))}: ${error.message}`);
    return undefined;
  }
}

async function recordedIn(folder: string): Promise<unknown> {
  const bytes = await read(folder, "result.json");
  try {
    const record = parseJson(new TextDecoder().decode(bytes));
    return isObject(record) && isObject(record.configuration) ? record.configuration.optimizer : undefined;
  } catch {
    return undefined;
  }
}

/** Of plain data; undefined of what is none, or has a rate that was code. */
function optimizerOf(given: unknown): Optimizer | undefined {
  if (!isObject(given)) return undefined;
  const { name, learningRate, ...options } = given;
  try {
    return createOptimizer(name as OptimizerName, {
      ...options,
      learningRate: isObject(learningRate) ? scheduleFromConfig(learningRate) : (learningRate as number),
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
