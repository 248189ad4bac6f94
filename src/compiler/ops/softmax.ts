import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks } from "../tasks.ts";

/** Rows in one task. */
const ROWS = 32;

/** Rows are what is before the last axis, the batch included. */
function sizes(p: Planner, { output }: OpOf<"softmax">) {
  const cols = output.shape.at(-1)!;
  return { rows: p.count(output) / cols, cols, grain: ROWS };
}

export const softmax: OpImplementation<"softmax"> = {
  readsInput: () => false,
  readsOutput: () => true,

  forward(p, op) {
    const x = p.value(op.inputs[0]!);
    const size = sizes(p, op);
    p.call("softmaxForward", { y: p.valueInPlace(op), x, ...size }, { tasks: chunks(size.rows, ROWS) });
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const size = sizes(p, op);
    const args = { dx: p.gradientInPlace(op), dy, y: p.value(op.output), ...size };
    p.call("softmaxBackward", args, { tasks: chunks(size.rows, ROWS) });
  },
};
