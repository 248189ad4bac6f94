import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { elements, type Shape } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { dotSamples, dotSession, resultsOf, shifted } from "../support/shifted.ts";

interface Case {
  layer: Record<string, unknown> & { type: string };
  inputs: { shape: number[]; gradient: number[] }[];
  seed: number;
  scale: number;
  parameters: { name: string; shape: number[]; seed: number; gradient: number[] }[];
  shape: number[];
  y: number[];
}

const { count, cases }: { count: number; cases: Case[] } = JSON.parse(
  readFileSync(new URL("../fixtures/layers.json", import.meta.url), "utf8"),
);

const sizeOf = (shape: Shape) => elements(shape);

describe.each(
  cases.map((fixture) => [
    JSON.stringify(fixture.layer),
    fixture.inputs.map(({ shape }) => `(${shape})`).join(" "),
    fixture,
  ]),
)("%s of %s", (_, __, fixture) => {
  const { layer, inputs, seed, scale, parameters } = fixture as Case;
  const shapes = inputs.map(({ shape }) => shape);
  const images = shapes.map((shape, i) => fixtureValues(count * sizeOf(shape), seed + i, scale));
  const build = () => shifted(layersFromConfig({ layers: [{ ...layer, name: "own" }] })[0]!, shapes);

  test.each(BACKENDS)("build %s: values and gradients are Keras's", async (backend) => {
    const net = build();
    expect(net.rows.find(({ name }) => name === "own")!.outputShape).toEqual((fixture as Case).shape);
    const dy = fixtureValues((fixture as Case).y.length, seed + 20, 1);
    const samples = dotSamples(images, shapes, dy, count);
    for (const threads of backend === "simd" ? [1, 3] : [1]) {
      const session = await dotSession(net, count, { backend, threads });
      for (const { parameter, data } of session.weights()) {
        const own = parameters.find(({ name }) => parameter.name === `own/${name}`);
        if (!own) continue;
        expect(parameter.shape).toEqual(own.shape);
        data.set(fixtureValues(data.length, own.seed, 0.5));
      }
      const { y, gradients } = resultsOf(session, samples);
      const tolerance = { atol: 2e-6 * Math.max(1, scale), rtol: 3e-6 };
      expectClose(y, (fixture as Case).y, tolerance);
      inputs.forEach(({ gradient }, i) => {
        expectClose(gradients.get(`in${i}/shift`)!, gradient, tolerance);
      });
      for (const { name, gradient } of parameters)
        expectClose(gradients.get(`own/${name}`)!, gradient, { ...tolerance, atol: 1e-5 });
    }
  });
});
