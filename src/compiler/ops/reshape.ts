import type { OpImplementation } from "../planner.ts";

/** The same numbers under another shape: no call at all. */
export const reshape: OpImplementation<"reshape"> = {
  readsInput: () => false,
  readsOutput: () => false,
  forward(p, op) {
    p.share(op);
  },
  backward(p, op) {
    const input = op.inputs[0]!;
    if (p.needsGradient(input)) p.passGradient(op, input);
  },
};
