// What operators ask of what a node reads.
import {
  type Call,
  channelsLast,
  type Flow,
  hintOfWeights,
  type Importer,
  isFlow,
  Lacking,
  type Real,
  type Weights,
} from "./importer.ts";
import type { Constant } from "./tensors.ts";

/** What a node gives. Throws Lacking where there are no layers for it. */
export type Operator = (importer: Importer, call: Call) => Flow | readonly Flow[];

export const IMAGE = channelsLast(4);

export function flowOf({ node, inputs }: Call, i = 0): Flow {
  const input = inputs[i];
  if (!isFlow(input)) throw new Lacking(node, "of constants alone");
  return input;
}

/** A constant that the node reads; undefined where it is left out. */
export function constantAt({ node, inputs }: Call, i: number, what = "weights"): Constant | undefined {
  const input = inputs[i];
  if (isFlow(input)) throw new Lacking(node, `whose ${what} are computed`, "weights that the file holds");
  return input;
}

export const f32 = ({ data }: Constant) => Float32Array.from(data);

/** A constant of so many numbers. */
export function numbers(call: Call, i: number, count: number, otherwise?: number): Float32Array<ArrayBuffer> {
  const constant = constantAt(call, i);
  if (constant?.data.length === count) return f32(constant);
  if (constant || otherwise === undefined)
    throw new Lacking(
      call.node,
      `whose input ${i + 1} has ${constant?.data.length ?? 0} numbers, expected ${count}`,
    );
  return new Float32Array(count).fill(otherwise);
}

export const vector = (data: Float32Array): Weights => ({ shape: [data.length], data });

export const named = ({ node }: Call) => hintOfWeights(node.input[1]);

/** A value whose axis 1 there is the last one here. */
export function channelLast(importer: Importer, { node }: Call, flow: Flow): Real {
  const real = flow.real();
  if (real.order.at(-1) === 1) return real;
  const order = channelsLast(flow.shape.length);
  return { order, entry: importer.arranged(node, flow, order) };
}
