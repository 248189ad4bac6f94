import { fuse } from "../../compiler/fuse.ts";
import { elements, type Graph } from "../../compiler/graph.ts";
import { IMPLEMENTATIONS } from "../../compiler/ops/index.ts";
import { Plan, type PlanHost } from "../../compiler/plan.ts";
import { Planner } from "../../compiler/planner.ts";
import { prepareWeights } from "../../compiler/prepare.ts";
import { ALIGNMENT, align } from "../../engine/memory.ts";

/** A forward pass for so many samples at once, as it lies in linear memory. */
export interface Pass {
  readonly batch: number;
  /** Where its calls lie, how many they are, and what lies there. */
  readonly records: number;
  readonly calls: number;
  /** The calls before this one make of the weights what the others need: they run once. */
  readonly prepared: number;
  readonly image: Uint8Array<ArrayBuffer>;
  readonly scratch: number;
  /** Where the f32 of inputs are written, and those of outputs read; undefined of an input that no output needs. */
  readonly inputs: readonly (number | undefined)[];
  readonly outputs: readonly number[];
}

/** A model's forward passes and weights in linear memory: [static data | weights | one pass at a time]. */
export interface Layout {
  /** Where each parameter lies, in the graph's order. */
  readonly weights: readonly number[];
  /** The one for most samples first. */
  readonly passes: readonly Pass[];
  /** Bytes of memory in all. */
  readonly bytes: number;
}

/** What most samples at once may take. */
const MOST_BYTES = 64 * 2 ** 20;
const BATCHES = [32, 16, 8, 4, 2];

/** Lays out what predict() runs, the same calls. @param base first byte that is free */
export function layOut(graph: Graph, base: number): Layout {
  let top = align(base);
  const weights = graph.parameters.map(({ shape }) => {
    const at = top;
    top += align(4 * elements(shape));
    return at;
  });
  const fused = fuse(graph, false);
  const pass = (batch: number) => passOf(fused, weights, top, batch);
  const one = pass(1);
  // As memory grows by the samples: no more are tried than may fit.
  const many = BATCHES.filter((batch) => (one.bytes - top) * batch <= 2 * MOST_BYTES)
    .map(pass)
    .find(({ bytes }) => bytes - top <= MOST_BYTES);
  const passes = [...(many ? [many] : []), one];
  return { weights, passes, bytes: Math.max(...passes.map(({ bytes }) => bytes)) };
}

function passOf(
  graph: Graph,
  weights: readonly number[],
  base: number,
  batch: number,
): Pass & { readonly bytes: number } {
  let bytes = base;
  let image = new Uint8Array();
  let made: Pick<Pass, "records" | "calls" | "scratch"> | undefined;
  const refuse = () => {
    throw new Error("a forward pass reads nothing of memory before it runs");
  };
  const host: PlanHost = {
    threads: 1,
    arenaOwner: undefined,
    reserveArena(size) {
      bytes = base + size + ALIGNMENT;
      return base;
    },
    u8(_, length) {
      image = new Uint8Array(length);
      return image as unknown as Uint8Array<SharedArrayBuffer>;
    },
    f32: refuse,
    i32: refuse,
    run({ records, calls, scratch }) {
      made = { records, calls, scratch };
    },
  };
  const value = new Map(graph.parameters.map((parameter, i) => [parameter, weights[i]!]));
  const p = new Planner(
    graph,
    batch,
    false,
    { value: (parameter) => value.get(parameter)!, gradient: () => 0, seed: [0, 0], step: 0 },
    IMPLEMENTATIONS,
  );
  const inputs = graph.inputs.map((input) => p.value(input).written());
  for (const op of graph.ops) p.forward(op);
  const outputs = graph.outputs.map((output) => p.value(output).read());
  const prepared = prepareWeights(p);
  const plan = new Plan(host, p);
  plan.activate();
  plan.run();
  return {
    batch,
    image,
    ...made!,
    prepared,
    inputs: inputs.map((tensor) => (tensor.offset < 0 ? undefined : plan.pointer(tensor))),
    outputs: outputs.map((tensor) => plan.pointer(tensor)),
    bytes,
  };
}
