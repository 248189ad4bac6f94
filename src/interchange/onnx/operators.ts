// Nodes of values that depend on the model's inputs: what layers they become, by operator.
import { ELEMENTWISE, elementwise, isElementwise, prelu, softmax } from "./elementwise.ts";
import { axesOf, RESHAPING } from "./fold.ts";
import { type Call, type Flow, type Importer, inOrder, Lacking } from "./importer.ts";
import {
  batchNormalization,
  groupNormalization,
  groups,
  instanceNormalization,
  layerNormalization,
} from "./normalizations.ts";
import { constantAt, flowOf, type Operator } from "./operands.ts";
import { blocks, concat, pad, resize, slice, split } from "./shapes.ts";
import { conv, convTranspose, gemm, matMul } from "./weighted.ts";
import { asImages, pooled } from "./windows.ts";

const pooling =
  (mode: "max" | "average"): Operator =>
  (importer, call) => {
    const flow = flowOf(call);
    const kernel = call.attributes.ints("kernel_shape") ?? [];
    const counting = call.attributes.int("count_include_pad", 0) === 1;
    return asImages(
      importer,
      call,
      flow,
      (image, windows) => pooled(importer, call, image, windows(kernel), mode, counting),
      kernel,
    );
  };

/** The mean or the maximum over axes, of an image or a sequence all but one. */
function reduced(
  importer: Importer,
  call: Call,
  axes: readonly number[],
  mode: "Average" | "Max",
  keepdims: boolean,
): Flow {
  const { node } = call;
  const flow = flowOf(call);
  const rank = flow.shape.length;
  const over = [...new Set(axes)].sort((a, b) => a - b);
  const left = inOrder(rank).filter((axis) => !over.includes(axis));
  if (over.includes(0) || left.length !== 1 || rank < 3 || rank > 4)
    throw new Lacking(node, `over axes ${over.join(", ")} of ${rank}`, "over all but the channels");
  const entry = importer.layer(node, `global${mode}Pooling${rank - 2}d`, { keepdims: true }, [
    importer.arranged(node, flow, [...over, ...left]),
  ]);
  const pooled = importer.made(keepdims ? node.output[0]! : "", { entry, order: [...over, ...left] });
  return keepdims ? pooled : importer.reshaped(call, pooled, [importer.batch, flow.shape[left[0]!]!]);
}

const reduction =
  (mode: "Average" | "Max"): Operator =>
  (importer, call) => {
    const rank = flowOf(call).shape.length;
    const axes = axesOf(constantAt(call, 1, "axes"), call.attributes, rank);
    if (!axes) throw new Lacking(call.node, "over all axes, the batch too");
    return reduced(importer, call, axes, mode, call.attributes.int("keepdims", 1) === 1);
  };

const globally =
  (mode: "Average" | "Max"): Operator =>
  (importer, call) =>
    reduced(importer, call, inOrder(flowOf(call).shape.length).slice(1), mode, true);

/** What a shape is brought to; undefined where it does not fit. */
function reshaping(to: (flow: Flow, call: Call) => readonly number[] | undefined): Operator {
  return (importer, call) => {
    const flow = flowOf(call);
    const shape = to(flow, call);
    if (!shape) throw new Lacking(call.node, `of [${flow.shape.join(", ")}] to sizes that do not fit`);
    const { grouped } = flow;
    if (grouped && shape.join() === grouped.of.shape.join())
      return groups(importer, call, grouped.of, flow.shape[1]!, grouped.epsilon);
    return importer.reshaped(call, flow, shape);
  };
}

const same: Operator = (_importer, call) => flowOf(call);

/** By operator; those that work number by number are ELEMENTWISE. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(
    Object.entries(RESHAPING).map(([opType, to]) => [
      opType,
      reshaping(({ shape }, call) =>
        to(shape, constantAt(call, 1, opType === "Reshape" ? "sizes" : "axes"), call.attributes),
      ),
    ]),
  ),
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LayerNormalization: layerNormalization,
  MaxPool: pooling("max"),
  AveragePool: pooling("average"),
  GlobalAveragePool: globally("Average"),
  GlobalMaxPool: globally("Max"),
  ReduceMean: reduction("Average"),
  ReduceMax: reduction("Max"),
  PRelu: prelu,
  Softmax: softmax,
  Concat: concat,
  Pad: pad,
  Slice: slice,
  Split: split,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: blocks(true),
  SpaceToDepth: blocks(false),
  Transpose(importer, call) {
    const flow = flowOf(call);
    const rank = flow.shape.length;
    const perm = call.attributes.ints("perm") ?? [0, ...inOrder(rank)].reverse();
    if (perm.length !== rank || ![0, ...inOrder(rank)].every((axis) => perm.includes(axis)))
      throw new Lacking(call.node, "whose perm does not fit");
    return importer.transposed(call, flow, perm);
  },
  Dropout: same,
  // To f32, which all is computed in here.
  Cast(importer, call) {
    const type = call.attributes.int("to", 1);
    if (![1, 10, 11, 16].includes(type)) throw new Lacking(call.node, `to data type ${type}`, "floats");
    return same(importer, call);
  },
  CastLike: same,
};

/** Operators that there are layers for. */
export const KNOWN: readonly string[] = [...Object.keys(OPERATORS), ...ELEMENTWISE].sort();

export const isKnown = (opType: string) => Object.hasOwn(OPERATORS, opType) || isElementwise(opType);

/** What a node gives, whose inputs are not all constants, by its outputs. Throws Lacking. */
export function operate(importer: Importer, call: Call): readonly Flow[] {
  const opType = call.node.opType!;
  const made = Object.hasOwn(OPERATORS, opType)
    ? OPERATORS[opType]!(importer, call)
    : elementwise(importer, call);
  return "shape" in made ? [made] : made;
}
