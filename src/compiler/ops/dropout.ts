import { DRAW_SCRATCH } from "../../engine/abi.ts";
import type { OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";

/** Streams from here on are dropout's; those below draw initial weights. */
export const DROPOUT_STREAMS = 1 << 16;

function common(p: Planner, op: OpOf<"dropout">) {
  const { seed, step } = p.pointers;
  const { rate, stream } = op.attributes;
  const n = p.count(op.output);
  return { step, n, key0: seed[0], key1: seed[1], stream: DROPOUT_STREAMS + stream, rate, grain: GRAIN };
}

/** Draws the same mask again in backward, from (seed, stream, step, element): none is stored. */
export const dropout: OpImplementation<"dropout"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    if (!p.training) {
      p.share(op);
      return;
    }
    const x = p.value(op.inputs[0]!);
    const args = common(p, op);
    p.call(
      "dropoutForward",
      { y: p.valueInPlace(op), x, ...args },
      { tasks: chunks(args.n), scratch: DRAW_SCRATCH },
    );
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    const args = common(p, op);
    p.call(
      "dropoutBackward",
      { y: p.gradientInPlace(op), x: dy, ...args },
      { tasks: chunks(args.n), scratch: DRAW_SCRATCH },
    );
  },
};
