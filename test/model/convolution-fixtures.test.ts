import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import { makeLayer } from "../../src/model/layers/layer.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { runLayer } from "../support/single-layer.ts";

interface Fixture {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly batch: number;
  readonly inputShape: readonly number[];
  readonly seed: number;
  readonly weights: readonly { readonly shape: readonly number[] }[];
  readonly outputShape: readonly number[];
  readonly y: readonly number[];
  readonly dx: readonly number[];
  readonly dw: readonly (readonly number[])[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/layers/convolutions.json", import.meta.url), "utf8"),
) as { cases: Fixture[] };

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function run(fixture: Fixture, backend: (typeof BACKENDS)[number], threads = 1) {
  const { type, options, batch, inputShape, seed, weights, y } = fixture;
  return runLayer(
    makeLayer(LAYERS[type]!, options),
    {
      batch,
      inputs: [{ shape: inputShape, values: fixtureValues(batch * size(inputShape), seed, 1) }],
      weights: weights.map(({ shape }, i) => fixtureValues(size(shape), seed + 1 + i, 0.7)),
      dy: fixtureValues(y.length, seed + 100, 1),
    },
    { backend, threads },
  );
}

describe.each(
  cases.map(
    (fixture) => [JSON.stringify([fixture.type, fixture.inputShape, fixture.options]), fixture] as const,
  ),
)("%s, as Keras computes it", (_, fixture) => {
  test.each(BACKENDS)("build %s", async (backend) => {
    const { y, dx, dw } = await run(fixture, backend);
    const near = (x: readonly number[]) => ({ atol: 3e-6 * Math.max(1, ...x.map(Math.abs)), rtol: 0 });
    expectClose(y, fixture.y, near(fixture.y));
    expectClose(dx[0]!, fixture.dx, near(fixture.dx));
    expect(dw.length).toBe(fixture.dw.length);
    fixture.dw.forEach((values, i) => {
      expectClose(dw[i]!, values, near(values));
    });
  });

  test("the same bits on three threads", async () => {
    expect(await run(fixture, "simd", 3)).toEqual(await run(fixture, "simd"));
  });
});
