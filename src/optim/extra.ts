// What further optimizers do, and averages and accumulation beside any of them, which is loaded where a training asks for it: see
// browser/host/given.ts.
import type { Planner } from "../compiler/planner.ts";
import { chunks } from "../compiler/tasks.ts";
import type { Filled } from "../options/kinds.ts";
import type { adadeltaOptions } from "./adadelta.ts";
import type { adagradOptions } from "./adagrad.ts";
import type { adamaxOptions } from "./adamax.ts";
import type { lionOptions } from "./lion.ts";
import type { nadamOptions } from "./nadam.ts";
import type { Update, Vectors } from "./optimizer.ts";

interface Rates {
  readonly a?: number;
  readonly b?: number;
  readonly epsilon?: number;
  readonly weightDecay: number;
}

function emit(
  p: Planner,
  kernel: "adagradStep" | "adadeltaStep" | "adamaxStep" | "lionStep" | "nadamStep",
  { w, g, n, slots, state, grain }: Vectors,
  { a = 0, b = 0, epsilon = 0, weightDecay }: Rates,
): void {
  let rates: ReturnType<Planner["tensor"]> | 0 = 0;
  if (kernel === "nadamStep") {
    rates = p.tensor(12);
    p.call("nadamRates", { out: rates, state });
  }
  const args = {
    w,
    g,
    m: slots[0]!,
    v: slots[1] ?? 0,
    state,
    rates,
    n,
    a,
    oneMinusA: 1 - a,
    b,
    oneMinusB: 1 - b,
  };
  p.call(kernel, { ...args, epsilon, weightDecay, grain }, { tasks: chunks(n, grain) });
}

const adagrad: Update<Filled<ReturnType<typeof adagradOptions>>> = (p, vectors, options) =>
  emit(p, "adagradStep", vectors, { ...options, b: options.initialAccumulatorValue });
const adadelta: Update<Filled<ReturnType<typeof adadeltaOptions>>> = (p, vectors, options) =>
  emit(p, "adadeltaStep", vectors, { ...options, a: options.rho });
const adamax: Update<Filled<ReturnType<typeof adamaxOptions>>> = (p, vectors, options) =>
  emit(p, "adamaxStep", vectors, { ...options, a: options.beta1, b: options.beta2 });
const nadam: Update<Filled<ReturnType<typeof nadamOptions>>> = (p, vectors, options) =>
  emit(p, "nadamStep", vectors, { ...options, a: options.beta1, b: options.beta2 });
const lion: Update<Filled<ReturnType<typeof lionOptions>>> = (p, vectors, options) =>
  emit(p, "lionStep", vectors, { ...options, a: options.beta1, b: options.beta2 });

export const EXTRA_UPDATES = { adagrad, adadelta, adamax, nadam, lion };

/** Emits the sum of a step's gradient g and those before it; after the `steps`th their mean, in g. */
export function emitAccumulation(
  p: Planner,
  { sum, g, n, grain }: { sum: number; g: number; n: number; grain: number },
  steps: number,
  last: boolean,
): void {
  const args = { sum, g, n, last: Number(last), share: 1 / steps, grain };
  p.call("accumulate", args, { tasks: chunks(n, grain) });
}

/** Emits the moving average of weights w; `updated`: in this step. */
export function emitAverage(
  p: Planner,
  { average, w, n, state, grain }: { average: number; w: number; n: number; state: number; grain: number },
  momentum: number,
  updated: boolean,
): void {
  const rates = { begun: Number(updated), momentum, oneMinusMomentum: 1 - momentum };
  p.call("movingAverage", { average, w, state, n, ...rates, grain }, { tasks: chunks(n, grain) });
}
