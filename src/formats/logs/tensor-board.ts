import { randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, statSync, truncateSync, unlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { checkOptions } from "../../options/check.ts";
import { withDefaults } from "../../options/kinds.ts";
import { filterPictures } from "../../report/filters.ts";
import { pngBytes } from "../../report/png.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { Callbacks, Logs, ModelView } from "../../train/callbacks.ts";
import { TENSOR_BOARD, type TensorBoardOptions } from "./options.ts";
import {
  event,
  type GraphNode,
  graphDef,
  type Happened,
  histogram,
  images,
  record,
  type Summary,
  scalar,
} from "./tf-events.ts";

/** Filters of a convolution that are shown. */
const MOST_FILTERS = 32;

/** An event file of a training, and how much of it is that training's. */
interface EventFile {
  readonly path: string;
  bytes: number;
}

interface Kept {
  /** In the names of the training's files. */
  readonly id: string;
  readonly files: readonly EventFile[];
}

/**
 * Node: a callback that writes event files for TensorBoard, as Keras's TensorBoard does: in `train` and `validation` of a folder the
 * figures and the rate of each epoch (epoch_loss …), and where they are asked for those of batches (batch_loss …), histograms of all
 * weights, the filters of convolutions as pictures, and the graph of layers. To look at them: tensorboard --logdir logs
 *
 * Where a training goes on from a state, what was written of epochs that are trained again is taken back.
 *
 * Throws RangeError on options out of range; in fit(), the file system's errors.
 */
export function tensorBoard(options: TensorBoardOptions = {}): Callbacks {
  checkOptions({ call: "tensorBoard(*)", table: TENSOR_BOARD }, options);
  const filled = withDefaults(TENSOR_BOARD, options);
  const { logDir, histogramFreq, writeGraph, writeImages, writeStepsPerSecond, updateFreq } = filled;
  const of = `tensorBoard({ logDir: ${JSON.stringify(logDir)} })`;
  const everyBatches = updateFreq === "epoch" ? 0 : updateFreq === "batch" ? 1 : updateFreq;
  let id = newId();
  let files: EventFile[] = [];
  /** The files that are written now, by folder. */
  let open = new Map<string, EventFile>();
  let restored = false;
  let stepsPerEpoch = 0;

  const write = (run: "train" | "validation", what: Happened) => {
    let file = open.get(run);
    if (!file) {
      const folder = join(logDir, run);
      mkdirSync(folder, { recursive: true });
      const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, "0");
      const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${id}.${files.length}.v2`;
      file = { path: join(folder, name), bytes: 0 };
      files.push(file);
      open.set(run, file);
      write(run, { fileVersion: "brain.Event:2" });
    }
    const bytes = record(event(Date.now() / 1000, what));
    appendFileSync(file.path, bytes);
    file.bytes += bytes.length;
  };
  const tell = (run: "train" | "validation", step: number, summaries: readonly Summary[]) => {
    if (summaries.length > 0) write(run, { step, summaries });
  };

  return {
    onTrainBegin(info, training) {
      ({ stepsPerEpoch } = info);
      open = new Map();
      if (restored) for (const run of ["train", "validation"]) takeBack(join(logDir, run), id, files);
      // Another training with the same callback.
      else if (files.length > 0) [id, files] = [newId(), []];
      if (writeGraph && files.length === 0) write("train", { graph: graphDef(nodesOf(training.model)) });
      restored = false;
    },
    onBatchEnd({ epoch, batch, imagesPerSecond, seen }, logs) {
      const step = epoch * stepsPerEpoch + batch + 1;
      if (everyBatches === 0 || step % everyBatches !== 0) return;
      const rate = (imagesPerSecond * (batch + 1)) / seen;
      tell("train", step, [
        ...scalars("batch", logs, (name) => name),
        ...(writeStepsPerSecond ? [scalar("batch_steps_per_second", rate)] : []),
      ]);
    },
    async onEpochEnd({ epoch, learningRate, trainSeconds }, logs, training) {
      tell("train", epoch, [
        ...scalars("epoch", logs, (name) => (name.startsWith("val_") ? undefined : name)),
        scalar("epoch_learning_rate", learningRate),
        ...(writeStepsPerSecond ? [scalar("epoch_steps_per_second", stepsPerEpoch / trainSeconds)] : []),
      ]);
      tell(
        "validation",
        epoch,
        scalars("epoch", logs, (name) => (/^val_/.test(name) ? name.slice(4) : undefined)),
      );
      const due = histogramFreq > 0 && epoch % histogramFreq === 0;
      if (!due && !(writeImages && histogramFreq === 0)) return;
      const weights = await training.getWeights();
      if (due)
        tell(
          "train",
          epoch,
          weights.map(({ name, data }) => histogram(`${name}/histogram`, data)),
        );
      if (writeImages) tell("train", epoch, weights.flatMap(picturesOf));
    },
    state: (): Kept & { readonly of: string } => ({ of, id, files: files.map((file) => ({ ...file })) }),
    restore(state) {
      const { of: whose, ...kept } = Object(state) as Kept & { readonly of?: string };
      if (whose !== of)
        throw new RangeError(
          `initialState has ${whose ?? "something else"} where the training has ${of}: give fit(train, { callbacks }) what it had then, in the same order`,
        );
      id = kept.id;
      files = kept.files.map((file) => ({ ...file }));
      restored = true;
    },
  };
}

const newId = () => randomUUID().slice(0, 8);

/** Takes back what a training had written into a folder behind the state that it goes on from. */
function takeBack(folder: string, id: string, files: readonly EventFile[]): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  for (const name of names) {
    if (!name.startsWith("events.out.tfevents.") || !name.includes(`.${id}.`)) continue;
    const path = join(folder, name);
    const known = files.find((file) => file.path === path);
    if (!known) unlinkSync(path);
    else if (statSync(path).size > known.bytes) truncateSync(path, known.bytes);
  }
}

/** Figures by the names that they have there; those without one are left out. */
function scalars(what: string, logs: Logs, nameOf: (name: string) => string | undefined): Summary[] {
  return Object.entries(logs).flatMap(([key, value]) => {
    const name = nameOf(key);
    return name === undefined ? [] : [scalar(`${what}_${name}`, value)];
  });
}

/** The filters of a convolution as pictures, as the report shows them. */
function picturesOf({ name, shape, data }: NamedTensor): Summary[] {
  if (shape.length !== 4 || data.length === 0) return [];
  const rasters = filterPictures({ layer: name, values: data, shape }, MOST_FILTERS).map(
    ({ raster }) => raster,
  );
  return [images(`${name}/image`, rasters[0]!, rasters.map(pngBytes))];
}

/** Layers as nodes. What a chain's first layer reads is one, too. */
function nodesOf({ rows, graph }: ModelView): GraphNode[] {
  const names = new Set(rows.map(({ name }) => name));
  let input = "input";
  while (names.has(input)) input += "_";
  const reads = rows.some(({ type, from }) => type !== "input" && from.length === 0);
  return [
    ...(reads
      ? [{ name: input, op: "input", inputs: [], outputShape: graph.inputs[0]!.shape, numbers: {} }]
      : []),
    ...rows.map(({ name, type, from, outputShape, parameters }) => ({
      name,
      op: type,
      inputs: from.length === 0 && type !== "input" ? [input] : from,
      outputShape,
      numbers: { parameters },
    })),
  ];
}
