// Nodes of values that depend on the model's inputs: what layers they become, by operator.
import { elements } from "../../compiler/graph.ts";
import {
  along,
  ELEMENTWISE,
  elementwise,
  isElementwise,
  merging,
  prelu,
  softmax,
  straight,
} from "./elementwise.ts";
import { axesOf, axisIn, reshapeTo, slicesOf, squeezed, unsqueezed } from "./fold.ts";
import {
  type Call,
  channelsLast,
  type Entry,
  type Flow,
  hintOfWeights,
  type Importer,
  inOrder,
  isFlow,
  Lacking,
  type Real,
  type Weights,
} from "./importer.ts";
import type { Constant } from "./tensors.ts";
import { transposed } from "./transpose.ts";
import { asImages, padded, pairOf, pooled } from "./windows.ts";

/** What a node gives. Throws Lacking where there are no layers for it. */
type Operator = (importer: Importer, call: Call) => Flow | readonly Flow[];

const IMAGE = channelsLast(4);

function flowOf({ node, inputs }: Call, i = 0): Flow {
  const input = inputs[i];
  if (!isFlow(input)) throw new Lacking(node, "of constants alone");
  return input;
}

/** A constant that the node reads; undefined where it is left out. */
function constantAt({ node, inputs }: Call, i: number, what = "weights"): Constant | undefined {
  const input = inputs[i];
  if (isFlow(input)) throw new Lacking(node, `whose ${what} are computed`, "weights that the file holds");
  return input;
}

const f32 = ({ data }: Constant) => Float32Array.from(data);

/** A constant of so many numbers. */
function numbers(call: Call, i: number, count: number, otherwise?: number): Float32Array<ArrayBuffer> {
  const constant = constantAt(call, i);
  if (constant?.data.length === count) return f32(constant);
  if (constant || otherwise === undefined)
    throw new Lacking(
      call.node,
      `whose input ${i + 1} has ${constant?.data.length ?? 0} numbers, expected ${count}`,
    );
  return new Float32Array(count).fill(otherwise);
}

const vector = (data: Float32Array): Weights => ({ shape: [data.length], data });
const named = ({ node }: Call) => hintOfWeights(node.input[1]);

function conv(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1);
  const rank = flow.shape.length;
  const [filters, perGroup, ...kernel] = weights?.shape ?? [];
  const group = attributes.int("group", 1);
  if (!weights || kernel.length !== rank - 2 || perGroup! * group !== flow.shape[1] || filters! % group !== 0)
    throw new Lacking(
      node,
      `of a kernel of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  const bias = constantAt(call, 2) && numbers(call, 2, filters!);
  return asImages(
    importer,
    call,
    flow,
    (image, windows) => {
      const all = windows(kernel);
      const [h, w] = pairOf(all, "kernel") as [number, number];
      const { image: around, padding } = padded(importer, call, importer.arranged(node, image, IMAGE), all);
      const options = {
        kernelSize: [h, w],
        strides: pairOf(all, "stride"),
        dilationRate: pairOf(all, "dilation"),
        padding,
        useBias: bias !== undefined,
      };
      const own = bias && { bias: vector(bias) };
      const depthwise = group > 1 && perGroup === 1;
      const multiplier = filters! / group;
      const entry = depthwise
        ? importer.layer(
            node,
            "depthwiseConv2d",
            { ...options, depthMultiplier: multiplier },
            [around],
            {
              kernel: {
                shape: [h, w, group, multiplier],
                data: transposed(f32(weights), [group, multiplier, h, w], [2, 3, 0, 1]),
              },
              ...own,
            },
            named(call),
          )
        : importer.layer(
            node,
            "conv2d",
            { filters: filters!, ...options, ...(group > 1 && { groups: group }) },
            [around],
            {
              kernel: {
                shape: [h, w, perGroup!, filters!],
                data: transposed(f32(weights), [filters!, perGroup!, h, w], [2, 3, 1, 0]),
              },
              ...own,
            },
            named(call),
          );
      return { entry, order: IMAGE };
    },
    kernel,
  );
}

function convTranspose(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1);
  const [channels, filters, ...kernel] = weights?.shape ?? [0, 0];
  if (!weights || kernel.length !== 2 || flow.shape.length !== 4 || channels !== flow.shape[1])
    throw new Lacking(
      node,
      `of a kernel of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  if (attributes.int("group", 1) !== 1) throw new Lacking(node, "of several groups", "one group");
  const bias = constantAt(call, 2) && numbers(call, 2, filters!);
  const one = (name: string) => attributes.ints(name) ?? [1, 1];
  const [strides, dilations] = [one("strides"), one("dilations")];
  const extra = attributes.ints("output_padding") ?? [0, 0];
  const wanted = attributes.ints("output_shape")?.slice(-2);
  const auto = attributes.text("auto_pad", "NOTSET");
  const given = auto === "VALID" ? undefined : attributes.ints("pads");
  const sides = kernel.map((k, i) => {
    const [size, stride] = [flow.shape[i + 2]!, strides[i]!];
    const extent = (k - 1) * dilations[i]! + 1;
    const full = (size - 1) * stride + extent;
    const length = wanted?.[i] ?? (auto.startsWith("SAME") ? size * stride : undefined);
    let [before, after] = [given?.[i] ?? 0, given?.[i + 2] ?? 0];
    let beyond = extra[i] ?? 0;
    if (length !== undefined) {
      const total = full + beyond - length;
      if (total < 0) beyond -= total;
      const half = Math.max(0, total);
      before = auto === "SAME_UPPER" ? Math.floor(half / 2) : Math.ceil(half / 2);
      after = half - before;
    }
    if (!(beyond >= 0) || beyond >= stride || !(before >= 0 && after >= 0))
      throw new Lacking(node, "with padding of its output of strides and more");
    const out = full + beyond - before - after;
    const total = Math.max(0, full - out);
    return {
      before,
      after,
      beyond,
      cropped:
        out === size * stride &&
        before === Math.floor(total / 2) &&
        before + after - beyond === full - out &&
        (beyond === 0 || total === 0),
      whole: before === 0 && after === 0 && beyond === Math.max(stride - extent, 0),
    };
  });
  const same = sides.every(({ cropped }) => cropped);
  const whole = sides.every(({ whole }) => whole);
  const made = importer.layer(
    node,
    "conv2dTranspose",
    {
      filters: filters!,
      kernelSize: kernel,
      strides,
      dilationRate: dilations,
      useBias: bias !== undefined,
      padding: same && !whole ? "same" : "valid",
      ...(!same && !whole && { outputPadding: sides.map(({ beyond }) => beyond) }),
    },
    [importer.arranged(node, flow, IMAGE)],
    {
      kernel: {
        shape: [...kernel, filters!, channels!],
        data: transposed(f32(weights), weights.shape, [2, 3, 1, 0]),
      },
      ...(bias && { bias: vector(bias) }),
    },
    named(call),
  );
  const cropping = sides.map(({ before, after }) => [before, after]);
  const entry =
    same || cropping.flat().every((n) => n === 0)
      ? made
      : importer.layer(node, "cropping2d", { cropping }, [made]);
  return importer.made(node.output[0]!, { entry, order: IMAGE });
}

/** A matrix of weights, behind a value's last axis. */
function dense(
  importer: Importer,
  call: Call,
  flow: Flow,
  matrix: Float32Array<ArrayBuffer>,
  units: number,
  bias?: Float32Array,
): Flow {
  const { node } = call;
  const rank = flow.shape.length;
  const inputs = flow.shape[rank - 1]!;
  const real = flow.real();
  const last = real.order.at(-1) === rank - 1;
  const { rows } = real;
  const order = last ? real.order : inOrder(rank);
  const entry = last ? real.entry : importer.arranged(node, flow, order);
  // Rows in the order in which they were flattened here.
  const data = rows ? transposed(matrix, [...rows.dims, units], [...rows.order, rows.dims.length]) : matrix;
  const made = importer.layer(
    node,
    "dense",
    { units, useBias: bias !== undefined },
    [entry],
    { kernel: { shape: [inputs, units], data }, ...(bias && { bias: vector(bias) }) },
    named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order });
}

function gemm(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1);
  const turned = attributes.int("transB", 0) === 1;
  const [first, second] = weights?.shape ?? [];
  const [inputs, units] = turned ? [second, first] : [first, second];
  if (weights?.shape.length !== 2 || flow.shape.length !== 2 || inputs !== flow.shape[1])
    throw new Lacking(
      node,
      `of weights of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  if (attributes.int("transA", 0)) throw new Lacking(node, "with transA");
  const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
  const matrix = turned ? transposed(f32(weights), weights.shape, [1, 0]) : f32(weights);
  const given = constantAt(call, 2);
  const bias =
    given &&
    (given.data.length === 1 ? new Float32Array(units!).fill(given.data[0]!) : numbers(call, 2, units!));
  const scaled = (data: Float32Array<ArrayBuffer>, by: number) => (by === 1 ? data : data.map((x) => x * by));
  return dense(importer, call, flow, scaled(matrix, alpha), units!, bias && scaled(bias, beta));
}

function matMul(importer: Importer, call: Call): Flow {
  const { node } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1, "matrices");
  const [inputs, units] = weights?.shape.slice(-2) ?? [];
  if (
    !weights ||
    weights.shape.length < 2 ||
    inputs! * units! !== weights.data.length ||
    inputs !== flow.shape.at(-1)
  )
    throw new Lacking(
      node,
      `of weights of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  return dense(importer, call, flow, f32(weights), units!);
}

function batchNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes, opset } = call;
  const flow = flowOf(call);
  const channels = flow.shape[1]!;
  if (opset >= 14 && attributes.int("training_mode", 0))
    throw new Lacking(node, "in training_mode", "the mode of evaluation");
  const [gamma, beta, movingMean, movingVariance] = [1, 2, 3, 4].map((i) => numbers(call, i, channels));
  const { order, entry, rows } = channelLast(importer, call, flow);
  const own = (data: Float32Array | undefined) => vector(along(data!, { rows }));
  const made = importer.layer(
    node,
    "batchNormalization",
    { epsilon: attributes.float("epsilon", 1e-5), momentum: attributes.float("momentum", 0.9) },
    [entry],
    { gamma: own(gamma), beta: own(beta), movingMean: own(movingMean), movingVariance: own(movingVariance) },
    named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order, rows });
}

/** A value whose axis 1 there is the last one here. */
function channelLast(importer: Importer, { node }: Call, flow: Flow): Real {
  const real = flow.real();
  if (real.order.at(-1) === 1) return real;
  const order = channelsLast(flow.shape.length);
  return { order, entry: importer.arranged(node, flow, order) };
}

function instanceNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const channels = flow.shape[1]!;
  const epsilon = attributes.float("epsilon", 1e-5);
  const [gamma, beta] = [numbers(call, 1, channels), numbers(call, 2, channels)];
  const plain = gamma.every((x) => x === 1) && beta.every((x) => x === 0);
  const { reshaped } = flow;
  const make = (): Real => {
    const { order, entry } = channelLast(importer, call, flow);
    const options = { groups: -1, epsilon };
    return {
      order,
      entry: importer.layer(node, "groupNormalization", options, [entry], {
        gamma: vector(gamma),
        beta: vector(beta),
      }),
    };
  };
  // Of channels that were brought together in groups, and are taken apart again: group normalization.
  const grouped =
    plain && reshaped && flow.shape.length === 3 && reshaped.shape[1]! % channels === 0
      ? { of: reshaped, epsilon }
      : undefined;
  return importer.flow(node.output[0]!, flow.shape, make, { grouped });
}

/** Normalization of groups, whose scale and offset may follow. */
function groups(
  importer: Importer,
  call: Call,
  flow: Flow,
  count: number,
  epsilon: number,
  weights?: Entry["weights"],
): Flow {
  const { node } = call;
  return importer.flow(node.output[0]!, flow.shape, () => {
    const { order, entry } = channelLast(importer, call, flow);
    const learnt = weights !== undefined;
    const options = { groups: count, epsilon, scale: learnt, center: learnt };
    return { order, entry: importer.layer(node, "groupNormalization", options, [entry], weights) };
  });
}

function groupNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes, opset } = call;
  const flow = flowOf(call);
  const [channels, count] = [flow.shape[1]!, attributes.int("num_groups", 1)];
  const each = opset >= 21 ? channels : count;
  const repeated = (data: Float32Array) =>
    vector(Float32Array.from({ length: channels }, (_, i) => data[Math.floor((i * each) / channels)]!));
  const [gamma, beta] = [numbers(call, 1, each), numbers(call, 2, each)];
  if (channels > 2 ** 24 || !(count >= 1))
    throw new Lacking(node, `of ${count} groups of ${channels} channels`);
  return groups(importer, call, flow, count, attributes.float("epsilon", 1e-5), {
    gamma: repeated(gamma),
    beta: repeated(beta),
  });
}

function layerNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const rank = flow.shape.length;
  const axis = axisIn(attributes.int("axis", -1), rank);
  if (!axis) throw new Lacking(node, "along the batch");
  const shape = flow.shape.slice(axis);
  const count = elements(shape);
  const scale = constantAt(call, 1);
  const gamma = numbers(call, 1, count);
  const beta = constantAt(call, 2) && numbers(call, 2, count);
  const center = beta !== undefined;
  const epsilon = attributes.float("epsilon", 1e-5);
  const entry = straight(importer, call, flow);
  const axes = shape.map((_, i) => axis + i);
  const made = importer.layer(
    node,
    "layerNormalization",
    { epsilon, center, ...(axes.length > 1 && { axis: axes }) },
    [entry],
    { gamma: { shape, data: gamma }, ...(beta && { beta: { shape, data: beta } }) },
    scale && named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order: inOrder(rank) });
}

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

function concat(importer: Importer, call: Call): Flow {
  const { node, attributes, inputs } = call;
  const flows = inputs.map((_, i) => flowOf(call, i));
  const [first] = flows as [Flow];
  const rank = first.shape.length;
  const axis = axisIn(attributes.int("axis", 1), rank);
  if (!axis || flows.some(({ shape }) => shape.length !== rank)) throw new Lacking(node, "along the batch");
  if (flows.length === 1) return first;
  const shape = first.shape.with(
    axis,
    flows.reduce((sum, flow) => sum + flow.shape[axis]!, 0),
  );
  return importer.flow(node.output[0]!, shape, () => {
    // One behind the other in the order that they have there.
    const all = flows.map((flow) =>
      flow.real().rows ? importer.made("", importer.plain(node, flow)) : flow,
    );
    const orders = all.map((flow) => flow.real().order);
    const order = orders.find((one) => one.join() === channelsLast(rank).join()) ?? orders[0]!;
    const same = all.map((flow) => importer.made("", { entry: importer.arranged(node, flow, order), order }));
    return merging(importer, call, same, "concatenate", { axis: order.indexOf(axis) + 1 });
  });
}

/**
 * A value with more or, where numbers are below 0, less at the start and the end of its axes there: as an image whose height and
 * width are two of them.
 */
function bordered(
  importer: Importer,
  call: Call,
  flow: Flow,
  sides: readonly (readonly [number, number])[],
  strides: readonly number[] = [],
): Real {
  const { node } = call;
  const rank = flow.shape.length;
  const still = (axis: number) => sides[axis]!.every((n) => n === 0) && (strides[axis] ?? 1) === 1;
  if (rank > 4 || !still(0)) throw new Lacking(node, `of ${rank} axes, the batch's among them`);
  if (rank < 4) {
    // Axes of size 1 make an image of it.
    const ones = Array<1>(4 - rank).fill(1);
    const image = importer.reshaped(call, flow, [...flow.shape, ...ones], "");
    const none = ones.map(() => [0, 0] as const);
    const made = importer.made("", bordered(importer, call, image, [...sides, ...none], strides));
    return importer.reshaped(call, made, made.shape.slice(0, rank), "").real();
  }
  const { order: own } = importer.plain(node, flow);
  const order = [own, ...[1, 3, 2].map((last) => [...inOrder(4).filter((axis) => axis !== last), last])].find(
    (axes) => still(axes[2]!),
  );
  if (!order) throw new Lacking(node, "of three axes at once", "of two");
  let entry = importer.arranged(node, flow, order);
  const [rows, columns] = order as [number, number];
  const part = (sign: number) =>
    [rows, columns].map((axis) => sides[axis]!.map((n) => Math.max(0, sign * n)));
  const [more, less] = [part(1), part(-1)];
  const steps = [rows, columns].map((axis) => strides[axis] ?? 1);
  if (less.flat().some((n) => n > 0)) entry = importer.layer(node, "cropping2d", { cropping: less }, [entry]);
  if (more.flat().some((n) => n > 0))
    entry = importer.layer(node, "zeroPadding2d", { padding: more }, [entry]);
  // Of each window of one pixel that pixel.
  if (steps.some((step) => step !== 1))
    entry = importer.layer(node, "maxPooling2d", { poolSize: 1, strides: steps }, [entry]);
  return { entry, order };
}

function pad(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const rank = flow.shape.length;
  const mode = attributes.text("mode", "constant");
  if (mode !== "constant") throw new Lacking(node, `of mode ${mode}`, "constant");
  const given = constantAt(call, 1, "sizes");
  const pads = given ? [...given.data] : (attributes.ints("pads") ?? attributes.ints("paddings") ?? []);
  const chosen = constantAt(call, 3, "axes");
  const axes = chosen ? [...chosen.data].map((axis) => axisIn(axis, rank) ?? 0) : [0, ...inOrder(rank)];
  const value = constantAt(call, 2, "value")?.data[0] ?? attributes.float("value", 0);
  if (pads.length !== 2 * axes.length || !pads.every(Number.isSafeInteger))
    throw new Lacking(node, "whose sizes do not fit");
  const sides = flow.shape.map((_, axis): [number, number] => {
    const i = axes.indexOf(axis);
    return i < 0 ? [0, 0] : [pads[i]!, pads[i + axes.length]!];
  });
  if (sides.flat().every((n) => n === 0)) return flow;
  const shape = flow.shape.map((size, axis) => size + sides[axis]![0] + sides[axis]![1]);
  return importer.flow(node.output[0]!, shape, () => {
    if (value === 0) return bordered(importer, call, flow, sides);
    // Zeros around what is less by the value.
    const real = flow.real();
    const shifted = (entry: Entry, offset: number) =>
      importer.layer(node, "rescaling", { scale: 1, offset }, [entry]);
    const less = importer.made("", { ...real, entry: shifted(real.entry, -value) });
    const around = bordered(importer, call, less, sides);
    return { ...around, entry: shifted(around.entry, value) };
  });
}

function slice(importer: Importer, call: Call): Flow {
  const { node, attributes, inputs } = call;
  const flow = flowOf(call);
  const constants = inputs.map((_, i) => (i === 0 ? undefined : constantAt(call, i, "places")));
  const slices = slicesOf(flow.shape, constants, attributes)?.filter(
    ({ axis, start, count, step }) => !(start === 0 && count === flow.shape[axis] && step === 1),
  );
  if (!slices || slices.some(({ step, count }) => !(step >= 1) || count < 1))
    throw new Lacking(node, "backwards, or of nothing");
  if (slices.length === 0) return flow;
  const sides = flow.shape.map((size, axis): [number, number] => {
    const one = slices.find((slice) => slice.axis === axis);
    return one ? [-one.start, one.start + (one.count - 1) * one.step + 1 - size] : [0, 0];
  });
  const shape = flow.shape.map((size, axis) => slices.find((one) => one.axis === axis)?.count ?? size);
  const strides = flow.shape.map((_, axis) => slices.find((one) => one.axis === axis)?.step ?? 1);
  return importer.flow(node.output[0]!, shape, () => bordered(importer, call, flow, sides, strides));
}

/** Parts of a value along an axis, one for each output. */
function split(importer: Importer, call: Call): Flow[] {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const axis = axisIn(attributes.int("axis", 0), flow.shape.length);
  const given = constantAt(call, 1, "sizes");
  const [size, count] = [flow.shape[axis ?? 0]!, node.output.length];
  const each = Math.ceil(size / count);
  const sizes = given
    ? [...given.data]
    : (attributes.ints("split") ?? node.output.map((_, i) => Math.min(each, size - i * each)));
  const total = sizes.reduce((sum, n) => sum + n, 0);
  if (
    !axis ||
    total !== size ||
    sizes.length !== count ||
    !sizes.every((n) => Number.isSafeInteger(n) && n >= 1)
  )
    throw new Lacking(node, "into parts that do not fit");
  return sizes.map((part, i) => {
    const start = sizes.slice(0, i).reduce((sum, n) => sum + n, 0);
    const sides = flow.shape.map((_, at): [number, number] =>
      at === axis ? [-start, start + part - size] : [0, 0],
    );
    return importer.flow(node.output[i]!, flow.shape.with(axis, part), () =>
      bordered(importer, call, flow, sides),
    );
  });
}

function resize(importer: Importer, call: Call): Flow {
  const { node, attributes, opset, inputs } = call;
  const flow = flowOf(call);
  const { shape } = flow;
  const old = node.opType === "Upsample" || opset < 11;
  const scales = constantAt(call, old ? 1 : 2, "scales");
  const sizes = old ? undefined : constantAt(call, 3, "sizes");
  const listed =
    sizes && sizes.data.length > 0
      ? [...sizes.data].map((size, i) => size / shape.at(i - sizes.data.length)!)
      : scales && scales.data.length > 0
        ? [...scales.data]
        : attributes.floats("scales");
  const axes = attributes.ints("axes")?.map((axis) => axisIn(axis, shape.length) ?? 0);
  const factors = axes && listed ? shape.map((_, axis) => listed[axes.indexOf(axis)] ?? 1) : listed;
  const mode = attributes.text("mode", "nearest").replace("bilinear", "linear");
  const centred = attributes.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  const rounding = attributes.text("nearest_mode", old ? "floor" : "round_prefer_floor");
  if (factors?.length !== 4 || shape.length !== 4 || inputs.length < 2 - Number(attributes.has("scales")))
    throw new Lacking(node, "of sizes that are no image's");
  if (
    factors[0] !== 1 ||
    factors[1] !== 1 ||
    !factors.every((factor) => Number.isInteger(factor) && factor >= 1)
  )
    throw new Lacking(
      node,
      `by [${factors
        .slice(2)
        .map((factor) => Number(factor.toFixed(4)))
        .join(", ")}]`,
      "whole times larger",
    );
  const nearest =
    mode === "nearest" &&
    (centred === "asymmetric"
      ? rounding === "floor"
      : /^(pytorch_)?half_pixel/.test(centred) && rounding.startsWith("round"));
  const linear = mode === "linear" && /^(pytorch_)?half_pixel$/.test(centred);
  if (!nearest && !linear)
    throw new Lacking(
      node,
      `of mode ${mode}, ${centred}${mode === "nearest" ? `, ${rounding}` : ""}`,
      "nearest, asymmetric, floor, or linear, half_pixel",
    );
  const entry = importer.layer(
    node,
    "upSampling2d",
    { size: factors.slice(2), interpolation: linear ? "bilinear" : "nearest" },
    [importer.arranged(node, flow, IMAGE)],
  );
  return importer.made(node.output[0]!, { entry, order: IMAGE });
}

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

/** Channels to blocks of pixels, or back. */
const blocks =
  (apart: boolean): Operator =>
  (importer, call) => {
    const { node, attributes } = call;
    const flow = flowOf(call);
    const [N, C, H, W] = flow.shape as [number, number, number, number];
    const b = attributes.int("blocksize", 1);
    const crd = attributes.text("mode", "DCR") === "CRD";
    if (flow.shape.length !== 4 || !(b >= 1)) throw new Lacking(node, "of no image");
    const [split, perm, joined] = apart
      ? crd
        ? [
            [N, C / (b * b), b, b, H, W],
            [0, 1, 4, 2, 5, 3],
            [N, C / (b * b), H * b, W * b],
          ]
        : [
            [N, b, b, C / (b * b), H, W],
            [0, 3, 4, 1, 5, 2],
            [N, C / (b * b), H * b, W * b],
          ]
      : [
          [N, C, H / b, b, W / b, b],
          [0, 3, 5, 1, 2, 4],
          [N, C * b * b, H / b, W / b],
        ];
    if (!split.every(Number.isInteger)) throw new Lacking(node, "of sizes that blocks do not divide");
    const parts = importer.reshaped(call, flow, split, "");
    return importer.reshaped(call, importer.transposed(call, parts, perm, ""), joined);
  };

const same: Operator = (_importer, call) => flowOf(call);

/** By operator; those that work number by number are ELEMENTWISE. */
const OPERATORS: Readonly<Record<string, Operator>> = {
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
  Reshape: reshaping((flow, call) => {
    const given = constantAt(call, 1, "sizes");
    const sizes = given ? [...given.data] : call.attributes.ints("shape");
    return sizes && reshapeTo(flow.shape, sizes, call.attributes.int("allowzero", 0) === 1);
  }),
  Flatten: reshaping(({ shape }, { attributes }) => {
    const axis = attributes.int("axis", 1);
    const at = axis < 0 ? axis + shape.length : axis;
    return [elements(shape.slice(0, at)), elements(shape.slice(at))];
  }),
  Squeeze: reshaping((flow, call) => squeezed(flow.shape, constantAt(call, 1, "axes"), call.attributes)),
  Unsqueeze: reshaping((flow, call) => unsqueezed(flow.shape, constantAt(call, 1, "axes"), call.attributes)),
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
