import type { Graph } from "../../compiler/graph.ts";
import { TO_UNIT } from "../../compiler/preprocessing.ts";
import { sgd } from "../../optim/sgd.ts";
import { needsAllKernels } from "../../train/compiled-options.ts";
import { buildModel } from "../../train/functional.ts";
import type { FileOptions } from "../options.ts";
import type { Files, PortableModel } from "../portable.ts";
import { layOut } from "./layout.ts";
import { predictorSource, typesSource } from "./source.ts";
import { packTensor } from "./weights.ts";

/** An ES module that holds the model and all that predicts with it, and its types. */
export async function write(
  { config, tensors, metadata }: PortableModel,
  { name, weights = "f32" }: FileOptions,
): Promise<Files> {
  const { graph, inputs, outputs } = buildModel(config, undefined);
  const wasm = await kernelsFor(graph);
  const { preprocessing = TO_UNIT } = metadata;
  const kinds = new Map(
    graph.ops.flatMap(({ kind, parameters }) => parameters.map(({ name }) => [name, kind])),
  );
  const layout = layOut(graph, await heapBase(wasm));
  const made = {
    name: config.name ?? "model",
    file: `${name}.js`,
    wasm,
    layout,
    tensors: tensors.map((tensor) => packTensor(tensor, weights, kinds.get(tensor.name))),
    weights,
    preprocessing,
    inputs,
    outputs,
    classNames: metadata.classNames,
  };
  const encode = (text: string) => new TextEncoder().encode(text);
  return { [`${name}.js`]: encode(predictorSource(made)), [`${name}.d.ts`]: encode(typesSource(made)) };
}

/** The forward kernels, and no others. */
async function kernelsFor(graph: Graph): Promise<Uint8Array<ArrayBuffer>> {
  const { default: hex } = needsAllKernels({ ...graph, parameters: [] }, sgd(), [])
    ? await import("../../../build/predict-all.js")
    : await import("../../../build/predict.js");
  return new Uint8Array(hex.length / 2).map((_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** The first byte of memory that is free. */
async function heapBase(wasm: Uint8Array<ArrayBuffer>): Promise<number> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  return (instance.exports as unknown as { heapBase(): number }).heapBase();
}
