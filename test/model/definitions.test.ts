import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fillOf, INITIALIZERS } from "../../src/compiler/initializers.ts";
import { LOSS_DEFINITIONS } from "../../src/losses/index.ts";
import { LOSSES } from "../../src/losses/names.ts";
import { EXTRA_METRICS } from "../../src/metrics/extra.ts";
import { METRICS } from "../../src/metrics/metric.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import * as api from "../../src/node.ts";
import { OPTIMIZERS, SCHEDULES } from "../../src/optim/index.ts";
import { rateOf } from "../../src/optim/schedules/index.ts";
import { SCHEDULE_DEFINITIONS } from "../../src/optim/schedules/schedules.ts";
import { CALLBACK_TABLES, CALLBACKS, WRITES_FILES } from "../../src/run/callbacks.ts";
import { CALLBACK_TYPES, SCHEDULE_TYPES } from "../../src/web/state/callbacks.ts";
import { LAYER_TYPES } from "../../src/web/state/layers.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const documents = [
  "README.md",
  ...readdirSync(new URL("../../docs", import.meta.url)).map((name) => `docs/${name}`),
]
  .filter((name) => name.endsWith(".md"))
  .map(read)
  .join("\n");
const code = (folder: string) =>
  readdirSync(new URL(`../../src/${folder}`, import.meta.url))
    .map((file) => read(`src/${folder}/${file}`))
    .join("\n");

/** What there is by name, and where a definition that is forgotten would be missing. */
describe("every definition", () => {
  test.each([
    ["layer", Object.keys(LAYERS)],
    ["optimizer", OPTIMIZERS],
    ["loss", LOSSES],
    ["metric", METRICS],
    ["schedule", SCHEDULES],
    ["initializer", INITIALIZERS],
    ["callback", CALLBACKS],
  ] as const)("of the kind %s is named in the documents", (_, names) => {
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(documents))).toEqual([]);
  });

  test("file of a loss, a metric and a schedule is in its list", () => {
    for (const [folder, names] of [
      ["losses", LOSSES],
      ["optim/schedules", SCHEDULES],
    ] as const) {
      const exported = code(folder).match(
        /^export const [A-Z_]+ = \{$|^export const [A-Z_]+: ScheduleDefinition<.*\{/gm,
      );
      // And the list of the schedules.
      expect(exported, folder).toHaveLength(names.length + Number(folder !== "losses"));
    }
    expect(LOSS_DEFINITIONS.map(({ name }) => name)).toEqual(LOSSES);
    expect(["accuracy", ...Object.keys(EXTRA_METRICS)]).toEqual(METRICS);
  });

  test("of a layer has all its options in the page's editor, but for inputs", () => {
    const kinds = Object.values(LAYERS).filter(({ type }) => type !== "input");
    expect(Object.keys(LAYER_TYPES)).toEqual(kinds.map(({ type }) => type));
    for (const { type, options } of kinds)
      expect(LAYER_TYPES[type]!.options.map(({ key }) => key)).toEqual(Object.keys(options));
  });

  test("of a callback and a schedule has all its options in the page's editor, but for callbacks that write files", () => {
    const callbacks = CALLBACKS.filter((name) => !WRITES_FILES.includes(name as never));
    expect(Object.keys(CALLBACK_TYPES)).toEqual(callbacks);
    for (const name of callbacks)
      expect(CALLBACK_TYPES[name]!.options.map(({ key }) => key)).toEqual(Object.keys(CALLBACK_TABLES[name]));
    expect(Object.keys(SCHEDULE_TYPES)).toEqual(SCHEDULES);
    for (const name of SCHEDULES)
      expect(SCHEDULE_TYPES[name]!.options.map(({ key }) => key)).toEqual(
        Object.keys(SCHEDULE_DEFINITIONS[name].table()),
      );
    // What the package exports as a callback is in the settings of runs, or is made of functions, or hears of what a page keeps itself.
    const functions = ["learningRateScheduler", "modelCheckpoint"];
    const exported = readdirSync(new URL("../../src/train/callbacks", import.meta.url))
      .map((file) => file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(".ts", ""))
      .filter((name) => Object.keys(api).some((key) => key.toLowerCase() === name.toLowerCase()));
    const known = [...callbacks, ...functions].map((name) => name.toLowerCase());
    expect(exported.map((name) => name.toLowerCase()).filter((name) => !known.includes(name))).toEqual([]);
    expect(exported.length).toBeGreaterThanOrEqual(callbacks.length);
  });

  test("of an optimizer, a loss, a metric and an initializer trains, and of a schedule gives rates", async () => {
    const samples = {
      images: Float32Array.of(1, 0, 0, 1),
      shape: [2],
      count: 2,
      labels: Uint8Array.of(0, 1),
    };
    const layers = (kernelInitializer: (typeof INITIALIZERS)[number]) => [
      api.dense({ units: 2, inputShape: [2], kernelInitializer, activation: "softmax" }),
    ];
    for (const kernelInitializer of INITIALIZERS)
      for (const [i, loss] of LOSSES.entries()) {
        const model = api.sequential(layers(kernelInitializer));
        expect(api.modelFromConfig(model.toConfig()).toConfig()).toEqual(model.toConfig());
        expect(fillOf(kernelInitializer, [2, 2]).kind).toMatch(
          /^(constant|uniform|truncatedNormal|further)$/,
        );
        await model.compile({
          loss,
          optimizer: OPTIMIZERS[i % OPTIMIZERS.length]!,
          metrics: METRICS,
          threads: 1,
        });
        const { history } = await model.fit(samples);
        expect(Object.keys(history)).toEqual(["loss", ...METRICS]);
        expect(Object.values(history).flat().every(Number.isFinite)).toBe(true);
        model.dispose();
      }
    const schedules = {
      oneCycle: api.oneCycle({ peak: 1, steps: 10 }),
      exponentialDecay: api.exponentialDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0.5 }),
      cosineDecay: api.cosineDecay({ initialLearningRate: 1, decaySteps: 10 }),
      piecewiseConstantDecay: api.piecewiseConstantDecay({ boundaries: [3], values: [1, 0.5] }),
      constantRate: api.constantRate({ learningRate: 1 }),
      stepDecay: api.stepDecay({ initialLearningRate: 1, decaySteps: 10 }),
      polynomialDecay: api.polynomialDecay({ initialLearningRate: 1, decaySteps: 10 }),
      inverseTimeDecay: api.inverseTimeDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 0.5 }),
      cosineDecayRestarts: api.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 10 }),
      warmUp: api.warmUp({ warmupSteps: 10, schedule: 1 }),
    } satisfies Record<(typeof SCHEDULES)[number], api.Schedule>;
    for (const [name, schedule] of Object.entries(schedules)) {
      expect(schedule.name).toBe(name);
      expect(rateOf(api.scheduleFromConfig(JSON.parse(JSON.stringify(schedule))))(5)).toBeGreaterThan(0);
    }
  });
});
