// Experiments in Node: this thread trains.
import { readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { pictureOptionsIn } from "../data/picture-options.ts";
import { type LoadedModel, saveModel } from "../formats/model-file.ts";
import { loadModel } from "../interchange/load-model.ts";
import type { LoadModelOptions } from "../interchange/options.ts";
import { MODELS } from "../model/models.ts";
import { parseJson } from "../options/strict-json.ts";
import { loadDataset, pictureOptionsAt } from "../sources/load.ts";
import type { CompileOptions } from "../train/compiled-options.ts";
import type { Model } from "../train/model.ts";
import { openBase } from "./base-node.ts";
import { modelByName, modelOfData } from "./build-model.ts";
import { isKnown, type RunConfig, type RunOptions } from "./config.ts";
import type { Learner, Platform } from "./learner.ts";
import { mainFileIn, withFilesBeside } from "./model-files.ts";
import { type RunHooks, type RunOutcome, runOn } from "./run.ts";
import { wantedFor } from "./targets.ts";

export const NODE: Platform = {
  load: ({ dataset, dataDir, digitsCount: train, digitsTestCount: test, stream, ...options }, hooks) =>
    loadDataset(dataset, {
      ...hooks,
      ...pictureOptionsIn(options),
      dataDir,
      digits: { train, test },
      stream: isKnown(dataset) ? false : (stream ?? "auto"),
    }),
  async build({ model }: RunConfig, dataset) {
    const { shape } = dataset.train;
    const wanted = wantedFor(dataset);
    if (typeof model !== "string") return modelOfData(model)(shape, wanted);
    const file = !Object.hasOwn(MODELS, model) && /[\\/.]/.test(model);
    if (!file) return modelByName(model, shape, wanted);
    const data = parseJson(await readFile(model, "utf8"));
    return modelOfData(data, basename(model, extname(model)))(shape, wanted);
  },
  open: (place) => openModel(place),
  base: (config) => openBase(config, openModel),
  pictureKeys: pictureOptionsAt,
  files: {
    async csvLogger({ filename, ...options }) {
      const { csvLogger } = await import("../formats/logs/csv-logger.ts");
      return csvLogger(filename, options);
    },
    async tensorBoard(options) {
      const { tensorBoard } = await import("../formats/logs/tensor-board.ts");
      return tensorBoard(options);
    },
  },
  async ready(model: Model, options: CompileOptions) {
    await model.compile(options);
    return learnerOf(model);
  },
};

/** The model of a file, of any format that is read, or of a run's folder. */
async function openModel(place: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const path = (await stat(place)).isDirectory() ? join(place, await mainFileIn(place)) : place;
  // Weights are taken of it, not how it was trained.
  return loadModel(await withFilesBeside(path, await readFile(path)), { onWarning: () => {}, ...options });
}

/**
 * Runs an experiment: loads its data, builds and trains its model, tests it, and tells `hooks` how it goes. The same
 * configuration gives the same weights, bit for bit, here and in pages. `options` may be the result.json of a run.
 *
 * Throws RunConfigError, DataError, ModelError on what cannot be; the signal's reason where that came before the first step.
 */
export function run(options: RunOptions = {}, hooks: RunHooks = {}): Promise<RunOutcome> {
  return runOn(NODE, options, hooks);
}

/** A compiled model as what learns. */
function learnerOf(model: Model): Learner {
  const { backend, threads } = model.session.engine;
  return {
    model,
    info: { backend, threads },
    fit: (samples, options) => model.fit(samples, options),
    evaluate: (samples, options) => model.evaluate(samples, options),
    predict: (samples, options) => model.predict(samples, options),
    activations: (image) => model.activations(image),
    getWeights: async () => model.getWeights(),
    setWeights: async (tensors, options) => model.setWeights(tensors, options),
    weightsSha256: () => model.weightsSha256(),
    save: async (metadata) => saveModel(model, metadata),
    dispose: () => model.dispose(),
  };
}
