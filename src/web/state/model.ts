import { ModelError } from "../../compiler/errors.ts";
import type { Shape } from "../../compiler/graph.ts";
import { checkLoss } from "../../losses/check-loss.ts";
import type { LossName } from "../../losses/names.ts";
import { layersFromConfig } from "../../model/model-json.ts";
import { MODELS, namedModel } from "../../model/models.ts";
import { Sequential } from "../../train/sequential.ts";
import { LAYER_TYPES, type LayerSpec, optionProblem, withoutDefaults } from "./layers.ts";

/** The layers of a model by name, as the editor has them; whether they fit the images, buildModel() says. */
export function namedLayers(name: string, inputShape: Shape, classes: number): LayerSpec[] {
  const model = MODELS[name]!;
  if (!("layers" in model)) throw new ModelError(`model ${name} is no list of layers`);
  return model.layers(inputShape, classes).map(({ type, config }) => withoutDefaults({ type, ...config }));
}

/** The same, and why the model cannot take images of this shape, in a sentence for people, where it cannot. */
export function tryNamedLayers(
  name: string,
  inputShape: Shape,
  classes: number,
): { readonly layers: readonly LayerSpec[]; readonly problem?: string } {
  const layers = namedLayers(name, inputShape, classes);
  try {
    namedModel(name, inputShape, classes);
    return { layers };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { layers, problem: sentence(error.message) };
  }
}

export type BuiltModel =
  | { readonly model: Sequential; readonly problem?: undefined }
  | {
      readonly model?: undefined;
      readonly problem: string;
      /** The layer at fault, from 0; undefined where it is the model as a whole. */
      readonly layer: number | undefined;
    };

export interface ModelTask {
  readonly name: string;
  readonly inputShape: Shape;
  readonly classes: number;
  readonly loss: LossName;
}

/** The model of some layers, ready for a dataset; or what is wrong with it, in a sentence for people. */
export function buildModel(layers: readonly LayerSpec[], task: ModelTask): BuiltModel {
  for (const [i, { type, ...values }] of layers.entries())
    for (const option of LAYER_TYPES[type]?.options ?? []) {
      const problem = optionProblem(option, values[option.key]);
      if (problem)
        return {
          problem: `Layer ${i + 1} (${LAYER_TYPES[type]!.label}), ${option.label}: ${problem}.`,
          layer: i,
        };
    }
  try {
    const config = layers.map((layer, i) =>
      i === 0 ? { ...layer, inputShape: [...task.inputShape] } : layer,
    );
    const model = new Sequential(layersFromConfig({ layers: config }), { name: task.name });
    checkOutputs(model, task.classes);
    checkLoss(task.loss, model.graph);
    return { model };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { problem: sentence(error.message), layer: faultyLayer(layers, error.layer) };
  }
}

/** The rows of the layer table that come before a fault: shapes and parameters of what is right so far. */
export function rowsBefore(layers: readonly LayerSpec[], inputShape: Shape): Sequential["rows"] {
  for (let n = layers.length; n > 0; n--) {
    const config = layers
      .slice(0, n)
      .map((layer, i) => (i === 0 ? { ...layer, inputShape: [...inputShape] } : layer));
    try {
      return new Sequential(layersFromConfig({ layers: config })).rows;
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
    }
  }
  return [];
}

/** One output a class, or a single one for two classes. */
function checkOutputs(model: Sequential, classes: number): void {
  const outputs = model.outputShape;
  if (outputs.length === 1 && (outputs[0] === classes || (outputs[0] === 1 && classes === 2))) return;
  const last = model.rows.at(-1)!;
  throw new ModelError(
    `${outputs.length === 1 ? `gives ${outputs[0]} output${outputs[0] === 1 ? "" : "s"}` : `gives an output of shape ${outputs.join("×")}`}, but the dataset has ${classes} classes: end with ${outputs.length > 1 ? "flatten and " : ""}a dense layer of ${classes} units and softmax`,
    last.name,
  );
}

/** Names that a model gives its layers, and where layersFromConfig() points to: "number 2 (dense)". */
function faultyLayer(layers: readonly LayerSpec[], name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const numbered = /^number (\d+) /.exec(name);
  if (numbered) return Number(numbered[1]) - 1;
  const seen = new Map<string, number>();
  const at = layers.findIndex(({ type }) => {
    const before = seen.get(type) ?? 0;
    seen.set(type, before + 1);
    return name === (before === 0 ? type : `${type}_${before}`);
  });
  return at < 0 ? undefined : at;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
