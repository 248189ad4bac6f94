// Every layer as PyTorch has it: the module that holds its weights, and what forward() does.
import { elements, type Shape } from "../../compiler/graph.ts";
import type { Activation } from "../../model/layers/layer.ts";
import { resolveWindow } from "../../model/window.ts";
import { channelsFirst } from "../places.ts";
import type { Call } from "./calls.ts";
import { spansAll } from "./forms.ts";
import type { Layout } from "./layout.ts";
import { called, type Helper, py, sizes } from "./python.ts";

/** What a layer's code is written with. */
export interface Writing {
  readonly call: Call;
  readonly layout: Layout;
  /** What the layer takes, channels first; `i`: the number of the input. */
  first(i?: number): string;
  /** The same with its channels last, as here. */
  last(i?: number): string;
  /** The same as it is held. */
  held(i?: number): string;
  /** A value whose channels are last, channels first. */
  toFirst(value: string): string;
  /** A call of the layer's module. */
  run(value: string): string;
  helper(name: Helper): string;
}

export interface Written {
  /** What makes the module; undefined where there are no weights. */
  readonly module?: string;
  /** What makes the layer's output. */
  readonly output: string;
  /** Tensors of the module that stay as they are: those that the layer here has none for. */
  readonly constant?: readonly string[];
  readonly comment?: string;
}

/** A layer in Python; a text: what it lacks there. */
type ToPython = (writing: Writing) => Written | string;

/** Activations by name: of an expression. */
export const ACTIVATIONS_THERE: Readonly<Record<Activation, (x: string) => string>> = {
  linear: (x) => x,
  relu: (x) => `F.relu(${x})`,
  leakyRelu: (x) => `F.leaky_relu(${x}, 0.2)`,
  elu: (x) => `F.elu(${x})`,
  sigmoid: (x) => `torch.sigmoid(${x})`,
  tanh: (x) => `torch.tanh(${x})`,
  softmax: (x) => `F.softmax(${x}, dim=1)`,
  relu6: (x) => `F.relu6(${x})`,
  silu: (x) => `F.silu(${x})`,
  swish: (x) => `F.silu(${x})`,
  gelu: (x) => `F.gelu(${x})`,
  geluApproximate: (x) => `F.gelu(${x}, approximate="tanh")`,
  softplus: (x) => `F.softplus(${x})`,
  softsign: (x) => `F.softsign(${x})`,
  selu: (x) => `F.selu(${x})`,
  hardSigmoid: (x) => `F.hardsigmoid(${x})`,
  hardSilu: (x) => `F.hardswish(${x})`,
  hardSwish: (x) => `F.hardswish(${x})`,
  exponential: (x) => `torch.exp(${x})`,
  mish: (x) => `F.mish(${x})`,
};

const activated = ({ call }: Writing, output: string) =>
  ACTIVATIONS_THERE[call.options.activation as Activation](output);

const both = (value: unknown) => (Array.isArray(value) ? value : [value, value]) as [number, number];

interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  /** Of each axis, what is added before and behind. */
  readonly pads: readonly (readonly [number, number])[];
}

/** The window of a layer that slides along one axis or two. */
function windowOf({ options, name }: Call, input: Shape, sizeOption: "kernelSize" | "poolSize"): Window {
  const steps = input.length === 2;
  const pair = (value: unknown) => (steps ? ([1, value] as [number, number]) : both(value));
  const causal = options.padding === "causal";
  const { attributes } = resolveWindow(name, steps ? [1, ...input] : input, {
    sizeOption,
    size: pair(options[sizeOption]),
    strides: pair(options.strides),
    dilation: pair(options.dilationRate ?? 1),
    padding: causal ? "same" : (options.padding as "same"),
  });
  const { kernel, strides, dilation, pad } = attributes;
  const pads: Window["pads"] = [
    [pad.top, pad.bottom],
    causal ? [(kernel[1] - 1) * dilation[1], 0] : [pad.left, pad.right],
  ];
  const from = steps ? 1 : 0;
  return {
    size: kernel.slice(from),
    strides: strides.slice(from),
    dilation: dilation.slice(from),
    pads: pads.slice(from),
  };
}

const isEven = ({ pads }: Window) => pads.every(([before, behind]) => before === behind);
const isPadded = ({ pads }: Window) => pads.flat().some((n) => n > 0);
/** F.pad takes the last axis first. */
const padOf = (pads: Window["pads"]) => py(pads.toReversed().flat());
const beforeOf = ({ pads }: Window) => pads.map(([before]) => before);
/** Sizes, but where all are what PyTorch takes anyway. */
const unless = (values: readonly number[], usual: number) =>
  values.some((value) => value !== usual) && sizes(values);

/** The convolution's constructor, and its input, padded where PyTorch does not pad by itself so. */
function convolution(
  { call, first }: Writing,
  channels: number,
  filters: number,
  options: { readonly groups?: number; readonly useBias: boolean },
): { readonly module: string; readonly input: string } {
  const window = windowOf(call, call.inputs[0]!, "kernelSize");
  const { groups = 1, useBias } = options;
  const even = isEven(window);
  return {
    module: called(
      window.size.length === 1 ? "nn.Conv1d" : "nn.Conv2d",
      [py(channels), py(filters), sizes(window.size)],
      {
        stride: unless(window.strides, 1),
        padding: even && unless(beforeOf(window), 0),
        dilation: unless(window.dilation, 1),
        groups: groups > 1 && py(groups),
        bias: !useBias && "False",
      },
    ),
    input: even ? first() : `F.pad(${first()}, ${padOf(window.pads)})`,
  };
}

const conv: ToPython = (writing) => {
  const { call } = writing;
  const { filters, groups, useBias } = call.options as { filters: number; groups?: number; useBias: boolean };
  const channels = call.inputs[0]!.at(-1)!;
  const { module, input } = convolution(writing, channels, filters, { ...(groups && { groups }), useBias });
  return { module, output: activated(writing, writing.run(input)) };
};

const pool =
  (mode: "max" | "avg"): ToPython =>
  ({ call, first, helper }) => {
    const window = windowOf(call, call.inputs[0]!, "poolSize");
    const name = `F.${mode}_pool${window.size.length}d`;
    const padding = isPadded(window);
    const strides = sizes(window.strides);
    const size = sizes(window.size);
    if (isEven(window)) {
      const options = {
        padding: padding && sizes(beforeOf(window)),
        count_include_pad: mode === "avg" && padding && "False",
      };
      return { output: called(name, [first(), size, strides], options) };
    }
    return {
      output:
        mode === "max"
          ? called(name, [`F.pad(${first()}, ${padOf(window.pads)}, value=-float("inf"))`, size, strides])
          : `${helper("mean_of_cells")}(${first()}, ${size}, ${strides}, ${padOf(window.pads)})`,
    };
  };

const global =
  (reduce: (x: string, axes: string) => string): ToPython =>
  ({ call, first }) => {
    const axes = call.inputs[0]!.slice(1).map((_, i) => i + 2);
    return {
      output: reduce(first(), `dim=${py(axes)}${call.options.keepdims ? ", keepdim=True" : ""}`),
    };
  };

const merging =
  (join: (all: readonly string[]) => string): ToPython =>
  ({ call, first }) => {
    const rank = call.output.length;
    return {
      output: join(
        call.inputs.map(({ length }, i) =>
          length < rank
            ? `${first(i)}[:, :, ${Array(rank - length)
                .fill("None")
                .join(", ")}${length > 1 ? ", ..." : ""}]`
            : first(i),
        ),
      ),
    };
  };

const folded = (name: string) => (all: readonly string[]) => all.reduce((a, b) => `${name}(${a}, ${b})`);

/** What learns to scale and to shift, or does neither. */
function affine({ center, scale }: Readonly<Record<string, unknown>>, option: string) {
  const missing = [...(scale ? [] : ["weight"]), ...(center ? [] : ["bias"])];
  return missing.length === 2
    ? { options: { [option]: "False" }, constant: [] }
    : { options: {}, constant: missing };
}

/** In training alone; what a model gives is the same without. */
const augmentation: ToPython = ({ call, first }) => ({
  output: first(),
  comment: `${call.type} changes images in training: let what loads the data do it`,
});

const numberOf = (value: number) => Number(value.toPrecision(12));

export const TO_PYTORCH: Readonly<Record<string, ToPython>> = {
  conv2d: conv,
  conv1d: conv,
  dense: (writing) => {
    const { call } = writing;
    const inputs = call.inputs[0]!;
    const { units, useBias } = call.options as { units: number; useBias: boolean };
    const module = called("nn.Linear", [py(inputs.at(-1)), py(units)], { bias: !useBias && "False" });
    const output =
      inputs.length === 1 ? writing.run(writing.first()) : writing.toFirst(writing.run(writing.last()));
    return { module, output: activated(writing, output) };
  },
  depthwiseConv2d: (writing) => {
    const channels = writing.call.inputs[0]!.at(-1)!;
    const { depthMultiplier, useBias } = writing.call.options as {
      depthMultiplier: number;
      useBias: boolean;
    };
    const { module, input } = convolution(writing, channels, channels * depthMultiplier, {
      groups: channels,
      useBias,
    });
    return { module, output: activated(writing, writing.run(input)) };
  },
  separableConv2d: (writing) => {
    const channels = writing.call.inputs[0]!.at(-1)!;
    const { depthMultiplier, filters, useBias } = writing.call.options as {
      depthMultiplier: number;
      filters: number;
      useBias: boolean;
    };
    const inner = channels * depthMultiplier;
    const { module, input } = convolution(writing, channels, inner, { groups: channels, useBias: false });
    const pointwise = called("nn.Conv2d", [py(inner), py(filters), "1"], { bias: !useBias && "False" });
    return {
      module: `nn.Sequential(OrderedDict(depthwise=${module}, pointwise=${pointwise}))`,
      output: activated(writing, writing.run(input)),
    };
  },
  conv2dTranspose: (writing) => {
    const { call } = writing;
    const { filters, useBias } = call.options as { filters: number; useBias: boolean };
    // The convolution that it undoes goes from its outputs to its inputs.
    const { size, strides, dilation, pads } = windowOf(call, call.output, "kernelSize");
    const before = pads.map(([before]) => before);
    const further = before.map((pad, i) => {
      const extent = (size[i]! - 1) * dilation[i]! + 1;
      return call.output[i]! - ((call.inputs[0]![i]! - 1) * strides[i]! - 2 * pad + extent);
    });
    const module = called("nn.ConvTranspose2d", [py(call.inputs[0]!.at(-1)), py(filters), sizes(size)], {
      stride: unless(strides, 1),
      padding: unless(before, 0),
      output_padding: unless(
        further.map((n) => Math.max(n, 0)),
        0,
      ),
      dilation: unless(dilation, 1),
      bias: !useBias && "False",
    });
    const whole = writing.run(writing.first());
    const cut = further.some((n) => n < 0) ? `[:, :, :${call.output[0]}, :${call.output[1]}]` : "";
    return { module, output: activated(writing, `${whole}${cut}`) };
  },
  maxPooling2d: pool("max"),
  maxPooling1d: pool("max"),
  averagePooling2d: pool("avg"),
  averagePooling1d: pool("avg"),
  globalAveragePooling2d: global((x, axes) => `${x}.mean(${axes})`),
  globalAveragePooling1d: global((x, axes) => `${x}.mean(${axes})`),
  globalMaxPooling2d: global((x, axes) => `${x}.amax(${axes})`),
  globalMaxPooling1d: global((x, axes) => `${x}.amax(${axes})`),
  flatten: ({ call, layout, held, last }) => ({
    output:
      call.inputs[0]!.length === 1 ? held() : `${flattensThere(call, layout) ? held() : last()}.flatten(1)`,
  }),
  reshape: ({ call, layout, held, last, toFirst }) => {
    const [from] = call.inputs as [Shape];
    const to = call.output;
    if (to.length === 1)
      return {
        output: from.length === 1 ? held() : `${flattensThere(call, layout) ? held() : last()}.flatten(1)`,
      };
    if (from.length === 1 && layout.absorbs(call.reference))
      return { output: `${held()}.unflatten(1, ${py(channelsFirst(to))})` };
    const value = from.length === 1 ? held() : last();
    return { output: toFirst(`${value}.reshape(-1, ${to.join(", ")})`) };
  },
  permute: ({ call, layout, held }) => {
    const dims = call.options.dims as readonly number[];
    const n = dims.length;
    const isFirst = (reference: string) => n > 1 && layout.held(reference) === "first";
    const from = isFirst(call.from[0]!);
    const place = (axis: number) => (from ? (axis === n - 1 ? 1 : axis + 2) : axis + 1);
    const axes = dims.map((axis) => place(axis - 1));
    const order = isFirst(call.reference) ? channelsFirst(axes) : axes;
    return {
      output: order.every((axis, i) => axis === i + 1) ? held() : `${held()}.permute(0, ${order.join(", ")})`,
    };
  },
  dropout: ({ call, held }) => ({ output: `F.dropout(${held()}, ${py(call.options.rate)}, self.training)` }),
  spatialDropout2d: ({ call, first }) => ({
    output: `F.dropout2d(${first()}, ${py(call.options.rate)}, self.training)`,
  }),
  gaussianNoise: ({ call, held }) => ({
    output: `${held()} + ${py(call.options.stddev)} * torch.randn_like(${held()}) if self.training else ${held()}`,
  }),
  gaussianDropout: ({ call, held }) => {
    const rate = call.options.rate as number;
    const stddev = numberOf(Math.sqrt(rate / (1 - rate)));
    return {
      output: `${held()} * (1 + ${py(stddev)} * torch.randn_like(${held()})) if self.training else ${held()}`,
    };
  },
  activation: (writing) => {
    const { held, first } = writing;
    return {
      output: activated(writing, writing.call.options.activation === "softmax" ? first() : held()),
    };
  },
  softmax: ({ first }) => ({ output: ACTIVATIONS_THERE.softmax(first()) }),
  leakyRelu: ({ call, held }) => ({ output: `F.leaky_relu(${held()}, ${py(call.options.alpha)})` }),
  elu: ({ call, held }) => ({ output: `F.elu(${held()}, ${py(call.options.alpha)})` }),
  relu: ({ call, held }) => {
    const { maxValue, negativeSlope, threshold } = call.options as {
      maxValue?: number;
      negativeSlope: number;
      threshold: number;
    };
    const x = held();
    if (threshold === 0 && maxValue === undefined)
      return { output: negativeSlope === 0 ? `F.relu(${x})` : `F.leaky_relu(${x}, ${py(negativeSlope)})` };
    if (threshold === 0 && negativeSlope === 0) return { output: `${x}.clamp(0, ${py(maxValue)})` };
    const above = maxValue === undefined ? x : `${x}.clamp(max=${py(maxValue)})`;
    const below = threshold === 0 ? x : `(${x} - ${py(threshold)})`;
    return { output: `torch.where(${x} > ${py(threshold)}, ${above}, ${py(negativeSlope)} * ${below})` };
  },
  prelu: ({ call, first, run, helper }) => {
    const shape = alphaShape(call);
    const channels = shape.at(-1)!;
    const module =
      elements(shape) === channels
        ? `nn.PReLU(${channels})`
        : `${helper("Slopes")}(${channelsFirst(shape).join(", ")})`;
    return { module, output: run(first()) };
  },
  batchNormalization: ({ call, first, run }) => {
    const [shape] = call.inputs as [Shape];
    if (shape.length > 4) return `batchNormalization of ${shape.length} axes`;
    const { options, constant } = affine(call.options, "affine");
    const module = called(`nn.BatchNorm${Math.max(shape.length - 1, 1)}d`, [py(shape.at(-1))], {
      eps: py(call.options.epsilon),
      momentum: py(numberOf(1 - (call.options.momentum as number))),
      ...options,
    });
    return { module, constant, output: run(first()) };
  },
  layerNormalization: ({ call, first, last, toFirst, run }) => {
    const [shape] = call.inputs as [Shape];
    const over = shape.slice(-[call.options.axis].flat().length);
    const all = spansAll(call);
    const { options, constant } = affine(call.options, "elementwise_affine");
    const sizes = all ? channelsFirst(over) : over;
    const module = called("nn.LayerNorm", [sizes.length === 1 ? py(sizes[0]) : py(sizes)], {
      eps: py(call.options.epsilon),
      ...options,
    });
    return { module, constant, output: shape.length === 1 || all ? run(first()) : toFirst(run(last())) };
  },
  groupNormalization: ({ call, first, run }) => {
    const channels = call.inputs[0]!.at(-1)!;
    const groups = call.options.groups as number;
    const { options, constant } = affine(call.options, "affine");
    const module = called("nn.GroupNorm", [py(groups === -1 ? channels : groups), py(channels)], {
      eps: py(call.options.epsilon),
      ...options,
    });
    return { module, constant, output: run(first()) };
  },
  normalization: ({ call, first, run, helper }) => ({
    module: `${helper("Normalization")}(${call.inputs[0]!.at(-1)})`,
    output: run(first()),
  }),
  rescaling: ({ call, held }) => {
    const { scale, offset } = call.options as { scale: number; offset: number };
    return { output: `${held()} * ${py(scale)}${offset === 0 ? "" : ` + ${py(offset)}`}` };
  },
  add: merging((all) => all.join(" + ")),
  subtract: merging((all) => all.join(" - ")),
  multiply: merging((all) => all.join(" * ")),
  average: merging((all) => `(${all.join(" + ")}) / ${all.length}`),
  maximum: merging(folded("torch.maximum")),
  minimum: merging(folded("torch.minimum")),
  concatenate: ({ call, first }) => {
    const rank = call.output.length;
    const axis = call.options.axis as number;
    const at = axis < 0 ? rank + axis : axis - 1;
    return {
      output: `torch.cat([${call.inputs.map((_, i) => first(i)).join(", ")}], ${at === rank - 1 ? 1 : at + 2})`,
    };
  },
  zeroPadding2d: ({ call, first }) => ({
    output: `F.pad(${first()}, ${padOf(borders(call.options.padding))})`,
  }),
  cropping2d: ({ call, first }) => {
    const [height, width] = call.inputs[0]!;
    const [[top, bottom], [left, right]] = borders(call.options.cropping);
    return { output: `${first()}[:, :, ${top}:${height! - bottom}, ${left}:${width! - right}]` };
  },
  upSampling2d: ({ call, first }) => {
    const bilinear = call.options.interpolation === "bilinear";
    return {
      output: called("F.interpolate", [first()], {
        scale_factor: sizes(both(call.options.size)),
        mode: py(call.options.interpolation),
        align_corners: bilinear && "False",
      }),
    };
  },
  randomFlip: augmentation,
  randomTranslation: augmentation,
  randomRotation: augmentation,
  randomZoom: augmentation,
  randomContrast: augmentation,
  randomBrightness: augmentation,
  randomErasing: augmentation,
  mixUp: augmentation,
  cutMix: augmentation,
  randomCrop: (writing) => {
    const { call, first } = writing;
    const [height, width] = call.inputs[0] as [number, number, number];
    const [rows, columns] = call.output as [number, number, number];
    const [top, left] = [Math.floor((height - rows) / 2), Math.floor((width - columns) / 2)];
    return {
      ...(augmentation(writing) as Written),
      output: `${first()}[:, :, ${top}:${top + rows}, ${left}:${left + columns}]`,
    };
  },
};

/** Why a type of layer has no line above. */
export const NOT_WRITTEN: Readonly<Record<string, string>> = { input: "an argument of forward()" };

/** Whether what is flattened may lie as PyTorch holds it. */
function flattensThere(call: Call, layout: Layout): boolean {
  return layout.absorbs(call.reference) || layout.held(call.from[0]!) === "same";
}

function alphaShape({ inputs, options }: Call): Shape {
  const { sharedAxes = [] } = options as { sharedAxes?: readonly number[] };
  return inputs[0]!.map((size, i) => (sharedAxes.includes(i + 1) ? 1 : size));
}

type Borders = readonly [readonly [number, number], readonly [number, number]];

function borders(given: unknown): Borders {
  const [rows, columns] = both(given) as unknown[];
  return [both(rows), both(columns)];
}
