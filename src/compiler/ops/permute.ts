import { elements, type Shape } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";

/** Axes that the kernel walks. */
const AXES = 6;

/** Emits y, whose axis i is x's at axes[i]; neighbours that stay so are walked as one. */
function emit(p: Planner, y: Tensor, x: Tensor, shape: Shape, axes: readonly number[]): void {
  const own = [p.batch, ...shape];
  const sizes: number[] = [];
  const strides: number[] = [];
  for (const axis of [0, ...axes.map((axis) => axis + 1)]) {
    const [size, stride] = [own[axis]!, elements(own.slice(axis + 1))];
    if (size === 1) continue;
    if (strides.at(-1) === stride * size) {
      sizes.push(sizes.pop()! * size);
      strides.splice(-1, 1, stride);
    } else {
      sizes.push(size);
      strides.push(stride);
    }
  }
  while (sizes.length < AXES) {
    sizes.unshift(1);
    strides.unshift(0);
  }
  const [n0, n1, n2, n3, n4, n5] = sizes as [number, number, number, number, number, number];
  const [s0, s1, s2, s3, s4, s5] = strides as typeof sizes as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const grain = Math.max(1, Math.floor(GRAIN / n5));
  p.call(
    "permute",
    { y, x, n0, n1, n2, n3, n4, n5, s0, s1, s2, s3, s4, s5, grain },
    { tasks: chunks(elements(own) / n5, grain) },
  );
}

export const permute: OpImplementation<"permute"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    const [input] = op.inputs;
    emit(p, p.value(op.output), p.value(input!), input!.shape, op.attributes.axes);
  },

  backward(p, op) {
    const [input] = op.inputs;
    if (!p.needsGradient(input!)) return;
    const { axes } = op.attributes;
    const back = axes.map((_, i) => axes.indexOf(i));
    emit(p, p.gradient(input!), p.outputGradient(op), op.output.shape, back);
  },
};
