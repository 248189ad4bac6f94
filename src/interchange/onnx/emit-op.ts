import {
  type BinaryKind,
  elements,
  type NormParameters,
  type OpKind,
  type OpOf,
  type Parameter,
  type Shape,
  type WindowAttributes,
} from "../../compiler/graph.ts";
import { channelsFirst, transposed } from "../places.ts";
import { emitActivation, emitUnary } from "./emit-activation.ts";
import { besides, type Emitter, type Flow, type Form, isRow } from "./emitter.ts";

type Emit<K extends OpKind> = (e: Emitter, op: OpOf<K>, inputs: readonly Flow[]) => Flow;

/** What trains alone: outside of training values pass as they are. */
const asItIs = (_e: Emitter, _op: unknown, [input]: readonly Flow[]) => input!;

/** The form in which an image is worked on where its channels have to be first, or are already. */
const formOf = (flow: Flow): Form => (flow.own === "flat" ? "last" : flow.own);
/** One that several values have: channels first where one of them lies so already. */
const common = (flows: readonly Flow[]): Form =>
  flows.some(({ own, shape }) => own === "first" && shape.length > 1) ? "first" : "last";

function windowOf({ kernel, strides, dilation, pad }: WindowAttributes) {
  return {
    kernel_shape: kernel,
    strides,
    dilations: dilation,
    pads: [pad.top, pad.left, pad.bottom, pad.right],
  };
}

/** A kernel and, where there is one, a bias. */
function weighed(
  e: Emitter,
  [kernel, bias]: readonly Parameter[],
  way: string,
  make: (kernel: Parameter) => readonly [readonly number[], Float32Array],
): string[] {
  return [e.weight(kernel!, way, () => make(kernel!)), ...(bias ? [e.weight(bias)] : [])];
}

/** [height, width, inputs, outputs], of sequences [steps, inputs, outputs], as [outputs, inputs, height, width]. */
function outputsFirst(e: Emitter, kernel: Parameter): readonly [readonly number[], Float32Array] {
  const [o, i, w, h = 1] = kernel.shape.toReversed() as [number, number, number, number?];
  return [[o, i, h, w], transposed(e.data(kernel), [h, w, i, o], [3, 2, 0, 1])];
}

function convolved(
  e: Emitter,
  op: OpOf<"conv2d"> | OpOf<"groupedConv2d">,
  [input]: readonly Flow[],
  group: number,
): Flow {
  const { layer, attributes, parameters, output } = op;
  const x = e.as(input!, "first", layer);
  const weights = weighed(e, parameters, "outputs first", (kernel) => outputsFirst(e, kernel));
  const name = e.node(layer, "Conv", [x, ...weights], { ...windowOf(attributes), group: { i: group } });
  return e.flow(output.shape, "first", name);
}

function normalized(e: Emitter, layer: string, input: Flow, norm: NormParameters): Flow {
  const { gamma, beta, movingMean, movingVariance, epsilon } = norm;
  const channels = movingMean.shape;
  const filled = (parameter: Parameter | undefined, value: number) =>
    parameter ? e.weight(parameter) : e.constant(layer, new Float32Array(channels[0]!).fill(value), channels);
  const name = e.node(
    layer,
    "BatchNormalization",
    [
      e.as(input, "first", layer),
      filled(gamma, 1),
      filled(beta, 0),
      e.weight(movingMean),
      e.weight(movingVariance),
    ],
    { epsilon },
  );
  return e.flow(input.shape, input.shape.length > 1 ? "first" : "last", name);
}

/** Two values, or one and a parameter, which broadcast over each other. */
function merged(
  e: Emitter,
  layer: string,
  opType: string,
  inputs: readonly Flow[],
  shape: Shape,
  parameter?: Parameter,
): Flow {
  const rank = shape.length;
  const whole = inputs.map((flow) => (flow.shape.length === rank ? flow : padded(e, layer, flow, rank)));
  const form = common(whole);
  const names = whole.map((flow) => e.as(flow, form, layer));
  if (parameter)
    names.push(
      e.weight(parameter, `beside ${form}`, () => besides(parameter.shape, e.data(parameter), rank, form)),
    );
  return e.flow(shape, rank > 1 ? form : "last", e.node(layer, opType, names));
}

/** With sizes of 1 before its own. */
function padded(e: Emitter, layer: string, flow: Flow, rank: number): Flow {
  const shape = [...Array<number>(rank - flow.shape.length).fill(1), ...flow.shape];
  return e.flow(shape, "last", e.reshape(layer, e.as(flow, "last", layer), shape));
}

const BINARY: Readonly<Record<BinaryKind, string>> = {
  add: "Add",
  subtract: "Sub",
  multiply: "Mul",
  maximum: "Max",
  minimum: "Min",
  sloped: "PRelu",
};

function reshaped(e: Emitter, layer: string, input: Flow, shape: Shape): Flow {
  const { own } = input;
  if (shape.join() === input.shape.join()) return input;
  if (own !== "first" || input.shape.length < 2)
    return e.flow(shape, "last", e.reshape(layer, e.as(input, "last", layer), shape));
  const from = e.as(input, "first", layer);
  // Sizes of 1 come or go: the channels stay where they are.
  const bare = (sizes: Shape) => sizes.slice(0, -1).filter((size) => size !== 1);
  if (shape.at(-1) === input.shape.at(-1) && bare(shape).join() === bare(input.shape).join())
    return shape.length === 1
      ? e.flow(shape, "last", e.node(layer, "Flatten", [from]))
      : e.flow(shape, "first", e.reshape(layer, from, channelsFirst(shape)));
  if (isRow(input.shape)) return e.flow(shape, "last", e.reshape(layer, from, shape));
  if (shape.length === 1 && input.shape.length === 3)
    return e.flow(shape, "flat", e.node(layer, "Flatten", [from]), input);
  return e.flow(shape, "last", e.reshape(layer, e.as(input, "last", layer), shape));
}

/** Of the axes of a sample, counted from 0, that of the tensor. */
const axisOf = (axis: number, rank: number, form: Form) =>
  form === "first" ? (axis === rank - 1 ? 1 : axis + 2) : axis + 1;

function moved(e: Emitter, layer: string, input: Flow, shape: Shape, top: number, left: number): Flow {
  const [H, W] = input.shape as [number, number, number];
  const [OH, OW] = shape as [number, number, number];
  const form = formOf(input);
  const from = e.as(input, form, layer);
  const [rows, columns] = [0, 1].map((axis) => axisOf(axis, 3, form)) as [number, number];
  const sides = [
    [rows, top, OH - H - top],
    [columns, left, OW - W - left],
  ] as const;
  let name = from;
  if (sides.some(([, before, after]) => before < 0 || after < 0))
    name = e.node(layer, "Slice", [
      name,
      e.whole(layer, [Math.max(0, -top), Math.max(0, -left)]),
      e.whole(layer, [Math.min(H, OH - top), Math.min(W, OW - left)]),
      e.whole(layer, [rows, columns]),
    ]);
  if (sides.some(([, before, after]) => before > 0 || after > 0)) {
    const pads = Array<number>(8).fill(0);
    for (const [axis, before, after] of sides) {
      pads[axis] = Math.max(0, before);
      pads[axis + 4] = Math.max(0, after);
    }
    name = e.node(layer, "Pad", [name, e.whole(layer, pads)]);
  }
  return e.flow(shape, form, name);
}

/** How each op is written: the compiler asks for all of them. */
const OPS: { readonly [K in OpKind]: Emit<K> } = {
  conv2d: (e, op, inputs) => convolved(e, op, inputs, 1),
  groupedConv2d: (e, op, inputs) => convolved(e, op, inputs, op.attributes.groups),
  depthwiseConv2d(e, { layer, attributes, parameters, output }, [input]) {
    const channels = input!.shape[2]!;
    // Of a convolution with as many groups as channels the kernel lies so, too: [height, width, channels, multiplier].
    const weights = weighed(e, parameters, "channels first", (kernel) => {
      const [h, w] = kernel.shape as [number, number, number, number];
      const each = [h, w, channels, attributes.multiplier];
      return [[channels * attributes.multiplier, 1, h, w], transposed(e.data(kernel), each, [2, 3, 0, 1])];
    });
    const name = e.node(layer, "Conv", [e.as(input!, "first", layer), ...weights], {
      ...windowOf(attributes),
      group: { i: channels },
    });
    return e.flow(output.shape, "first", name);
  },
  conv2dTranspose(e, { layer, attributes, parameters, output }, [input]) {
    const { kernel, strides, dilation, pad } = attributes;
    const weights = weighed(e, parameters, "inputs first", (parameter) => {
      const [h, w, o, i] = parameter.shape as [number, number, number, number];
      return [[i, o, h, w], transposed(e.data(parameter), parameter.shape, [3, 2, 0, 1])];
    });
    const sides = [pad.top + pad.bottom, pad.left + pad.right] as const;
    const beyond = sides.map((padding, axis) => {
      const extent = (kernel[axis]! - 1) * dilation[axis]! + 1;
      return output.shape[axis]! - ((input!.shape[axis]! - 1) * strides[axis]! + extent - padding);
    });
    const name = e.node(layer, "ConvTranspose", [e.as(input!, "first", layer), ...weights], {
      ...windowOf(attributes),
      output_padding: beyond,
    });
    return e.flow(output.shape, "first", name);
  },
  convPool() {
    throw new Error("convPool is none of a model's ops: fuse() makes it");
  },
  dense(e, { layer, parameters, output }, [input]) {
    const { shape } = output;
    const [kernel, bias] = parameters as readonly [Parameter, Parameter?];
    if (shape.length > 1) {
      const product = e.node(layer, "MatMul", [e.as(input!, "last", layer), e.weight(kernel)]);
      return e.flow(shape, "last", bias ? e.node(layer, "Add", [product, e.weight(bias)]) : product);
    }
    const flat = input!.own === "flat" ? input!.image!.shape : undefined;
    const weight = flat
      ? e.weight(kernel, `rows of ${flat.join("x")}`, () => [
          kernel.shape,
          // Rows in the order that an image's numbers have with its channels first.
          transposed(e.data(kernel), [...flat, shape[0]!], [2, 0, 1, 3]),
        ])
      : e.weight(kernel);
    const x = e.as(input!, flat ? "flat" : "last", layer);
    return e.flow(shape, "last", e.node(layer, "Gemm", [x, weight, ...(bias ? [e.weight(bias)] : [])]));
  },
  pool2d(e, { layer, attributes, output }, [input]) {
    const x = e.as(input!, "first", layer);
    const { dilations, ...window } = windowOf(attributes);
    const { mode, kernel } = attributes;
    const [H, W] = input!.shape as [number, number, number];
    const global = kernel[0] === H && kernel[1] === W && window.pads.every((n) => n === 0);
    const name =
      mode === "average"
        ? e.node(layer, "AveragePool", [x], { ...window, count_include_pad: { i: 0 } })
        : global && output.shape[0] === 1 && output.shape[1] === 1
          ? e.node(layer, "GlobalMaxPool", [x])
          : e.node(layer, "MaxPool", [x], window);
    return e.flow(output.shape, "first", name);
  },
  globalAveragePool2d(e, { layer, output }, [input]) {
    const pooled = e.node(layer, "GlobalAveragePool", [e.as(input!, "first", layer)]);
    return reshaped(e, layer, e.flow([1, 1, ...output.shape], "first", pooled), output.shape);
  },
  activation: (e, op, [input]) => eachNumber(e, input!, op.layer, (x) => emitActivation(e, op, x)),
  unary: (e, op, [input]) => eachNumber(e, input!, op.layer, (x) => emitUnary(e, op, x)),
  softmax(e, { layer, output }, [input]) {
    const form = formOf(input!);
    const axis = axisOf(output.shape.length - 1, output.shape.length, form);
    const name = e.node(layer, "Softmax", [e.as(input!, form, layer)], { axis: { i: axis } });
    return e.flow(output.shape, form, name);
  },
  dropout: asItIs,
  channelDropout: asItIs,
  gaussian: asItIs,
  activityPenalty: asItIs,
  randomAffine: asItIs,
  randomColor: asItIs,
  randomErasing: asItIs,
  mixImages: asItIs,
  randomCrop(e, { layer, output }, [input]) {
    const [H, W] = input!.shape as [number, number, number];
    const [OH, OW] = output.shape as [number, number, number];
    return moved(e, layer, input!, output.shape, -Math.floor((H - OH) / 2), -Math.floor((W - OW) / 2));
  },
  reshape: (e, { layer, output }, [input]) => reshaped(e, layer, input!, output.shape),
  add: (e, { layer, output }, inputs) => merged(e, layer, "Add", inputs, output.shape),
  multiply: (e, { layer, output }, inputs) => merged(e, layer, "Mul", inputs, output.shape),
  binary: (e, { layer, attributes, output, parameters }, inputs) =>
    merged(e, layer, BINARY[attributes.kind], inputs, output.shape, parameters[0]),
  batchNorm: (e, { layer, attributes }, [input]) => normalized(e, layer, input!, attributes.norm),
  groupNorm(e, { layer, attributes, parameters }, [input]) {
    const { positions, channels, groups, epsilon, scale, center } = attributes;
    const { shape } = input!;
    const gamma = scale ? parameters[0] : undefined;
    const beta = center ? parameters.at(-1) : undefined;
    if (positions === 1 && groups === 1) {
      let axes = parameters[0]?.shape.length ?? 1;
      if (parameters.length === 0) while (elements(shape.slice(-axes)) < channels) axes++;
      const ones = () => e.constant(layer, new Float32Array(channels).fill(1), shape.slice(-axes));
      const weights = [gamma ? e.weight(gamma) : ones(), ...(beta ? [e.weight(beta)] : [])];
      const x = e.as(input!, "last", layer);
      const name = e.node(layer, "LayerNormalization", [x, ...weights], { axis: { i: -axes }, epsilon });
      return e.flow(shape, "last", name);
    }
    const x = e.as(input!, "first", layer);
    const one = [1, 0].map((value) => e.constant(layer, new Float32Array(groups).fill(value), [groups]));
    const parts = e.reshape(layer, x, [groups, elements(shape) / groups]);
    const normal = e.node(layer, "InstanceNormalization", [parts, ...one], { epsilon });
    let name = e.reshape(layer, normal, shape.length > 1 ? channelsFirst(shape) : shape);
    const form = shape.length > 1 ? "first" : "last";
    const beside = (parameter: Parameter) =>
      e.weight(parameter, `beside ${shape.length}`, () =>
        besides(parameter.shape, e.data(parameter), shape.length, form),
      );
    if (gamma) name = e.node(layer, "Mul", [name, beside(gamma)]);
    if (beta) name = e.node(layer, "Add", [name, beside(beta)]);
    return e.flow(shape, form, name);
  },
  concatenate(e, { layer, attributes, output }, inputs) {
    const form = common(inputs);
    const names = inputs.map((flow) => e.as(flow, form, layer));
    const axis = axisOf(attributes.axis, output.shape.length, form);
    return e.flow(output.shape, form, e.node(layer, "Concat", names, { axis: { i: axis } }));
  },
  permute(e, { layer, attributes, output }, [input]) {
    const form = formOf(input!);
    const perm = [0, ...attributes.axes.map((axis) => axisOf(axis, output.shape.length, form))];
    const from = e.as(input!, form, layer);
    const name = perm.every((axis, i) => axis === i) ? from : e.node(layer, "Transpose", [from], { perm });
    return e.flow(output.shape, "last", name);
  },
  resample2d(e, { layer, attributes, output }, [input]) {
    const { top, left, rep, bilinear } = attributes;
    if (rep[0] === 1 && rep[1] === 1) return moved(e, layer, input!, output.shape, top, left);
    const scales = e.constant(layer, Float32Array.of(1, 1, ...rep), [4]);
    const how = bilinear
      ? { mode: "linear", coordinate_transformation_mode: "half_pixel" }
      : { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const name = e.node(layer, "Resize", [e.as(input!, "first", layer), "", scales], how);
    return e.flow(output.shape, "first", name);
  },
};

/** A function of each number, whatever their order. */
function eachNumber(e: Emitter, input: Flow, layer: string, apply: (x: string) => string): Flow {
  return e.flow(input.shape, input.own, apply(e.as(input, input.own, layer)), input.image);
}

/** The nodes of an op, on the values that it reads. */
export function emitOp<K extends OpKind>(e: Emitter, op: OpOf<K>, inputs: readonly Flow[]): Flow {
  return (OPS[op.kind] as Emit<K>)(e, op, inputs);
}
