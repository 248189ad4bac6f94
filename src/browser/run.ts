// Experiments in pages: a worker trains.
import { MODELS } from "../model/models.ts";
import { modelByName, modelOfData } from "../run/build-model.ts";
import type { RunConfig, RunOptions } from "../run/config.ts";
import type { Platform } from "../run/learner.ts";
import { type RunHooks, type RunOutcome, runOn } from "../run/run.ts";
import { wantedFor } from "../run/targets.ts";
import { loadDataset } from "./load-dataset.ts";
import { createTrainer } from "./trainer.ts";
import type { Trainer } from "./types.ts";

/** What a run needs in a page. */
export function pagePlatform(workerUrl: string | URL | undefined): Platform<Trainer> {
  return {
    load: ({ dataset, dataDir, digitsCount: train, digitsTestCount: test }, hooks) =>
      loadDataset(dataset, { ...hooks, dataDir, workerUrl, digits: { train, test } }),
    async build({ model }: RunConfig, dataset, signal) {
      const { shape } = dataset.train;
      const wanted = wantedFor(dataset);
      const data = typeof model === "string" && isAddress(model) ? await fetchModel(model, signal) : model;
      return typeof data === "string" ? modelByName(data, shape, wanted) : modelOfData(data)(shape, wanted);
    },
    ready: (model, options) => createTrainer(model, { ...options, workerUrl }),
  };
}

/** As run() in Node; but a worker trains, and the page's own thread stays free. */
export function run(options: RunOptions = {}, hooks: RunHooks = {}): Promise<RunOutcome> {
  return runOn(pagePlatform(hooks.workerUrl), options, hooks as RunHooks<Trainer>);
}

/** Whether it is where a model is, and not a model's name. */
export function isAddress(model: string): boolean {
  return !Object.hasOwn(MODELS, model) && /[/.]/.test(model);
}

/** A model's JSON file. Throws Error saying what is wrong with it. */
async function fetchModel(address: string, signal: AbortSignal | undefined): Promise<object> {
  const url = new URL(address, globalThis.document?.baseURI ?? globalThis.location.href).href;
  let text: string;
  try {
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    text = await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw new Error(`the model file ${url} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the model file ${url} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}
