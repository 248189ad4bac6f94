// What add and multiply share: a second value of one number a channel, for each pixel of the first.
import { elements, type OpOf } from "../graph.ts";
import type { Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";

type Pair = OpOf<"add"> | OpOf<"multiply">;

export function isBroadcast({ inputs: [a, b] }: Pair): boolean {
  return elements(a!.shape) !== elements(b!.shape);
}

function sizes(p: Planner, { output: { shape } }: Pair) {
  const C = shape.at(-1)!;
  return { batch: p.batch, inner: elements(shape) / C, C };
}

/** Emits z = x + y, or x y, with y `[batch, 1, 1, C]` for each pixel of x. */
export function withEachPixel(
  p: Planner,
  kernel: "addBroadcast" | "multiplyBroadcast",
  op: Pair,
  args: { z: Tensor; x: Tensor; y: Tensor; relu: number },
): void {
  const { batch, inner, C } = sizes(p, op);
  const grain = Math.max(1, Math.floor(GRAIN / C));
  p.call(kernel, { ...args, batch, inner, C, grain }, { tasks: Math.ceil((batch * inner) / grain) });
}

/** Emits out `[batch, 1, 1, C]` = the sum over each image's pixels of x, or of x y. */
export function sumOverPixels(p: Planner, op: Pair, args: { out: Tensor; x: Tensor; y: Tensor | 0 }): void {
  const { batch, inner, C } = sizes(p, op);
  const grain = Math.max(1, Math.floor(GRAIN / (inner * C)));
  p.call("sumBroadcast", { ...args, batch, inner, C, grain }, { tasks: chunks(batch, grain) });
}
