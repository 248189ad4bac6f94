import {
  AUGMENT_SCRATCH,
  FILL_CONSTANT,
  FILL_NEAREST,
  FILL_REFLECT,
  FILL_WRAP,
  MIX_BYTES,
} from "../../engine/abi.ts";
import { ModelError } from "../errors.ts";
import { elements, formatShape, type Graph, type Op, type OpOf, type Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import type { Tensor } from "../tensor.ts";
import type { AugmentKind, FillMode } from "./augment-kinds.ts";

/** Streams from here on are those of random changes of images: below are dropout's and initial weights'. */
const AUGMENT_STREAMS = 1 << 17;

const FILLS: Readonly<Record<FillMode, number>> = {
  constant: FILL_CONSTANT,
  reflect: FILL_REFLECT,
  wrap: FILL_WRAP,
  nearest: FILL_NEAREST,
};

type AugmentOp = OpOf<AugmentKind>;

/** What is drawn from, and the sizes of an image. */
function common(p: Planner, op: AugmentOp) {
  const [H, W, C] = op.inputs[0]!.shape as readonly number[] as [number, number, number];
  const [key0, key1] = p.pointers.seed;
  return {
    H,
    W,
    C,
    draws: { step: p.pointers.step, key0, key1, stream: AUGMENT_STREAMS + op.attributes.stream },
  };
}

const EACH_IMAGE = (p: Planner) => ({ tasks: p.batch, scratch: AUGMENT_SCRATCH });

/**
 * Whether an output of this shape has targets for the places of H x W images: two of its axes are those of the image, or all its places
 * are in one; or, its channels aside, the image's on a coarser or finer grid, or without its border.
 */
function isByPlace(shape: Shape, H: number, W: number): boolean {
  const all = elements(shape);
  const places = all / shape.at(-1)!;
  if (places === 1) return false;
  if (places === H * W || all === H * W) return true;
  return shape.some((h, i) => {
    const w = shape[i + 1];
    if (w === undefined) return false;
    if (h === H && w === W) return true;
    if (i === shape.length - 2 || h === 1 || w === 1) return false;
    // Sides of a coarser grid are whole numbers.
    return h - H === w - W || Math.abs(h * W - w * H) < Math.max(H, W);
  });
}

/**
 * Throws ModelError where an image that is moved leads to an output with targets for its places, masks or images: those stay where they are.
 */
function requireNoTargetsByPlace(p: Planner, moving: AugmentOp): void {
  const { ops, outputs } = p.graph;
  const moved = new Set([moving.output]);
  for (const op of ops) if (op.inputs.some((value) => moved.has(value))) moved.add(op.output);
  const [H, W] = moving.output.shape as readonly number[] as [number, number];
  const output = outputs.find(
    (value) => moved.has(value) && p.needsGradient(value) && isByPlace(value.shape, H, W),
  );
  if (!output) return;
  const { shape } = output;
  const [cols, all] = [shape.at(-1)!, elements(shape)];
  const other =
    all === H * W || all === H * W * cols
      ? ""
      : `. If axes of that output are no places in images, end with reshape({ targetShape: [${all / cols}, ${cols}] })`;
  throw new ModelError(
    `moves images, but not the masks or images that are their targets, and the model's output has shape ${formatShape(shape)}: take the layer out, or one that leaves pixels where they are, as randomContrast(), randomBrightness() or mixUp(); move images and targets together before fit()${other}`,
    moving.layer,
  );
}

/** Images are changed in training alone, and no gradient passes: what is trained comes after. */
function implementation<K extends AugmentKind>(
  forward: (p: Planner, op: OpOf<K>) => void,
  { always = false, moves = false }: { readonly always?: boolean; readonly moves?: boolean } = {},
): OpImplementation<K> {
  return {
    readsInput: () => false,
    readsOutput: () => false,
    forward(p, op) {
      if (p.needsGradient(op.inputs[0]!))
        throw new ModelError(
          "changes images before anything is trained: put it before layers with weights",
          op.layer,
        );
      if (moves && p.training) requireNoTargetsByPlace(p, op);
      if (p.training || always) forward(p, op);
      else p.share(op as AugmentOp as Op);
    },
    backward() {},
  };
}

const MOVES = { moves: true };

export const randomAffine = implementation<"randomAffine">((p, op) => {
  const { H, W, C, draws } = common(p, op);
  const { flips, angle, zoomHeight, zoomWidth, shiftHeight, shiftWidth, fillMode, interpolation, fillValue } =
    op.attributes;
  const width = zoomWidth ?? zoomHeight;
  p.call(
    "affineImages",
    {
      y: p.value(op.output),
      x: p.value(op.inputs[0]!),
      ...draws,
      H,
      W,
      C,
      flipRows: Number(flips.vertical),
      flipColumns: Number(flips.horizontal),
      angle0: angle[0],
      angle1: angle[1],
      zoomH0: zoomHeight[0],
      zoomH1: zoomHeight[1],
      zoomW0: width[0],
      zoomW1: width[1],
      together: Number(zoomWidth === undefined),
      shiftH0: shiftHeight[0],
      shiftH1: shiftHeight[1],
      shiftW0: shiftWidth[0],
      shiftW1: shiftWidth[1],
      fill: FILLS[fillMode],
      bilinear: Number(interpolation === "bilinear"),
      value: fillValue,
    },
    EACH_IMAGE(p),
  );
}, MOVES);

export const randomCrop = implementation<"randomCrop">(
  (p, op) => {
    const { H, W, C, draws } = common(p, op);
    const [OH, OW] = op.output.shape as readonly number[] as [number, number];
    const args = { y: p.value(op.output), x: p.value(op.inputs[0]!), ...draws, H, W, C, OH, OW };
    p.call("cropImages", { ...args, random: Number(p.training) }, EACH_IMAGE(p));
  },
  { ...MOVES, always: true },
);

export const randomColor = implementation<"randomColor">((p, op) => {
  const { H, W, C, draws } = common(p, op);
  const { contrast, brightness, valueRange } = op.attributes;
  p.call(
    "colorImages",
    {
      x: p.value(op.inputs[0]!),
      y: p.valueInPlace(op),
      ...draws,
      positions: H * W,
      C,
      contrast0: contrast[0],
      contrast1: contrast[1],
      brightness0: brightness[0],
      brightness1: brightness[1],
      low: valueRange[0],
      high: valueRange[1],
    },
    EACH_IMAGE(p),
  );
});

export const randomErasing = implementation<"randomErasing">((p, op) => {
  const { H, W, C, draws } = common(p, op);
  const { factor, scale, fillValue, valueRange } = op.attributes;
  p.call(
    "eraseImages",
    {
      x: p.value(op.inputs[0]!),
      y: p.valueInPlace(op),
      ...draws,
      H,
      W,
      C,
      chance0: factor[0],
      chance1: factor[1],
      scale0: scale[0],
      scale1: scale[1],
      value: fillValue ?? 0,
      noise: Number(fillValue === undefined),
      low: valueRange[0],
      high: valueRange[1],
    },
    EACH_IMAGE(p),
  );
});

export const mixImages = implementation<"mixImages">((p, op) => {
  const { H, W, C, draws } = common(p, op);
  const { alpha, cut } = op.attributes;
  const plan = p.kept(op, "plan", MIX_BYTES * p.batch);
  const args = { plan, ...draws, batch: p.batch, H, W, alpha0: alpha[0], alpha1: alpha[1], cut: Number(cut) };
  p.call("mixPlan", args, { scratch: AUGMENT_SCRATCH });
  p.call(
    "mixImages",
    { y: p.value(op.output), x: p.value(op.inputs[0]!), plan, H, W, C, cut: Number(cut) },
    { tasks: p.batch },
  );
});

/**
 * Emits the targets `[batch, ...shape]`, mixed as the graph mixes its images: after the forward pass. Throws ModelError where parts of
 * images are put into others, and outputs are images: targets have shares of both.
 */
export function mixedTargets(p: Planner, graph: Graph, targets: Tensor, shape: Shape): Tensor {
  let mixed = targets;
  const cols = elements(shape);
  for (const op of graph.ops) {
    if (op.kind !== "mixImages") continue;
    if (op.attributes.cut && cols > shape.at(-1)!)
      throw new ModelError(
        `puts parts of images into others, with shares of both as targets, but the model's output has shape ${formatShape(shape)}: take mixUp() for images as outputs`,
        op.layer,
      );
    const y = p.tensor(4 * p.batch * cols);
    p.call("mixTargets", { y, x: mixed, plan: p.kept(op, "plan", MIX_BYTES * p.batch), rows: p.batch, cols });
    mixed = y;
  }
  return mixed;
}
