// Nodes that move values: one behind the other, apart, with borders, larger.
import { merging } from "./elementwise.ts";
import { axisIn, slicesOf } from "./fold.ts";
import {
  type Call,
  channelsLast,
  type Entry,
  type Flow,
  type Importer,
  inOrder,
  Lacking,
  type Real,
} from "./importer.ts";
import { constantAt, flowOf, IMAGE, type Operator } from "./operands.ts";

export function concat(importer: Importer, call: Call): Flow {
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
  return importer.flow(node.output[0]!, shape, flows, () => {
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

export function pad(importer: Importer, call: Call): Flow {
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
  return importer.flow(node.output[0]!, shape, [flow], () => {
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

export function slice(importer: Importer, call: Call): Flow {
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
  return importer.flow(node.output[0]!, shape, [flow], () => bordered(importer, call, flow, sides, strides));
}

/** Parts of a value along an axis, one for each output. */
export function split(importer: Importer, call: Call): Flow[] {
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
  let next = 0;
  return sizes.map((part, i) => {
    const start = next;
    next += part;
    const sides = flow.shape.map((_, at): [number, number] =>
      at === axis ? [-start, start + part - size] : [0, 0],
    );
    return importer.flow(node.output[i]!, flow.shape.with(axis, part), [flow], () =>
      bordered(importer, call, flow, sides),
    );
  });
}

export function resize(importer: Importer, call: Call): Flow {
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

/** Channels to blocks of pixels, or back. */
export const blocks =
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
