import { ModelError } from "../../compiler/errors.ts";
import { GraphBuilder, type Shape, type Value } from "../../compiler/graph.ts";
import { checkLoss } from "../../losses/check-loss.ts";
import type { LossName } from "../../losses/names.ts";
import type { LayerRow } from "../../model/build.ts";
import type { Inputs } from "../../model/layers/layer.ts";
import { layersFromConfig } from "../../model/model-json.ts";
import { findNamed, MODELS } from "../../model/models.ts";
import { lowerLayer } from "../../model/symbolic.ts";
import { model as functional, modelFromConfig } from "../../train/functional.ts";
import type { Model } from "../../train/model.ts";
import {
  calledLayer,
  IMAGE,
  isChain,
  layerNames,
  layersOfConfig,
  mergesInputs,
  modelConfig,
  sourcesOf,
  unread,
} from "./branches.ts";
import { LAYER_TYPES, type LayerSpec, optionProblem, withoutDefaults } from "./layers.ts";

/** The layers of a model by name, as the editor has them; whether they fit the images, buildModel() says. */
export function namedLayers(name: string, inputShape: Shape, classes: number): LayerSpec[] {
  const named = MODELS[name]!;
  if ("layers" in named)
    return named.layers(inputShape, classes).map(({ type, config }) => withoutDefaults({ type, ...config }));
  return layersOfConfig(functional(named.graph(inputShape, classes)).toConfig())!;
}

/** The same, and why the model cannot take images of this shape, in a sentence for people, where it cannot. */
export function tryNamedLayers(
  name: string,
  inputShape: Shape,
  classes: number,
): { readonly layers: readonly LayerSpec[]; readonly problem?: string } {
  let layers: readonly LayerSpec[] = [];
  try {
    layers = namedLayers(name, inputShape, classes);
    findNamed(name, inputShape, classes);
    return { layers };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { layers, problem: sentence(error.message) };
  }
}

export type BuiltModel =
  | { readonly model: Model; readonly problem?: undefined }
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
      if (problem) return { problem: `${titleOf(layers, i)}, ${option.label}: ${problem}.`, layer: i };
    }
  const alone = layers.findIndex((layer, i) => mergesInputs(layer.type) && sourcesOf(layers, i).length < 2);
  if (alone >= 0)
    return {
      problem: `${titleOf(layers, alone)} takes one input, and brings two or more together: add another, or remove the layer.`,
      layer: alone,
    };
  try {
    const model = modelFromConfig({ name: task.name, ...modelConfig(layers, task.inputShape) });
    const idle = unread(layers);
    if (idle !== undefined)
      return {
        problem: `${titleOf(layers, idle)} leads nowhere: no layer takes what it gives. Choose it as an input of a later one, or remove it.`,
        layer: idle,
      };
    checkOutputs(model, task.classes);
    checkLoss(task.loss, model.graph);
    return { model };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const at = faultyLayer(layers, error.layer);
    const advice = at === undefined ? undefined : mergeAdvice(layers, at, task.inputShape);
    return { problem: advice ?? sentence(error.message), layer: at };
  }
}

const titleOf = (layers: readonly LayerSpec[], at: number) =>
  `Layer ${at + 1} (${LAYER_TYPES[layers[at]!.type]?.label ?? layers[at]!.type})`;

/** Rows of the layer table for layers that are not all right: shapes and parameters of those that can be computed. */
export function rowsBefore(
  layers: readonly LayerSpec[],
  inputShape: Shape,
): readonly (Pick<LayerRow, "outputShape" | "parameters"> | undefined)[] {
  const graph = new GraphBuilder();
  const names = layerNames(layers);
  const values: (Value | undefined)[] = [graph.input(inputShape)];
  const rows = layers.map(({ from: _, ...spec }, at) => {
    const inputs = sourcesOf(layers, at).map((number) => values[number]);
    const before = graph.parameters.length;
    try {
      if (inputs.includes(undefined)) throw new ModelError("takes what a faulty layer gives");
      const [layer] = layersFromConfig({ layers: [spec] });
      const value = lowerLayer(graph, layer!, names[at]!, inputs as unknown as Inputs);
      values.push(value);
      const own = graph.parameters.slice(before);
      const count = ({ shape }: { readonly shape: Shape }) => shape.reduce((product, n) => product * n, 1);
      return {
        outputShape: value.shape,
        parameters: own.reduce((sum, parameter) => sum + count(parameter), 0),
      };
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      values.push(undefined);
      return undefined;
    }
  });
  return rows.slice(0, rows.findLastIndex((row) => row !== undefined) + 1);
}

/** What is wrong where branches of different shapes meet, and what to do; undefined where that is not it. */
function mergeAdvice(layers: readonly LayerSpec[], at: number, inputShape: Shape): string | undefined {
  if (!mergesInputs(layers[at]!.type)) return undefined;
  const rows = rowsBefore(layers.slice(0, at), inputShape);
  const taken = sourcesOf(layers, at).map((number) => ({
    number,
    shape: number === IMAGE ? inputShape : rows[number - 1]?.outputShape,
  }));
  const [first, ...others] = taken;
  const odd = others.find(({ shape }) => shape?.join() !== first!.shape?.join());
  if (!first?.shape || !odd?.shape) return undefined;
  const told = taken.map(({ number, shape }) => `${shape!.join("×")} from ${calledLayer(layers, number)}`);
  const [large, small] = first.shape[0]! < odd.shape[0]! ? [odd, first] : [first, odd];
  const [height, width, channels] = small.shape!;
  const strides = Math.ceil(large.shape![0]! / height!);
  const images = first.shape.length === 3 && odd.shape.length === 3;
  const reached =
    images && [0, 1].every((axis) => Math.ceil(large.shape![axis]! / strides) === [height, width][axis]);
  const mend = !images
    ? "Let both be images, or both lists of numbers: flatten or pool the one that is an image"
    : reached
      ? `Behind ${calledLayer(layers, large.number)}, a convolution of ${channels} filters with kernel size 1${strides > 1 ? ` and strides ${strides}` : ""} makes it fit`
      : "Give both the same height and width, by padding “same” or the same strides";
  return `${titleOf(layers, at)} takes shapes that do not go together: ${told.join(", ")}. ${mend}; or choose other inputs.`;
}

/** One output a class, or a single one for two classes. */
function checkOutputs(model: Model, classes: number): void {
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
  // Of a model with branches, the input is the first.
  if (numbered) return Number(numbered[1]) - (isChain(layers) ? 1 : 2);
  const at = layerNames(layers).indexOf(name);
  return at < 0 ? undefined : at;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
