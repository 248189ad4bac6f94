// A model's parameters as PyTorch has them: a state_dict's names, shapes and order, and how numbers go there and back.
import { elements, type Parameter, type Shape } from "../../compiler/graph.ts";
import type { Model } from "../../train/model.ts";
import { channelsFirst, denseStrides, eachPlace, evenly } from "../places.ts";
import { type Call, type Calls, callsOf } from "./calls.ts";
import { type Layout, layoutOf, type Order } from "./layout.ts";
import { moduleNames } from "./names.ts";

/** A tensor of a state_dict. */
export interface Form {
  /** "conv2d.weight": the module's path, and the tensor's name in it. */
  readonly name: string;
  readonly module: string;
  readonly shape: Shape;
  /** Whose numbers it holds; undefined where it is the same number all over, which here needs no parameter. */
  readonly parameter: Parameter | undefined;
  /** That number; of a parameter, the numbers that it has where a file has none for it. */
  readonly constant: number | Float32Array | undefined;
  /** Whether PyTorch keeps it as a buffer: no optimizer changes it. */
  readonly buffer: boolean;
  /** Axes of here's parameter in PyTorch's order, before further axes fall together. */
  readonly axes: readonly number[];
  /** Orders of the last axis, and of the one before it. */
  readonly orders: readonly [last: Order, before: Order];
}

/** The axes of n with the channels first. */
const first = (n: number) => channelsFirst(Array.from({ length: n }, (_, i) => i));

interface Told {
  readonly call: Call;
  readonly layout: Layout;
}

/** What a layer's parameter, by its name behind the layer's, is in PyTorch. */
interface Part {
  readonly name: string;
  readonly parameter: string;
  readonly axes?: readonly number[];
  readonly shape?: Shape;
  readonly orders?: readonly [Order, Order];
  readonly constant?: number;
  readonly buffer?: boolean;
}

const PLAIN: readonly [Order, Order] = [undefined, undefined];
const bias: Part = { name: "bias", parameter: "bias" };

const norm = (told: Told): Part[] => {
  const { call, layout } = told;
  const orders = [layout.order(call.from[0]!), undefined] as const;
  const { center, scale } = call.options;
  // PyTorch's norms have both or none.
  return center || scale
    ? [
        { name: "weight", parameter: "gamma", orders, constant: 1 },
        { name: "bias", parameter: "beta", orders, constant: 0 },
      ]
    : [];
};

/** Parameters of the layers that have some, in the order in which modules have them. */
export const PARTS: Readonly<Record<string, (told: Told, shapeOf: (parameter: string) => Shape) => Part[]>> =
  {
    conv2d: () => [{ name: "weight", parameter: "kernel", axes: [3, 2, 0, 1] }, bias],
    conv1d: () => [{ name: "weight", parameter: "kernel", axes: [2, 1, 0] }, bias],
    conv2dTranspose: () => [{ name: "weight", parameter: "kernel", axes: [3, 2, 0, 1] }, bias],
    depthwiseConv2d: (_, shapeOf) => [depthwise("weight", "kernel", shapeOf), bias],
    separableConv2d: (_, shapeOf) => [
      depthwise("depthwise.weight", "depthwiseKernel", shapeOf),
      { name: "pointwise.weight", parameter: "pointwiseKernel", axes: [3, 2, 0, 1] },
      { name: "pointwise.bias", parameter: "bias" },
    ],
    dense: ({ call, layout }) => {
      const out = layout.outputOrder(call.name);
      const orders = [out, layout.order(call.from[0]!)] as const;
      return [
        { name: "weight", parameter: "kernel", axes: [1, 0], orders },
        { ...bias, orders: [out, undefined] },
      ];
    },
    batchNormalization: (told) => {
      const orders = [told.layout.order(told.call.from[0]!), undefined] as const;
      return [
        ...norm(told),
        { name: "running_mean", parameter: "movingMean", orders, buffer: true },
        { name: "running_var", parameter: "movingVariance", orders, buffer: true },
      ];
    },
    layerNormalization: (told) => {
      const axes = spansAll(told.call) && { axes: first(told.call.inputs[0]!.length) };
      return norm(told).map((part) => ({ ...part, ...axes }));
    },
    groupNormalization: norm,
    prelu: ({ call, layout }, shapeOf) => {
      const shape = shapeOf("alpha");
      const channels = shape.at(-1)!;
      return [
        elements(shape) === channels
          ? {
              name: "weight",
              parameter: "alpha",
              shape: [channels],
              orders: [channels > 1 ? layout.order(call.from[0]!) : undefined, undefined],
            }
          : { name: "weight", parameter: "alpha", axes: first(shape.length) },
      ];
    },
    normalization: ({ call, layout }) => {
      const orders = [layout.order(call.from[0]!), undefined] as const;
      return [
        { name: "mean", parameter: "mean", orders, buffer: true },
        { name: "variance", parameter: "variance", orders, buffer: true },
      ];
    },
  };

/** Whether a layer normalization is over all of a sample of several axes. */
export function spansAll({ inputs, options }: Call): boolean {
  const axis = options.axis as number | readonly number[];
  return inputs[0]!.length > 1 && Array.isArray(axis) && axis.length === inputs[0]!.length;
}

/** [height, width, channels, multiplier] as [channels * multiplier, 1, height, width]. */
function depthwise(name: string, parameter: string, shapeOf: (parameter: string) => Shape): Part {
  const [height, width, channels, multiplier] = shapeOf(parameter) as [number, number, number, number];
  return {
    name,
    parameter,
    axes: [2, 3, 0, 1],
    shape: [channels * multiplier, 1, height, width],
  };
}

/** The first calls of the layers that have parameters, or could have some: those that are modules in PyTorch. */
export function ownersOf({ calls }: Calls): Call[] {
  return calls.filter(({ again, type }) => !again && Object.hasOwn(PARTS, type));
}

/** The state_dict of a model, in the order of its layers. */
export function formsOf(model: Model): Form[] {
  const calls = callsOf(model);
  const layout = layoutOf(calls);
  const parameters = new Map(model.graph.parameters.map((parameter) => [parameter.name, parameter]));
  const owners = ownersOf(calls);
  const paths = moduleNames(owners.map(({ name }) => name));
  return owners.flatMap((call) => {
    const parameterOf = (what: string) => parameters.get(`${call.name}/${what}`);
    const parts = PARTS[call.type]?.({ call, layout }, (what) => parameterOf(what)?.shape ?? []) ?? [];
    return parts.flatMap((part): Form[] => {
      const parameter = parameterOf(part.parameter);
      if (!parameter && part.constant === undefined) return [];
      const shape = parameter?.shape ?? normalized(call);
      const axes = part.axes ?? shape.map((_, i) => i);
      const path = `${paths.get(call.name)!}.${part.name}`;
      return [
        {
          name: path,
          module: path.slice(0, path.lastIndexOf(".")),
          shape: part.shape ?? axes.map((axis) => shape[axis]!),
          parameter,
          constant: parameter ? initially(call, parameter) : part.constant,
          buffer: part.buffer ?? false,
          axes,
          orders: part.orders ?? PLAIN,
        },
      ];
    });
  });
}

/** The shape of what a normalization scales by. */
function normalized({ type, inputs, options }: Call): Shape {
  const axes = type === "layerNormalization" ? [options.axis].flat().length : 1;
  return inputs[0]!.slice(-axes);
}

/** What a parameter holds that no training gave it: what normalization() was told. */
function initially(call: Call, { initializer, shape }: Parameter): Float32Array | undefined {
  if (call.type !== "normalization") return undefined;
  const { value } = initializer as { value: number | readonly number[] };
  return Float32Array.from({ length: elements(shape) }, (_, i) =>
    typeof value === "number" ? value : value[i]!,
  );
}

/** A parameter's numbers as PyTorch has them. */
export function toTorch(form: Form, data: Float32Array): Float32Array {
  const result = new Float32Array(data.length);
  eachNumber(form, (here, there) => {
    result[there] = data[here]!;
  });
  return result;
}

/** The numbers of a tensor of PyTorch as the parameter has them here. */
export function fromTorch(form: Form, data: Float32Array): Float32Array {
  const result = new Float32Array(data.length);
  eachNumber(form, (here, there) => {
    result[here] = data[there]!;
  });
  return result;
}

/** Calls back with the places of each number, here and in PyTorch. */
function eachNumber({ parameter, axes, orders }: Form, place: (here: number, there: number) => void): void {
  const { shape } = parameter!;
  const strides = denseStrides(axes.map((axis) => shape[axis]!));
  eachPlace(
    shape.map((size, axis) => {
      const order = orders[shape.length - 1 - axis];
      const stride = strides[axes.indexOf(axis)]!;
      return order ? Float64Array.from(order, (at) => at * stride) : evenly(size, stride);
    }),
    place,
  );
}
