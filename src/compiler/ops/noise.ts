import { DRAW_SCRATCH } from "../../engine/abi.ts";
import { elements, type OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";
import type { Tensor } from "../tensor.ts";
import { DROPOUT_STREAMS } from "./dropout.ts";

/** Emits y = x times each sample's share of each channel, 0 or 1 / (1 - rate). */
function scale(p: Planner, op: OpOf<"channelDropout">, z: Tensor, x: Tensor): void {
  const { shape } = op.output;
  const C = shape.at(-1)!;
  const inner = elements(shape) / C;
  const grain = Math.max(1, Math.floor(GRAIN / C));
  const y = p.kept(op, "mask", 4 * p.batch * C);
  p.call(
    "multiplyBroadcast",
    { z, x, y, batch: p.batch, inner, C, relu: 0, grain },
    { tasks: chunks(p.batch * inner, grain) },
  );
}

export const channelDropout: OpImplementation<"channelDropout"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    if (!p.training) {
      p.share(op);
      return;
    }
    const { rate, stream } = op.attributes;
    const { seed, step } = p.pointers;
    const n = p.batch * op.output.shape.at(-1)!;
    const mask = p.kept(op, "mask", 4 * n);
    p.call("fill", { out: mask, n, value: 1, grain: GRAIN }, { tasks: chunks(n) });
    const draw = {
      step,
      n,
      key0: seed[0],
      key1: seed[1],
      stream: DROPOUT_STREAMS + stream,
      rate,
      grain: GRAIN,
    };
    p.call("dropoutForward", { y: mask, x: mask, ...draw }, { tasks: chunks(n), scratch: DRAW_SCRATCH });
    const x = p.value(op.inputs[0]!);
    scale(p, op, p.valueInPlace(op), x);
  },

  backward(p, op) {
    if (!p.needsGradient(op.inputs[0]!)) return;
    const dy = p.outputGradient(op);
    scale(p, op, p.gradientInPlace(op), dy);
  },
};

function emitGaussian(p: Planner, op: OpOf<"gaussian">, y: Tensor, x: Tensor): void {
  const { stddev, scales, stream } = op.attributes;
  const { seed, step } = p.pointers;
  const n = p.count(op.output);
  const draw = { step, n, key0: seed[0], key1: seed[1], stream: DROPOUT_STREAMS + stream, stddev };
  p.call(
    "gaussian",
    { y, x, ...draw, scales: Number(scales), grain: GRAIN },
    { tasks: chunks(n), scratch: DRAW_SCRATCH },
  );
}

/** Draws the same numbers again in backward, as dropout does. */
export const gaussian: OpImplementation<"gaussian"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    if (!p.training) {
      p.share(op);
      return;
    }
    const x = p.value(op.inputs[0]!);
    emitGaussian(p, op, p.valueInPlace(op), x);
  },

  backward(p, op) {
    const input = op.inputs[0]!;
    if (!p.needsGradient(input)) return;
    if (!op.attributes.scales) p.passGradient(op, input);
    else {
      const dy = p.outputGradient(op);
      emitGaussian(p, op, p.gradientInPlace(op), dy);
    }
  },
};
