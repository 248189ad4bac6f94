import { type Graph, type Op, type OpOf, onlyReader, producer, type Relu, type Value } from "./graph.ts";
import { winogradTile } from "./ops/winograd.ts";
import { isQuiet, isStill } from "./still.ts";

/**
 * What fuse() does with ops of ExtraKind:
 * - depthwiseConv2d takes a relu that follows, which its kernel applies before it stores;
 * and in answers, and where no gradient passes in training,
 * - depthwiseConv2d + batchNorm become a depthwiseConv2d whose filter is scaled;
 * - conv2d, dense and depthwiseConv2d take a relu6 that follows;
 * - conv2d and depthwiseConv2d take zeros that are laid around what they read into their own padding.
 */
export function fuseExtra(graph: Graph, training: boolean): Graph {
  const merged = new Set<Op>();
  const ops = graph.ops.map((original) => {
    let op = original;
    if (merged.has(op)) return op;
    const take = (next: Op, change: object) => {
      op = { ...op, output: next.output, attributes: { ...op.attributes, ...change } } as Op;
      merged.add(next);
    };
    const quiet = !training || isQuiet(graph, op);
    if (op.kind === "depthwiseConv2d") {
      const next = onlyReader(graph, op.output);
      if (next?.kind === "batchNorm" && !next.attributes.residual && (!training || isStill(graph, next)))
        take(next, { norm: next.attributes.norm, relu: next.attributes.relu });
    }
    if (takesRelu(op)) {
      const next = onlyReader(graph, op.output);
      if (op.kind === "depthwiseConv2d" && next?.kind === "activation" && next.attributes.kind === "relu")
        take(next, { relu: true });
      else if (quiet && next?.kind === "unary" && isRelu6(next)) take(next, { relu: 2 satisfies Relu });
    }
    if (quiet && (op.kind === "conv2d" || op.kind === "depthwiseConv2d")) {
      const zeros = zerosAround(graph, op.inputs[0]!);
      const whole = zeros && padded(op, zeros);
      if (whole && (whole.kind === "depthwiseConv2d" || inTiles(whole))) {
        op = whole;
        merged.add(zeros);
      }
    }
    return op;
  });
  return { ...graph, ops: ops.filter((_, i) => !merged.has(graph.ops[i]!)) };
}

/** The op that lays zeros around a value, if that is all it does, for one reader. */
function zerosAround(graph: Graph, value: Value): OpOf<"resample2d"> | undefined {
  const op = producer(graph, value);
  if (op?.kind !== "resample2d" || !onlyReader(graph, value)) return undefined;
  const { rep, bilinear } = op.attributes;
  const plain = rep[0] === 1 && rep[1] === 1 && !bilinear;
  return plain && Object.values(sides(op)).every((zeros) => zeros >= 0) ? op : undefined;
}

/** Zeros at each side; below 0 what is cropped. */
function sides({ attributes: { top, left }, inputs, output }: OpOf<"resample2d">) {
  const [H, W] = inputs[0]!.shape as readonly number[] as [number, number];
  const [OH, OW] = output.shape as readonly number[] as [number, number];
  return { top, bottom: OH - H - top, left, right: OW - W - left };
}

function padded<T extends OpOf<"conv2d"> | OpOf<"depthwiseConv2d">>(op: T, zeros: OpOf<"resample2d">): T {
  const { pad } = op.attributes;
  const { top, bottom, left, right } = sides(zeros);
  const all = {
    top: pad.top + top,
    bottom: pad.bottom + bottom,
    left: pad.left + left,
    right: pad.right + right,
  };
  return { ...op, inputs: zeros.inputs, attributes: { ...op.attributes, pad: all } };
}

function tiled({ attributes, inputs, output }: OpOf<"conv2d">): boolean {
  const [OH, OW] = output.shape as readonly number[] as [number, number];
  return winogradTile(attributes, [OH, OW], inputs[0]!.shape[2]!, attributes.filters) !== undefined;
}

/** Whether a convolution's tiles lay zeros around its input themselves, as for "same": others copy it, which is what was there before. */
function inTiles(op: OpOf<"conv2d">): boolean {
  return Object.values(op.attributes.pad).every((zeros) => zeros <= 1) && tiled(op);
}

/** Whether a kernel could bound what it stores. */
function takesRelu(op: Op): boolean {
  if (op.kind === "conv2d") return !op.attributes.relu && !tiled(op);
  return (op.kind === "dense" || op.kind === "depthwiseConv2d") && !op.attributes.relu;
}

function isRelu6({ attributes: { kind, numbers = [] } }: OpOf<"unary">): boolean {
  const [slope, most, threshold] = numbers;
  return kind === "relu6" || (kind === "boundedRelu" && slope === 0 && most === 6 && threshold === 0);
}
