import { createModel, layersFromConfig, type Model, ModelError, Sequential } from "../browser.ts";
import type { Shape } from "../nn/graph.ts";
import type { ModelSource } from "./settings.ts";

/** What a model is to classify. */
export interface ModelInput {
  readonly shape: Shape;
  readonly classes: number;
}

/** Reads a model's JSON file, so that what is left names or holds its layers. Throws Error saying what is wrong with it. */
export async function resolveSource(
  source: ModelSource,
  signal: AbortSignal,
): Promise<Exclude<ModelSource, { kind: "url" }>> {
  if (source.kind !== "url") return source;
  const url = new URL(source.url, document.baseURI).href;
  let text: string;
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`the model file ${url} cannot be loaded: ${(error as Error).message}`, { cause: error });
  }
  try {
    return { kind: "config", config: JSON.parse(text) };
  } catch (error) {
    throw new Error(`the model file ${url} is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The model for images of a shape. A configuration may be `{ layers: [...] }` or the list alone, and its first layer may
 * leave inputShape out. Throws ModelError where it does not fit.
 */
export function buildModel(
  source: Exclude<ModelSource, { kind: "url" }>,
  { shape, classes }: ModelInput,
): Model {
  if (source.kind === "name") return createModel(source.name, shape, classes);
  const config = Array.isArray(source.config) ? { layers: source.config } : source.config;
  const [first, ...rest] = layersFromConfig(config);
  const given = first!.inputShape;
  if (given && given.join() !== shape.join())
    throw new ModelError(
      `the first layer has inputShape ${given.join("x")}, but the images are ${shape.join("x")}; leave inputShape out to take the images'`,
    );
  const name = (config as { name?: string }).name;
  const model = new Sequential(
    [{ ...first!, inputShape: shape }, ...rest],
    name === undefined ? {} : { name },
  );
  const outputs = model.outputShape;
  if (outputs.length !== 1 || (outputs[0] !== classes && !(outputs[0] === 1 && classes === 2)))
    throw new ModelError(
      `the last layer '${model.rows.at(-1)!.name}' gives ${outputs.join("x")} outputs, but the dataset has ${classes} classes; ` +
        `end the model with {"type": "dense", "units": ${classes}, "activation": "softmax"}`,
    );
  return model;
}
