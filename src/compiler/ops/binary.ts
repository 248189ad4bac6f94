import { DIFFERENCE, GREATER, LESS, PRODUCT, SLOPED, SUM } from "../../engine/abi.ts";
import { ModelError } from "../errors.ts";
import { type BinaryKind, elements, formatShape, type OpOf, type Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { columnSum } from "./dense.ts";

const KINDS: Readonly<Record<BinaryKind, number>> = {
  add: SUM,
  subtract: DIFFERENCE,
  multiply: PRODUCT,
  maximum: GREATER,
  minimum: LESS,
  sloped: SLOPED,
};

/** An axis of the result: its size, and elements from one index of it to the next in either operand; 0 where that repeats. */
interface Axis {
  size: number;
  x: number;
  y: number;
}

/** Axes that the kernels walk: the batch's, and four of a sample. */
const AXES = 5;

/**
 * The axes of the result, the batch first, in fewest: neighbours that both operands walk as one are one. `batched`: whether y has
 * a batch.
 */
function axesOf(
  layer: string,
  batch: number,
  shape: Shape,
  [a, b]: readonly [Shape, Shape],
  batched: boolean,
): Axis[] {
  const strides = (own: Shape) => {
    const padded = [...Array<number>(shape.length - own.length).fill(1), ...own];
    return padded.map((size, i) => (size === 1 ? 0 : elements(padded.slice(i + 1))));
  };
  const [x, y] = [strides(a), strides(b)];
  const axes: Axis[] = [];
  for (const [i, size] of shape.entries()) {
    if (size === 1) continue;
    const axis = { size, x: x[i]!, y: y[i]! };
    const before = axes.at(-1);
    if (before && before.x === axis.x * size && before.y === axis.y * size) {
      before.size *= size;
      before.x = axis.x;
      before.y = axis.y;
    } else axes.push(axis);
  }
  if (axes.length >= AXES)
    throw new ModelError(
      `broadcasts ${formatShape(a)} and ${formatShape(b)} over each other, expected at most ${AXES - 1} runs of axes that repeat alike`,
      layer,
    );
  while (axes.length < AXES - 1) axes.unshift({ size: 1, x: 0, y: 0 });
  return [{ size: batch, x: elements(a), y: batched ? elements(b) : 0 }, ...axes];
}

/** Elements from one index to the next of a tensor that has those of the axes that one operand has, for each sample. */
function strideOfGradient(axes: readonly Axis[], key: "x" | "y") {
  const strides: number[] = [];
  let size = 1;
  for (const axis of axes.slice(1).reverse()) {
    strides.unshift(axis[key] === 0 ? 0 : size);
    if (axis[key] !== 0) size *= axis.size;
  }
  return { strides, size };
}

function operands(p: Planner, op: OpOf<"binary">) {
  const [a, b] = op.inputs;
  const [parameter] = op.parameters;
  const shapes = [a!.shape, b ? b.shape : parameter!.shape] as const;
  const axes = axesOf(op.layer, p.batch, op.output.shape, shapes, b !== undefined);
  const [n, xs, ys] = (["size", "x", "y"] as const).map((key) => axes.map((axis) => axis[key]));
  const [n0, n1, n2, n3, n4] = n as [number, number, number, number, number];
  const [x0, x1, x2, x3, x4] = xs as typeof n as [number, number, number, number, number];
  const [y0, y1, y2, y3, y4] = ys as typeof n as [number, number, number, number, number];
  return {
    axes,
    args: {
      x: p.value(a!),
      y: b ? p.value(b) : p.pointers.value(parameter!),
      op: KINDS[op.attributes.kind],
      ...{ n0, n1, n2, n3, n4, x0, x1, x2, x3, x4, y0, y1, y2, y3, y4 },
    },
  };
}

/** Emits one operand's gradient, of each sample. */
function emitGradient(p: Planner, op: OpOf<"binary">, out: Tensor, second: boolean): void {
  const { axes, args } = operands(p, op);
  const dz = p.outputGradient(op);
  // What a sum's gradient does not hang on may be gone: dz stands in for it.
  const needed = binary.readsInput(op, 0) ? args : { ...args, x: dz, y: dz };
  const { strides, size } = strideOfGradient(axes, second ? "y" : "x");
  const [o1, o2, o3, o4] = strides as [number, number, number, number];
  const grain = Math.max(1, Math.floor(GRAIN / elements(op.output.shape)));
  p.call(
    "binaryBackward",
    { out, dz, ...needed, second: Number(second), o1, o2, o3, o4, size, grain },
    { tasks: chunks(p.batch, grain) },
  );
}

export const binary: OpImplementation<"binary"> = {
  readsInput: ({ attributes: { kind } }) => kind !== "add" && kind !== "subtract",
  readsOutput: () => false,

  forward(p, op) {
    const { args } = operands(p, op);
    const whole = op.inputs.filter(({ shape }) => elements(shape) === elements(op.output.shape));
    const rows = args.n0 * args.n1 * args.n2 * args.n3;
    const grain = Math.max(1, Math.floor(GRAIN / args.n4));
    p.call("binaryForward", { z: p.valueInPlace(op, whole), ...args, grain }, { tasks: chunks(rows, grain) });
  },

  backward(p, op) {
    const [a, b] = op.inputs;
    const [parameter] = op.parameters;
    if (b && p.needsGradient(b)) emitGradient(p, op, p.gradient(b), true);
    if (parameter && p.trains(parameter)) {
      const n = elements(parameter.shape);
      const parts = p.tensor(4 * p.batch * n);
      emitGradient(p, op, parts, true);
      columnSum(p, parts, p.parameterGradient(parameter), p.batch, n);
    }
    if (p.needsGradient(a!)) emitGradient(p, op, p.gradient(a!), false);
  },
};
