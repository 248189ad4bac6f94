import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import * as api from "../../src/index.ts";
import { sha256 } from "../../src/index.ts";
import { createOptimizer } from "../../src/optim/index.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { type RandomNet, randomNet } from "../support/random-nets.ts";
import { all, sessionOf } from "../support/sessions.ts";

/** A tensor's norm, and its product with numbers of the formula. */
type Sketch = readonly [norm: number, product: number];

interface Expected {
  readonly seed: number;
  /** Of the net as data: the numbers belong to no other. */
  readonly net: string;
  readonly outputs: Sketch;
  readonly losses: readonly number[];
  readonly gradients: readonly Sketch[];
  /** Parameters after five steps, states too; and what the net gives then. */
  readonly after: readonly Sketch[];
  readonly evaluated: { readonly loss: number; readonly outputs: Sketch };
}

const WRITE = process.env.WASMGRAD_WRITE_NETS;
const LONG = process.env.WASMGRAD_TESTS === "all";
/** Far from f32's rounding, near enough that no term is missing. */
const TOLERANCE = 1e-4;
const STEPS = 5;

const digest = async (net: RandomNet) =>
  (await sha256(new TextEncoder().encode(JSON.stringify(net)))).slice(0, 16);

// Writes the nets for make_random_nets.py: see test/fixtures/README.md.
test.runIf(WRITE)("writes nets", async () => {
  const nets = Array.from({ length: Number(process.env.WASMGRAD_NETS ?? 800) }, (_, i) => randomNet(i + 1));
  writeFileSync(
    WRITE!,
    JSON.stringify(await Promise.all(nets.map(async (net) => ({ ...net, net: await digest(net) })))),
  );
});

const { nets } = JSON.parse(
  WRITE ? '{"nets":[]}' : readFileSync(new URL("../fixtures/random-nets.json", import.meta.url), "utf8"),
) as { nets: Expected[] };

/** What make_random_nets.py gives a net to learn. */
function samplesOf({ batch, inputShape, outputs, loss, seed }: RandomNet) {
  const size = inputShape.reduce((a, b) => a * b, 1);
  const images = fixtureValues(batch * size, seed, 1);
  const unit = fixtureValues(batch * outputs, seed + 1, 0.5).map((v) => v + 0.5);
  const labels = fixtureLabels(batch, seed + 2, outputs);
  const targets =
    loss.name === "categoricalCrossentropy"
      ? Float32Array.from({ length: batch * outputs }, (_, i) =>
          Number(labels[Math.floor(i / outputs)] === i % outputs),
        )
      : loss.name === "klDivergence"
        ? unit.map((v, i) => {
            const row = Math.floor(i / outputs) * outputs;
            return (v + 0.1) / unit.subarray(row, row + outputs).reduce((a, b) => a + b + 0.1, 0);
          })
        : loss.name === "cosineSimilarity" || loss.name === "huber"
          ? unit.map((v) => 2 * v - 1)
          : unit;
  return { images, targets, shape: inputShape, count: batch };
}

const DIRECTION = 7;

function expectSketch(data: Float32Array, [norm, product]: Sketch, what: string, scale = norm): void {
  const direction = fixtureValues(data.length, DIRECTION, 1);
  let [squares, sum] = [0, 0];
  for (const [i, v] of data.entries()) {
    squares += v * v;
    sum += v * direction[i]!;
  }
  const allowed = TOLERANCE * Math.max(scale, 1e-3);
  expect(
    Math.abs(Math.sqrt(squares) - norm),
    `${what}: norm ${Math.sqrt(squares)}, expected ${norm}`,
  ).toBeLessThanOrEqual(allowed);
  expect(Math.abs(sum - product), `${what}: product ${sum}, expected ${product}`).toBeLessThanOrEqual(
    allowed,
  );
}

async function check(expected: Expected, backend: (typeof BACKENDS)[number]): Promise<void> {
  const net = randomNet(expected.seed);
  expect(await digest(net), "the net is another: make the fixture anew").toBe(expected.net);
  const { name, ...options } = net.optimizer;
  const { name: loss, ...settings } = net.loss;
  const session = await sessionOf(api.modelFromConfig(net.config), {
    backend,
    loss: Object.keys(settings).length > 0 ? (lossOf(loss, settings) as never) : loss,
    metrics: [],
    optimizer: createOptimizer(name, options),
    preprocessing: { scale: 1, offset: 0 },
  });
  const starts = new Map(net.parameters.map((parameter) => [parameter.name, parameter]));
  for (const { parameter, data } of session.weights()) {
    const { seed, scale, offset } = starts.get(parameter.name)!;
    data.set(fixtureValues(data.length, seed, scale).map((v) => v + offset));
  }
  const samples = samplesOf(net);
  for (let step = 0; step < STEPS; step++) {
    const result = session.trainStep(samples, all(samples));
    if (step === 0) {
      // What metrics see: of logits probabilities.
      if (!settings.fromLogits)
        expectSketch(result.outputs[0]!.batch.outputs as Float32Array, expected.outputs, "outputs");
      const gradients = [...session.gradients()];
      const most = Math.max(...expected.gradients.map(([norm]) => norm));
      expect(gradients.length).toBe(expected.gradients.length);
      for (const [i, { parameter, data }] of gradients.entries())
        expectSketch(
          data,
          expected.gradients[i]!,
          `gradient of ${parameter.name}`,
          Math.max(expected.gradients[i]![0], most / 10),
        );
    }
    const wanted = expected.losses[step]!;
    expect(
      Math.abs(result.loss - wanted),
      `loss ${step}: ${result.loss}, expected ${wanted}`,
    ).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(wanted)));
  }
  for (const [i, { name: parameter, data }] of session.getWeights().entries())
    expectSketch(data, expected.after[i]!, `${parameter} after ${STEPS} steps`);
  const evaluated = session.evaluateStep(samples, all(samples));
  expect(Math.abs(evaluated.loss - expected.evaluated.loss)).toBeLessThanOrEqual(
    TOLERANCE * Math.max(1, Math.abs(expected.evaluated.loss)),
  );
  const out = new Float32Array(net.batch * net.outputs);
  session.predictStep(samples, all(samples), out);
  expectSketch(out, expected.evaluated.outputs, "outputs afterwards");
}

function lossOf(name: string, settings: object) {
  const make = (api as unknown as Record<string, (options: object) => unknown>)[name];
  return make!(settings);
}

test.skipIf(WRITE)(
  "there are five hundred nets, and each layer that does not draw at random is in many",
  () => {
    expect(nets.length).toBeGreaterThanOrEqual(500);
    const counts: Record<string, number> = {};
    for (const { seed } of nets)
      for (const type of new Set(
        randomNet(seed).config.layers.map((layer) => (layer as { type: string }).type),
      ))
        counts[type] = (counts[type] ?? 0) + 1;
    const random = /^random|^mixUp$|^cutMix$|ropout|^gaussianNoise$/;
    // Each by another name there.
    const others = ["softmax", "leakyRelu", "elu", "globalAveragePooling1d", "globalMaxPooling1d"];
    const missing = Object.keys(api.LAYERS).filter(
      (type) => !random.test(type) && !others.includes(type) && !((counts[type] ?? 0) >= 5),
    );
    expect(missing).toEqual([]);
  },
);

/** All of them where there is time, and some else. */
const chosen = LONG ? nets : nets.filter((_, i) => i % 12 === 0);

describe.skipIf(WRITE).each(chosen.map((net) => [net.seed, net] as const))(
  "net %i, as PyTorch computes it",
  (_, net) => {
    test.each(LONG && net.seed % 5 > 0 ? (["simd"] as const) : BACKENDS)("build %s", (backend) =>
      check(net, backend),
    );
  },
);
