// What is measured: a part of a compiled plan on one build of the kernels, or a whole step of a model.

import { fuse } from "../dist/compiler/fuse.js";
import { elements, GraphBuilder } from "../dist/compiler/graph.js";
import { IMPLEMENTATIONS } from "../dist/compiler/ops/index.js";
import { Plan } from "../dist/compiler/plan.js";
import { Planner } from "../dist/compiler/planner.js";
import { trafficOf } from "../dist/compiler/traffic.js";
import { Engine } from "../dist/engine/engine.js";
import { measurePeak } from "../dist/engine/peak.js";
import { OptimizerState } from "../dist/optim/state.js";

/** Room for the parameters of one case, and for their gradients: 8 MiB each, 64-byte aligned like everything. */
const ZONE = 8 * 2 ** 20;
const LINE = 64;
/** Parameters of the seed CNN, which the optimizers update. */
export const WEIGHTS = 121_930;

/**
 * An engine of one build, on which single kernels run: `plan()` turns what a function emits into a plan whose
 * tensors all keep their place, filled with random numbers in [-1, 1), so that any part of it can run over and over.
 */
export class KernelHost {
  static async open(backend, optimizers) {
    const host = new KernelHost();
    // The peak has an engine of its own: it would push the plan out of this one's arena.
    [host.engine, host.peakEngine] = await Promise.all([
      Engine.create({ backend, threads: 1 }),
      Engine.create({ backend, threads: 1 }),
    ]);
    host.backend = backend;
    host.peakGflops = 0;
    host.values = host.engine.allocate(ZONE);
    host.gradients = host.engine.allocate(ZONE);
    host.optimizers = new Map(
      Object.entries(optimizers).map(([name, optimizer]) => [
        name,
        new OptimizerState(host.engine, optimizer, WEIGHTS),
      ]),
    );
    return host;
  }

  /** Measures the peak again: the best of all times counts. */
  measurePeak() {
    this.peakGflops = Math.max(this.peakGflops, measurePeak(this.peakEngine).gflops);
  }

  /** @param emit (planner, host) => void; the planner's sections part the plan, see `part()` */
  plan(graph, batch, emit) {
    const planner = new Planner(graph, batch, true, this.#pointers(graph), IMPLEMENTATIONS);
    emit(planner, this);
    for (const tensor of planner.tensors) tensor.written().read();
    const plan = new Plan(this.engine, planner);
    plan.activate();
    const fill = (pointer, length) => {
      const view = this.engine.f32(pointer, length);
      for (let i = 0; i < length; i++) view[i] = noise(i);
    };
    for (const pointer of [this.values, this.gradients]) fill(pointer, WEIGHTS);
    for (const tensor of planner.tensors) fill(plan.pointer(tensor), tensor.bytes >> 2);
    // Once, so that what backward reads is what forward wrote.
    plan.run();
    return plan;
  }

  dispose() {
    this.engine.dispose();
    this.peakEngine.dispose();
  }

  /** Places for a graph's parameters and gradients, one after the other. */
  #pointers(graph) {
    const offsets = new Map();
    let at = 0;
    for (const parameter of graph.parameters) {
      offsets.set(parameter, at);
      at += LINE * Math.ceil((4 * elements(parameter.shape)) / LINE) + LINE;
    }
    if (at > ZONE) throw new RangeError(`parameters of ${at} bytes, expected at most ${ZONE}`);
    return {
      value: (parameter) => this.values + offsets.get(parameter),
      gradient: (parameter) => this.gradients + offsets.get(parameter),
      seed: [1, 0],
      step: this.optimizers.values().next().value.stepPointer,
    };
  }
}

/** The i-th of a row of numbers in [-1, 1), by Knuth's multiplicative hash: even, and enough for timing. */
function noise(i) {
  return Math.imul(i + 1, 0x9e3779b1) / 2 ** 31;
}

/** A subject that runs the plan's calls of one phase, or those of `kernels` that follow one another; undefined where there are none. */
export function part(plan, phase, kernels = undefined) {
  const meant = (call) => call.phase === phase && (!kernels || kernels.includes(call.kernel));
  const first = plan.calls.findIndex(meant);
  const calls = plan.calls.filter(meant);
  if (first < 0) return undefined;
  const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
  return {
    threads: 1,
    run: () => plan.run(first, first + calls.length),
    flops: total(calls.map((call) => call.flops)),
    bytes: total(trafficOf(plan.planner).slice(first, first + calls.length)),
    kernels: [...new Set(calls.map((call) => call.kernel))],
  };
}

/** A chain of layers as a graph whose input needs a gradient, as if there were more layers before it. */
export function chain(layers, inputShape, { fused = true } = {}) {
  const builder = new GraphBuilder();
  const input = builder.input(inputShape);
  const before = builder.parameter("before/weight", [1], "zeros");
  let value = builder.op("reshape", "before", [input], {}, inputShape, [before]);
  layers.forEach((layer, i) => {
    [value] = layer.lower(builder, `layer${i}`, [value]);
  });
  const graph = builder.build([value]);
  return fused ? fuse(graph) : graph;
}

/** Emits a whole graph, forward and backward from a gradient of its output. */
export function emitBoth(planner) {
  const { graph } = planner;
  for (const op of graph.ops) planner.forward(op);
  planner.gradient(graph.outputs[0]);
  for (const op of graph.ops.toReversed()) if (op.layer !== "before") planner.backward(op);
}
