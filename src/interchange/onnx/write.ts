import type { Op, Value } from "../../compiler/graph.ts";
import { modelFromConfig } from "../../train/functional.ts";
import { modelEntries } from "../../train/model-entries.ts";
import type { Port } from "../../train/samples.ts";
import type { FileOptions } from "../options.ts";
import type { Files, PortableModel } from "../portable.ts";
import { emitOp } from "./emit-op.ts";
import { Emitter, type Flow } from "./emitter.ts";
import { encodeModel, type NewValueInfo } from "./messages.ts";
import { TYPE } from "./new-tensors.ts";

/** The latest that the runtimes of 2022 know, which has all that the layers here need. */
const OPSET = 17;
/** The version of the file's format that came with it. */
const IR_VERSION = 8;

/**
 * A model as an ONNX file, of what it computes outside of training. Images come in with their channels last, as here, and go out so;
 * between a first and a last transposition channels are first, as ONNX has it. Equal models make equal files.
 */
export async function write(model: PortableModel, { name }: FileOptions): Promise<Files> {
  const { config, tensors, metadata } = model;
  const built = modelFromConfig(config);
  const { graph } = built;
  const e = new Emitter(tensors);
  const flows = new Map<Value, Flow>();
  for (const [i, { name, shape }] of built.inputs.entries())
    flows.set(graph.inputs[i]!, e.flow(shape, "last", e.name(name)));
  const names = built.outputs.map(({ name }) => e.name(name));
  for (const op of graph.ops)
    flows.set(
      op.output,
      emitOp(
        e,
        op as Op as never,
        op.inputs.map((value) => flows.get(value)!),
      ),
    );
  const outputs = graph.outputs.map((value, i) => e.as(flows.get(value)!, "last", names[i]!));
  e.outputs(outputs, names);
  const { architecture, ...told } = modelEntries(config, metadata);
  const bytes = encodeModel({
    irVersion: IR_VERSION,
    producerName: "wasmgrad",
    docString: described(model),
    graph: {
      name,
      node: e.nodes,
      initializer: e.initializers,
      input: built.inputs.map((port, i) => valueInfo(port, flows.get(graph.inputs[i]!)!.forms.get("last")!)),
      output: built.outputs.map((port, i) => valueInfo(port, names[i]!)),
    },
    opsetImport: [{ domain: "", version: OPSET }],
    metadataProps: Object.entries(told).map(([key, value]) => ({ key: `wasmgrad.${key}`, value })),
  });
  return { [`${name}.onnx`]: bytes };
}

/** What a user of the file has to know, in words. */
function described({ config, metadata }: PortableModel): string {
  const { preprocessing = { scale: 1 / 255, offset: 0 }, classNames } = metadata;
  return [
    `${config.name ?? "model"}: images have their channels last, [N, height, width, channels].`,
    `It was trained on byte pixels p as p * ${preprocessing.scale} + ${preprocessing.offset}.`,
    ...(classNames ? [`Classes: ${classNames.join(", ")}.`] : []),
  ].join("\n");
}

function valueInfo({ shape }: Port, name: string): NewValueInfo {
  const image = shape.length === 3;
  const dim = shape.map((size, i) => ({
    dimValue: size,
    ...(image && { denotation: i === 2 ? "DATA_CHANNEL" : "DATA_FEATURE" }),
  }));
  const batch = { dimParam: "N", ...(image && { denotation: "DATA_BATCH" }) };
  return { name, type: { tensorType: { elemType: TYPE.float, shape: { dim: [batch, ...dim] } } } };
}
