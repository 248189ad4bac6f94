import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ACCURACY } from "../../src/metrics/accuracy.ts";
import * as make from "../../src/metrics/make.ts";
import { METRICS, type Metric, type MetricName } from "../../src/metrics/metric.ts";
import { dense } from "../../src/model/layers/index.ts";
import { modelOf } from "../support/sessions.ts";

// Metrics over several batches, the last one smaller, beside Keras 3 and scikit-learn: test/fixtures/make_keras_metrics.py.

interface Dataset {
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  readonly y: number[];
  readonly t: number[];
  readonly figures: readonly { type: MetricName; options: object; value: number }[];
}
const { batch, datasets } = JSON.parse(
  readFileSync(new URL("../fixtures/keras/metrics.json", import.meta.url), "utf8"),
) as { batch: number; datasets: Dataset[] };

/** The metric's function, or its name where it has none. */
const made = (type: MetricName, options: object, name: string): Metric | MetricName => {
  const functions = make as unknown as Record<string, (options: object) => Metric>;
  const own = type.replace(/^sparseTopK/, "topK");
  return functions[own]?.({ ...options, name }) ?? type;
};

async function identity(cols: number, metrics: (Metric | MetricName)[]) {
  const model = await modelOf([dense({ units: cols, inputShape: [cols], useBias: false })], {
    loss: "meanSquaredError",
    metrics,
  });
  const data = Float32Array.from({ length: cols * cols }, (_, i) => Number(i % (cols + 1) === 0));
  model.setWeights([{ name: "dense/kernel", shape: [cols, cols], data }]);
  return model;
}

describe.each(datasets.map((set) => [set.name, set] as const))("%s", (_, { cols, rows, y, t, figures }) => {
  const samples = {
    images: Float32Array.from(y),
    targets: Float32Array.from(t),
    shape: [cols],
    count: rows,
  };
  test.each(figures.map((one) => [`${one.type} ${JSON.stringify(one.options)}`, one] as const))(
    "%s",
    async (_, { type, options, value }) => {
      const metric = made(type, options, "figure");
      const model = await identity(cols, [metric]);
      const figure = typeof metric === "string" ? type : "figure";
      for (const batchSize of [batch, rows]) {
        const got = (await model.evaluate(samples, { batchSize }))[figure]!;
        expect(Math.abs(got - value), `${got} for ${value}`).toBeLessThan(2e-6);
      }
    },
  );
});

test("every metric has figures to be held to", () => {
  const held = new Set(datasets.flatMap(({ figures }) => figures.map(({ type }) => type)));
  expect(METRICS.filter((name) => !held.has(name))).toEqual([]);
});

test("figures of an output that is NaN are those of a wrong one, and never NaN where answers are counted", async () => {
  const { update } = (await import("../../src/metrics/extra.ts")).EXTRA_METRICS.auc;
  const sums = new Float64Array(400);
  const options = { numThresholds: 200, multiLabel: false };
  const batch = {
    outputs: Float32Array.of(Number.NaN, 5, -3, 1, 0),
    targets: Float32Array.of(1, 1, 0, 1, 0),
    rows: 5,
    cols: 1,
  };
  update(sums, batch, options);
  expect([sums[0], sums[199], sums[198], sums[200]]).toEqual([1, 1, 1, 2]);
});

test("what has no options is given by name; options are refused that there are not", () => {
  expect(() => make.auc({ curve: "roc" as never })).toThrow(
    'auc: curve is "roc", expected one of ROC, PR. Write: auc({ curve: "ROC" })',
  );
  expect(() => make.precision({ thresholds: 0.5 } as never)).toThrow("did you mean threshold?");
  expect(make.recall()).toEqual({ name: "recall", type: "recall", options: {} });
  expect(ACCURACY.name).toBe("accuracy");
});
