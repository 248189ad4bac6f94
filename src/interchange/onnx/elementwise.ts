// Nodes that work number by number: on values of the model, or on one and on constants.
import { elements } from "../../compiler/graph.ts";
import { transposed } from "../places.ts";
import { axisIn, broadcast } from "./fold.ts";
import { FUNCTIONS } from "./functions.ts";
import {
  type Call,
  channelsLast,
  type Entry,
  type Flow,
  type Given,
  hintOfWeights,
  type Importer,
  inOrder,
  isFlow,
  Lacking,
  type Real,
  type Weights,
} from "./importer.ts";
import { f32 } from "./operands.ts";
import type { Constant } from "./tensors.ts";

/** Numbers along an axis there, in the order of that axis here. */
export function along(data: Float32Array, { rows }: Pick<Real, "rows">): Float32Array<ArrayBuffer> {
  return rows ? transposed(data, rows.dims, rows.order) : new Float32Array(data);
}

/** Of an order of axes one in which this one is the last: channels. */
function lastOf(real: Real, axis: number): readonly number[] {
  const { order } = real;
  return order.at(-1) === axis ? order : [...order.filter((other) => other !== axis), axis];
}

const single = (constant: Constant) => (constant.data.length === 1 ? constant.data[0] : undefined);

/** Where constants of older operator sets stand beside a value of more axes: see broadcast and axis of Add-6. */
function standing({ attributes, opset, node }: Call, constant: Constant, rank: number): Constant {
  const { shape } = constant;
  if (node.opType === "PRelu" && opset < 7 && shape.length === 1)
    return { ...constant, shape: [...shape, ...Array<number>(Math.max(0, rank - 2)).fill(1)] };
  if (opset >= 7 || !attributes.int("broadcast", 0) || !attributes.has("axis")) return constant;
  const axis = axisIn(attributes.int("axis", 0), rank) ?? 0;
  return {
    ...constant,
    shape: [...shape, ...Array<number>(Math.max(0, rank - axis - shape.length)).fill(1)],
  };
}

/** The axis there along which the constant's numbers differ; none where there is one number; undefined of several axes. */
function axisAlong(constant: Constant, flow: Flow): number | "none" | undefined {
  const rank = flow.shape.length;
  const { shape } = constant;
  if (shape.length > rank) return undefined;
  const long = shape.flatMap((size, i) => (size === 1 ? [] : [rank - shape.length + i]));
  if (long.length === 0) return "none";
  const [axis] = long;
  return long.length === 1 && axis! > 0 && constant.data.length === flow.shape[axis!] ? axis : undefined;
}

/** Of layers that have none yet: the weights that a multiplication or an addition behind them gives them. */
function taken(entry: Entry, scale: Float32Array | undefined, offset: Float32Array | undefined) {
  const { type, options } = entry;
  const one = (data: Float32Array): Weights => ({ shape: [data.length], data });
  if (/^(conv2d|conv2dTranspose|depthwiseConv2d|dense)$/.test(type)) {
    if (scale || !offset || options.useBias !== false || options.activation !== undefined) return undefined;
    return { options: { useBias: true }, weights: { bias: one(offset) } };
  }
  if (type !== "groupNormalization" && !(type === "layerNormalization" && options.axis === undefined))
    return undefined;
  // What is added to is scaled before: gamma stands before beta.
  if (options.center || (scale && options.scale)) return undefined;
  return {
    options: { ...(scale && { scale: true }), ...(offset && { center: true }) },
    weights: { ...(scale && { gamma: one(scale) }), ...(offset && { beta: one(offset) }) },
  };
}

/** scale x + offset, numbers of each channel or of all. */
export function affine(
  importer: Importer,
  call: Call,
  flow: Flow,
  axis: number | "none",
  scale: Float32Array | undefined,
  offset: Float32Array | undefined,
): Real {
  const { node } = call;
  const real = flow.real();
  if (axis === "none") {
    const options = { scale: scale?.[0] ?? 1, offset: offset?.[0] ?? 0 };
    return { ...real, entry: importer.layer(node, "rescaling", options, [real.entry]) };
  }
  const { order, rows } = real.order.at(-1) === axis ? real : { order: lastOf(real, axis), rows: undefined };
  const entry = order === real.order ? real.entry : importer.arranged(node, flow, order);
  const [gamma, beta] = [scale, offset].map((numbers) => numbers && along(numbers, { rows }));
  const own = flow.uses === 1 ? taken(entry, gamma, beta) : undefined;
  if (own) {
    const { type, options, from, weights, hint } = entry;
    const merged = { ...weights, ...own.weights };
    return {
      order,
      rows,
      entry: importer.layer(node, type, { ...options, ...own.options }, from, merged, hint),
    };
  }
  const channels = flow.shape[axis]!;
  const filled = (value: number): Weights => ({
    shape: [channels],
    data: new Float32Array(channels).fill(value),
  });
  // With statistics that change nothing, and as no training changes it.
  const made = importer.layer(node, "batchNormalization", { epsilon: 1e-14, trainable: false }, [entry], {
    gamma: gamma ? { shape: [channels], data: gamma } : filled(1),
    beta: beta ? { shape: [channels], data: beta } : filled(0),
    movingMean: filled(0),
    movingVariance: filled(1),
  });
  return { order, rows, entry: made };
}

/** A layer on two values and more, their axes in one order. */
export function merging(
  importer: Importer,
  call: Call,
  flows: readonly Flow[],
  type: string,
  options: Entry["options"] = {},
): Real {
  const [first] = flows as [Flow];
  const rank = first.shape.length;
  if (flows.some((flow) => flow.shape.length !== rank))
    throw new Lacking(call.node, "of values of different ranks");
  const reals = flows.map((flow) => flow.real());
  const key = ({ order, rows }: Real) => JSON.stringify([order, rows]);
  // What was flattened stays so where all were, in one way.
  if (reals.every((real) => key(real) === key(reals[0]!)))
    return {
      ...reals[0]!,
      entry: importer.layer(
        call.node,
        type,
        options,
        reals.map(({ entry }) => entry),
      ),
    };
  const orders = reals.map(({ order }) => order);
  const order = orders.find((order) => order.join() === channelsLast(rank).join()) ?? orders[0]!;
  return {
    order,
    entry: importer.layer(
      call.node,
      type,
      options,
      flows.map((flow) => importer.arranged(call.node, flow, order)),
    ),
  };
}

type Make = (importer: Importer, call: Call, flow: Flow) => Real;

const unary =
  (activation: string): Make =>
  (importer, { node }, flow) =>
    importer.activated(node, flow, activation);
const own =
  (type: string, options: (call: Call) => Entry["options"]): Make =>
  (importer, call, flow) => {
    const real = flow.real();
    return { ...real, entry: importer.layer(call.node, type, options(call), [real.entry]) };
  };
/** Layers one behind the other. */
const chain =
  (layers: (call: Call) => readonly (readonly [type: string, options: Entry["options"]])[]): Make =>
  (importer, call, flow) => {
    const real = flow.real();
    const entry = layers(call).reduce(
      (before, [type, options]) => importer.layer(call.node, type, options, [before]),
      real.entry,
    );
    return { ...real, entry };
  };

/** The least and the greatest number that a Clip lets through. */
export function limitsOf({ attributes, inputs, node }: Call): [low: number, high: number] {
  const [low, high] = [1, 2].map((i) => {
    const input = inputs[i];
    if (input === undefined) return undefined;
    const value = isFlow(input) ? undefined : single(input);
    if (value === undefined) throw new Lacking(node, "with limits that are no numbers");
    return value;
  });
  return [
    low ?? attributes.float("min", Number.NEGATIVE_INFINITY),
    high ?? attributes.float("max", Number.POSITIVE_INFINITY),
  ].map((limit) => (Math.abs(limit) > 3.3e38 ? Math.sign(limit) * Number.POSITIVE_INFINITY : limit)) as [
    number,
    number,
  ];
}

/** x kept from low to high: relu is what there is for it. */
const clip: Make = (importer, call, flow) =>
  limitsOf(call).join() === "0,6"
    ? importer.activated(call.node, flow, "relu6")
    : bounded(importer, call, flow);
const bounded = chain((call) => {
  const [low, high] = limitsOf(call);
  const upTo = (most: number) => ["relu", Number.isFinite(most) ? { maxValue: most } : {}] as const;
  if (!(low <= high)) throw new Lacking(call.node, `with limits ${low} and ${high}`);
  if (Number.isFinite(low))
    return low === 0
      ? [upTo(high)]
      : [
          ["rescaling", { scale: 1, offset: -low }],
          upTo(high - low),
          ["rescaling", { scale: 1, offset: low }],
        ];
  if (!Number.isFinite(high)) return [["rescaling", { scale: 1 }]];
  return [
    ["rescaling", { scale: -1, offset: high }],
    upTo(high - low),
    ["rescaling", { scale: -1, offset: high }],
  ];
});

const SIXTH = 1 / 6;
/** By operator, the layers of a node on one value. */
const UNARY: Readonly<Record<string, Make>> = {
  Relu: unary("relu"),
  Sigmoid: unary("sigmoid"),
  Tanh: unary("tanh"),
  Softplus: unary("softplus"),
  Softsign: unary("softsign"),
  Exp: unary("exponential"),
  HardSwish: unary("hardSilu"),
  Mish: unary("mish"),
  Gelu: (importer, call, flow) =>
    unary(call.attributes.text("approximate", "none") === "tanh" ? "geluApproximate" : "gelu")(
      importer,
      call,
      flow,
    ),
  LeakyRelu: own("leakyRelu", ({ attributes }) => ({ alpha: attributes.float("alpha", 0.01) })),
  Elu: own("elu", ({ attributes }) => ({ alpha: attributes.float("alpha", 1) })),
  ThresholdedRelu: own("relu", ({ attributes }) => ({ threshold: attributes.float("alpha", 1) })),
  Neg: own("rescaling", () => ({ scale: -1 })),
  Clip: clip,
  Selu(importer, call, flow) {
    const [alpha, gamma] = [
      call.attributes.float("alpha", 1.6732632),
      call.attributes.float("gamma", 1.050701),
    ];
    if (Math.abs(alpha - 1.6732632) < 1e-5 && Math.abs(gamma - 1.050701) < 1e-5)
      return unary("selu")(importer, call, flow);
    return chain(() => [
      ["elu", { alpha }],
      ["rescaling", { scale: gamma }],
    ])(importer, call, flow);
  },
  Celu: chain(({ attributes }) => {
    const alpha = attributes.float("alpha", 1);
    return [
      ["rescaling", { scale: 1 / alpha }],
      ["elu", {}],
      ["rescaling", { scale: alpha }],
    ];
  }),
  HardSigmoid: chain(({ attributes }) => {
    const [alpha, beta] = [attributes.float("alpha", 0.2), attributes.float("beta", 0.5)];
    if (Math.abs(alpha - SIXTH) < 1e-6 && beta === 0.5)
      return [["activation", { activation: "hardSigmoid" }]];
    return [
      ["rescaling", { scale: alpha, offset: beta }],
      ["relu", { maxValue: 1 }],
    ];
  }),
  Abs(importer, call, flow) {
    const real = flow.real();
    const negative = importer.layer(call.node, "rescaling", { scale: -1 }, [real.entry]);
    return { ...real, entry: importer.layer(call.node, "maximum", {}, [real.entry, negative]) };
  },
};

/** The operators of layers that merge values. */
const MERGING: Readonly<Record<string, string>> = {
  Add: "add",
  Sum: "add",
  Sub: "subtract",
  Mul: "multiply",
  Max: "maximum",
  Min: "minimum",
  Mean: "average",
};

/** A node of one value and one constant. */
function withConstant(importer: Importer, call: Call, flow: Flow, constant: Constant, first: boolean): Real {
  const { node } = call;
  const axis = axisAlong(constant, flow);
  const what = `of a constant of shape [${constant.shape.slice(0, 8).join(", ")}]`;
  if (axis === undefined) throw new Lacking(node, what, "a constant of one number, or of one a channel");
  const numbers = f32(constant);
  const each = (of: (x: number) => number) => numbers.map(of);
  const scaled = (scale?: Float32Array, offset?: Float32Array) =>
    affine(importer, call, flow, axis, scale, offset);
  switch (node.opType) {
    case "Add":
    case "Sum":
      return scaled(undefined, numbers);
    case "Mul":
      return scaled(numbers);
    case "Sub":
      return first
        ? scaled(
            undefined,
            each((x) => -x),
          )
        : scaled(
            each(() => -1),
            numbers,
          );
    case "Div":
      if (first) return scaled(each((x) => 1 / x));
      break;
    case "Max":
    case "Min":
      if (axis === "none") {
        const limits = node.opType === "Max" ? [constant, undefined] : [undefined, constant];
        return clip(importer, { ...call, inputs: [flow, ...limits] }, flow);
      }
      break;
    case "Pow": {
      const power = first && axis === "none" ? numbers[0]! : 0;
      if (power === 1) return flow.real();
      if (power !== 2 && power !== 3) break;
      const real = flow.real();
      return { ...real, entry: importer.layer(node, "multiply", {}, Array<Entry>(power).fill(real.entry)) };
    }
  }
  throw new Lacking(node, first ? what : `${what} by a value`);
}

/** Whether a node works number by number. */
export const isElementwise = (opType: string) =>
  Object.hasOwn(FUNCTIONS, opType) || Object.hasOwn(UNARY, opType) || opType === "Mean";

/** Every operator that works number by number and has layers of its own. */
export const ELEMENTWISE = [...Object.keys(UNARY), ...Object.keys(MERGING), "Div", "Pow"];

/** A node that works number by number, on what it is given. */
export function elementwise(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const opType = node.opType!;
  const flows = call.inputs.filter((input) => input !== undefined).filter(isFlow);
  const rank = Math.max(...flows.map(({ shape }) => shape.length));
  const inputs = call.inputs.map((input: Given) =>
    input === undefined || isFlow(input) ? input : standing(call, input, rank),
  );
  const constants = inputs.filter((input) => input !== undefined && !isFlow(input)) as Constant[];
  let shape: number[] | undefined = [];
  for (const input of [...flows, ...constants]) shape = shape && broadcast(shape, input.shape);
  if (!shape || shape[0] !== importer.batch || !flows.some((flow) => flow.shape.length === shape.length))
    throw new Lacking(node, "that does not keep to a shape");
  const of = FUNCTIONS[opType];
  const numbers = constants.map(single);
  const scalar =
    of && numbers.every((number) => number !== undefined)
      ? (values: readonly number[]) => {
          let at = 0;
          return of(
            inputs.map((input) =>
              input === undefined ? undefined : isFlow(input) ? values[at++]! : single(input)!,
            ) as number[],
            attributes,
          );
        }
      : undefined;
  return importer.function(call, flows, shape, scalar, () => {
    const [flow] = flows as [Flow];
    if (Object.hasOwn(UNARY, opType) && flows.length === 1)
      return UNARY[opType]!(importer, { ...call, inputs }, flow);
    const type = Object.hasOwn(MERGING, opType) ? MERGING[opType]! : undefined;
    if (constants.length === 0) {
      if (flows.length === 1 && type) return flow.real();
      if (type && (flows.length === 2 || type !== "subtract")) return merging(importer, call, flows, type);
      throw new Lacking(node, flows.length > 1 ? "of two values" : undefined);
    }
    if (constants.length > 1 || flows.length > 1 || call.inputs.length > 2)
      throw new Lacking(node, "of several values and constants");
    return withConstant(importer, call, flow, constants[0]!, isFlow(call.inputs[0]));
  });
}

/** PRelu: slopes of each number, or shared along axes. */
export function prelu(importer: Importer, call: Call): Flow {
  const { node, inputs } = call;
  const [flow, given] = inputs;
  if (!isFlow(flow) || given === undefined || isFlow(given))
    throw new Lacking(node, "with slopes that are computed");
  const rank = flow.shape.length;
  const slopes = standing(call, given, rank);
  const shape = [...Array<number>(Math.max(0, rank - slopes.shape.length)).fill(1), ...slopes.shape];
  if (
    shape.length !== rank ||
    shape[0] !== 1 ||
    shape.some((size, i) => size !== 1 && size !== flow.shape[i])
  )
    throw new Lacking(node, `with slopes of shape [${slopes.shape.slice(0, 8).join(", ")}]`);
  const { entry, order } = importer.plain(node, flow);
  const own = order.map((axis) => shape[axis]!);
  const data = transposed(
    f32(slopes),
    shape.slice(1),
    order.map((axis) => axis - 1),
  );
  // An axis of size 1 may be shared or not.
  const sharedAxes = own.flatMap((size, i) => (size === 1 && entry.tensor.shape[i] !== 1 ? [i + 1] : []));
  const made = importer.layer(
    node,
    "prelu",
    sharedAxes.length > 0 ? { sharedAxes } : {},
    [entry],
    { alpha: { shape: own, data } },
    hintOfWeights(node.input[1]) ?? undefined,
  );
  return importer.made(node.output[0]!, { entry: made, order });
}

/** The layers that softmax is along an axis. */
export function softmax(importer: Importer, call: Call): Flow {
  const { node, inputs, attributes, opset } = call;
  const [flow] = inputs;
  if (!isFlow(flow)) throw new Lacking(node);
  const rank = flow.shape.length;
  const axis = axisIn(attributes.int("axis", opset < 13 ? 1 : -1), rank);
  if (axis === undefined || axis === 0) throw new Lacking(node, "along the batch");
  // Of older operator sets all axes from that one on are one.
  if (opset < 13 && elements(flow.shape.slice(axis + 1)) > 1) {
    const flat = importer.reshaped(
      call,
      flow,
      [...flow.shape.slice(0, axis), elements(flow.shape.slice(axis))],
      "",
    );
    const real = importer.plain(node, flat);
    if (real.order.at(-1) !== axis) throw new Lacking(node, "along several axes");
    const made = importer.made("", { ...real, entry: importer.layer(node, "softmax", {}, [real.entry]) });
    return importer.reshaped(call, made, flow.shape);
  }
  const real = flow.real();
  const order = lastOf(real, axis);
  const entry = order === real.order ? real.entry : importer.arranged(node, flow, order);
  if (order === real.order) {
    const made = importer.activated(node, flow, "softmax");
    const { type, options } = made.entry;
    // On its own it is a layer of that name.
    const alone = type === "activation" && options.activation === "softmax";
    return importer.made(
      node.output[0]!,
      alone ? { ...made, entry: importer.layer(node, "softmax", {}, [entry]) } : made,
    );
  }
  return importer.made(node.output[0]!, { entry: importer.layer(node, "softmax", {}, [entry]), order });
}

/** Axes as they are there. */
export const straight = (importer: Importer, { node }: Call, flow: Flow) =>
  importer.arranged(node, flow, inOrder(flow.shape.length));
