import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { type LoadedModel, ModelFileError, modelOfParts } from "../formats/model-file.ts";
import type { LoadModelOptions } from "../interchange/options.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { MODELS } from "../model/models.ts";
import { isObject } from "../options/kinds.ts";
import { adviceOn } from "../options/names.ts";
import { quoted, show } from "../options/show.ts";
import { parseJson } from "../options/strict-json.ts";
import type { Model } from "../train/model.ts";
import { createModel } from "../train/named.ts";
import { modelOfData } from "./build-model.ts";
import { type RunConfig, RunConfigError } from "./config.ts";

type Open = (place: string, options?: LoadModelOptions) => Promise<LoadedModel>;

/**
 * The backbone of settings: a file of any format, a run's folder; a JSON file of layers with `from` for its weights; a file of weights alone with `model`
 * for its layers. Throws RunConfigError where they do not go together, and what `open` throws.
 */
export async function openBase({ base, model, from }: RunConfig, open: Open): Promise<LoadedModel> {
  const place = base!;
  const data = extname(place) === ".json" ? await layersIn(place) : undefined;
  if (data) {
    if (from === undefined)
      throw new RunConfigError(
        `base is ${show(place)}, a list of layers without weights: name a file that has some. Write: {"from": "weights.npz"}, on the command line --from weights.npz`,
      );
    if (model !== undefined) throw notBeside(place);
    return withWeights(modelOfData(data, basename(place, extname(place)))(undefined, undefined), from, open);
  }
  if (from !== undefined)
    throw new RunConfigError(
      `from is ${show(from)}, but the base ${quoted(place)} has weights of its own: leave it out`,
    );
  try {
    const loaded = await open(place);
    if (model !== undefined) throw notBeside(place);
    return loaded;
  } catch (error) {
    if (!needsModel(error)) throw error;
    if (model !== undefined) return open(place, { model: await architectureOf(model) });
    const line = 'Write: {"model": "layers.json"}, on the command line --model layers.json';
    const message = error.message.replace(`${place}: `, "").replace(/Write: .*/s, line);
    throw new RunConfigError(`base is ${show(place)}: ${message}`, { cause: error });
  }
}

const needsModel = (error: unknown): error is ModelFileError =>
  error instanceof ModelFileError && error.code === "needs-model";

const notBeside = (place: string) =>
  new RunConfigError(
    `model is given beside the base ${quoted(place)}, which has layers of its own: leave it out`,
  );

/** Layers, where a JSON file lists some; others are models of other frameworks. */
async function layersIn(place: string): Promise<object | undefined> {
  let data: unknown;
  try {
    data = parseJson((await readFile(place, "utf8")).replace(/^\ufeff/, ""));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw new RunConfigError(`base is ${show(place)}, which is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return Array.isArray(data) || (isObject(data) && Array.isArray(data.layers)) ? (data as object) : undefined;
}

/** Layers with the weights of a file: of weights alone, or of a model that has them by their names. */
async function withWeights(model: Model, from: string, open: Open): Promise<LoadedModel> {
  const config: ModelConfig = model.toConfig();
  const { tensors, metadata } = await open(from).catch((error: unknown) => {
    if (needsModel(error)) return open(from, { model: config });
    throw error;
  });
  const own = new Set(model.graph.parameters.map(({ name }) => name));
  return modelOfParts(
    config,
    tensors.filter(({ name }) => own.has(name)),
    metadata,
    {},
  );
}

/** The layers that a file of weights alone is for. */
async function architectureOf(model: RunConfig["model"]): Promise<Model> {
  if (typeof model !== "string") return modelOfData(model)(undefined, undefined);
  if (Object.hasOwn(MODELS, model)) return createModel(model, [28, 28, 1], 10);
  const data = await layersIn(model);
  if (!data)
    throw new RunConfigError(
      `model is ${show(model)}, expected a JSON file of layers, or a model's name: ${adviceOn(model, Object.keys(MODELS))}`,
    );
  return modelOfData(data, basename(model, extname(model)))(undefined, undefined);
}
