import type { OpImplementation } from "../planner.ts";

/** Rows in one task. */
const ROWS = 32;

export const softmax: OpImplementation<"softmax"> = {
  readsInput: () => false,
  readsOutput: () => true,

  forward(p, op) {
    const x = p.value(op.inputs[0]!);
    p.call(
      "softmaxForward",
      { y: p.valueInPlace(op), x, rows: p.batch, cols: op.output.shape[0]!, grain: ROWS },
      { tasks: Math.ceil(p.batch / ROWS) },
    );
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const args = { dy, y: p.value(op.output), rows: p.batch, cols: op.output.shape[0]!, grain: ROWS };
    p.call("softmaxBackward", { dx: p.gradientInPlace(op), ...args }, { tasks: Math.ceil(p.batch / ROWS) });
  },
};
