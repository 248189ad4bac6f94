import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import {
  conv2d,
  cutMix,
  dense,
  flatten,
  LAYERS,
  type Layer,
  mixUp,
  randomBrightness,
  randomContrast,
  randomCrop,
  randomErasing,
  randomFlip,
  randomRotation,
  randomTranslation,
  randomZoom,
} from "../../src/model/layers/index.ts";
import { makeLayer } from "../../src/model/layers/layer.ts";
import { defineLayer } from "../../src/model/layers/own.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { sequential } from "../../src/train/sequential.ts";
import { expectClose } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { all, modelOf, outputsOf, sessionOf, type TestSessionOptions } from "../support/sessions.ts";

interface Fixture {
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly batch: number;
  readonly inputShape: readonly number[];
  readonly seed: number;
  readonly outputShape: readonly number[];
  readonly y: readonly number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/layers/augmentation.json", import.meta.url), "utf8"),
) as { cases: Fixture[] };

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** Numbers from 0 to 1. */
const pixels = (count: number, seed: number) => fixtureValues(count, seed, 0.5).map((v) => v + 0.5);

/** flatten(), of a model that has something to train. */
const flat = defineLayer({
  type: "flatForTest",
  lower(graph, name, [value]) {
    graph.parameter(`${name}/unused`, [1], "zeros");
    return graph.op("reshape", name, [value!], {}, [size(value!.shape)]);
  },
});

interface Step {
  readonly y: Float32Array;
  readonly targets: Float32Array;
}

/** What the layers make of images in some steps of training, and what becomes of the targets. */
async function trained(
  layers: readonly Layer[],
  shape: readonly number[],
  images: Float32Array,
  { steps = 1, targets, ...options }: TestSessionOptions & { steps?: number; targets?: Float32Array } = {},
): Promise<Step[]> {
  const count = images.length / size(shape);
  const seen: Step[] = [];
  const [first, ...rest] = layers;
  const session = await sessionOf(
    [makeLayer(LAYERS[first!.type]!, { ...first!.config, inputShape: shape }), ...rest, flat()],
    {
      metrics: [],
      loss: {
        name: "seen",
        takes: "numbers",
        compute: (batch) => void seen.push({ y: batch.outputs.slice(), targets: batch.targets.slice() }),
      },
      ...options,
    },
  );
  const cols = session.graph.outputs[0]!.shape[0]!;
  const samples = { images, shape, count, targets: targets ?? new Float32Array(count * cols) };
  for (let step = 0; step < steps; step++) session.trainStep(samples, all(samples));
  return seen;
}

describe.each(cases.map((c) => [JSON.stringify([c.type, c.inputShape, c.options]), c] as const))(
  "%s, as Keras computes it",
  (_, { type, options, batch, inputShape, seed, y }) => {
    test.each(BACKENDS)("build %s", async (backend) => {
      const images = pixels(batch * size(inputShape), seed);
      const [step] = await trained([makeLayer(LAYERS[type]!, options)], inputShape, images, { backend });
      expectClose(step!.y, y, { atol: 2e-5, rtol: 0 });
    });
  },
);

const SHAPE = [6, 5, 2];
const COUNT = 12;
const IMAGES = pixels(COUNT * size(SHAPE), 3);
const imageOf = (values: Float32Array, n: number, length = size(SHAPE)) =>
  values.subarray(n * length, (n + 1) * length);

const EVERY: readonly Layer[] = [
  randomFlip(),
  randomTranslation({ heightFactor: 0.3, widthFactor: 0.3 }),
  randomRotation({ factor: 0.2 }),
  randomZoom({ heightFactor: 0.3 }),
  randomCrop({ height: 4, width: 3 }),
  randomContrast({ factor: 0.5 }),
  randomBrightness({ factor: 0.3 }),
  randomErasing(),
  mixUp(),
  cutMix(),
];

describe.each(EVERY.map((layer) => [layer.type, layer] as const))("%s", (_, layer) => {
  test("draws anew in each step and by the seed alone: the same for any number of threads", async () => {
    const options = { steps: 3 };
    const steps = await trained([layer], SHAPE, IMAGES, options);
    expect(steps[1]!.y).not.toEqual(steps[0]!.y);
    expect(steps[2]!.y).not.toEqual(steps[1]!.y);
    expect(await trained([layer], SHAPE, IMAGES, { ...options, threads: 3 })).toEqual(steps);
    expect(await trained([layer], SHAPE, IMAGES, { ...options, seed: 2 })).not.toEqual(steps);
    const scalar = await trained([layer], SHAPE, IMAGES, { ...options, backend: "scalar" });
    expect(scalar).toEqual(steps);
  });

  test("leaves images alone outside of training, but for a crop, which takes the middle", async () => {
    const net = [makeLayer(LAYERS[layer.type]!, { ...layer.config, inputShape: SHAPE }), flat()];
    const session = await sessionOf(net, { loss: "meanSquaredError", metrics: [] });
    const samples = { images: IMAGES, shape: SHAPE, count: COUNT };
    const expected =
      layer.type === "randomCrop"
        ? Float32Array.from({ length: COUNT * 24 }, (_, i) => {
            const [n, row, column, k] = [
              Math.floor(i / 24),
              Math.floor(i / 6) % 4,
              Math.floor(i / 2) % 3,
              i % 2,
            ];
            return IMAGES[n * 60 + (row + 1) * 10 + (column + 1) * 2 + k]!;
          })
        : IMAGES;
    expect(outputsOf(session, samples)).toEqual(expected);
  });

  test("stands before what is trained", async () => {
    const [first, second] = [
      conv2d({ filters: 2, kernelSize: 1, inputShape: SHAPE }),
      makeLayer(LAYERS[layer.type]!, { ...layer.config, name: "later" }),
    ];
    const model = await modelOf([first, second, flatten(), dense({ units: 2, activation: "softmax" })]);
    const samples = { images: IMAGES, shape: SHAPE, count: COUNT, labels: new Uint8Array(COUNT) };
    await expect(model.fit(samples)).rejects.toThrow(
      "layer 'later': changes images before anything is trained: put it before layers with weights",
    );
  });
});

test("flips are exact, and each kind comes about", async () => {
  const [H, W, C] = SHAPE as [number, number, number];
  const flipped = (n: number, rows: boolean, columns: boolean) =>
    Float32Array.from({ length: size(SHAPE) }, (_, i) => {
      const [r, q, k] = [Math.floor(i / (W * C)), Math.floor(i / C) % W, i % C];
      return imageOf(IMAGES, n)[((rows ? H - 1 - r : r) * W + (columns ? W - 1 - q : q)) * C + k]!;
    });
  const kinds = [false, true].flatMap((rows) => [false, true].map((columns) => [rows, columns] as const));
  const counts = kinds.map(() => 0);
  for (const { y } of await trained([randomFlip()], SHAPE, IMAGES, { steps: 8 }))
    for (let n = 0; n < COUNT; n++) {
      const kind = kinds.findIndex(([r, c]) => imageOf(y, n).join() === flipped(n, r, c).join());
      expect(kind).toBeGreaterThanOrEqual(0);
      counts[kind]!++;
    }
  // 96 of them: 24 of each expected.
  for (const count of counts) expect(count).toBeGreaterThan(10);
  const rows = await trained([randomFlip({ mode: "horizontal" })], SHAPE, IMAGES, { steps: 4 });
  for (const { y } of rows)
    for (let n = 0; n < COUNT; n++)
      expect([flipped(n, false, false).join(), flipped(n, false, true).join()]).toContain(
        imageOf(y, n).join(),
      );
});

test("a crop is a part of the image, and each place comes about", async () => {
  const places = new Set<string>();
  const [height, width] = [4, 3];
  for (const { y } of await trained([randomCrop({ height, width })], SHAPE, IMAGES, { steps: 12 }))
    for (let n = 0; n < COUNT; n++) {
      const got = imageOf(y, n, height * width * 2).join();
      const found = [0, 1, 2].flatMap((top) =>
        [0, 1, 2]
          .filter((left) => {
            const part = Array.from({ length: height }, (_, r) =>
              [
                ...imageOf(IMAGES, n).subarray(
                  (top + r) * 10 + left * 2,
                  (top + r) * 10 + (left + width) * 2,
                ),
              ].join(),
            );
            return part.join() === got;
          })
          .map((left) => `${top} ${left}`),
      );
      expect(found).toHaveLength(1);
      places.add(found[0]!);
    }
  expect(places.size).toBe(9);
});

test("contrast moves each channel from its mean by one factor of the range", async () => {
  const factors: number[] = [];
  const layer = randomContrast({ factor: [0.5, 0.25], valueRange: [-9, 9] });
  for (const { y } of await trained([layer], SHAPE, IMAGES, { steps: 4 }))
    for (let n = 0; n < COUNT; n++) {
      const [before, after] = [imageOf(IMAGES, n), imageOf(y, n)];
      const ratios = [0, 1].flatMap((k) => {
        const own = before.filter((_, i) => i % 2 === k);
        const mean = own.reduce((a, b) => a + b, 0) / own.length;
        return [...after.filter((_, i) => i % 2 === k)].map((v, i) => [own[i]! - mean, v - mean] as const);
      });
      const [x, z] = ratios.toSorted(([a], [b]) => Math.abs(b) - Math.abs(a))[0]!;
      for (const [from, to] of ratios) expect(to).toBeCloseTo((from * z) / x, 5);
      factors.push(z / x);
    }
  expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.5 - 1e-5);
  expect(Math.max(...factors)).toBeLessThanOrEqual(1.25 + 1e-5);
  expect(Math.max(...factors) - Math.min(...factors)).toBeGreaterThan(0.5);
});

test("erasing fills a rectangle of the share that is asked for, with a value or noise", async () => {
  const shape = [20, 20, 1];
  const images = pixels(32 * 400, 5);
  const always = { factor: [1, 1] as const, scale: [0.25, 0.25] as const };
  const [filled] = await trained([randomErasing({ ...always, fillValue: 0.5 })], shape, images);
  const [noisy] = await trained([randomErasing(always)], shape, images);
  for (let n = 0; n < 32; n++) {
    const changed = [...imageOf(filled!.y, n, 400)].flatMap((v, i) =>
      v === imageOf(images, n, 400)[i] ? [] : [i],
    );
    const rows = changed.map((i) => Math.floor(i / 20));
    const columns = changed.map((i) => i % 20);
    const span = (all: number[]) => Math.max(...all) - Math.min(...all) + 1;
    expect(span(rows) * span(columns)).toBe(changed.length);
    expect(changed.length).toBe(100);
    for (const i of changed) expect(imageOf(filled!.y, n, 400)[i]).toBe(0.5);
    const noise = changed.map((i) => imageOf(noisy!.y, n, 400)[i]!);
    expect(new Set(noise).size).toBeGreaterThan(20);
    expect(Math.min(...noise)).toBe(0);
  }
  const [some] = await trained([randomErasing({ factor: [0.5, 0.5], fillValue: 0 })], shape, images);
  const erased = Array.from({ length: 32 }, (_, n) => imageOf(some!.y, n, 400).includes(0)).filter(
    Boolean,
  ).length;
  expect(erased).toBeGreaterThan(6);
  expect(erased).toBeLessThan(26);
});

describe("mixing", () => {
  const LABELS = Float32Array.from({ length: COUNT * 60 }, (_, i) => Number(Math.floor(i / 60) === i % 60));

  test("mixes targets as it mixes images", async () => {
    for (const { y, targets } of await trained([mixUp({ alpha: 1 })], SHAPE, IMAGES, {
      steps: 3,
      targets: LABELS,
    }))
      for (let n = 0; n < COUNT; n++) {
        const weights = imageOf(targets, n);
        expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
        const mixed = new Float32Array(60);
        for (let other = 0; other < COUNT; other++)
          for (let i = 0; i < 60; i++) mixed[i]! += weights[other]! * imageOf(IMAGES, other)[i]!;
        expectClose(imageOf(y, n), mixed, { atol: 1e-6, rtol: 0 });
      }
  });

  test("cuts rectangles out of others, and weighs targets by their area", async () => {
    const shape = [16, 16, 1];
    const images = pixels(COUNT * 256, 8);
    const targets = Float32Array.from({ length: COUNT * 256 }, (_, i) =>
      Number(Math.floor(i / 256) === i % 256),
    );
    let cut = 0;
    for (const step of await trained([cutMix()], shape, images, { steps: 4, targets }))
      for (let n = 0; n < COUNT; n++) {
        const weights = imageOf(step.targets, n, 256);
        const own = weights[n]!;
        const other = weights.findIndex((weight, i) => i !== n && weight > 0);
        const changed = [...imageOf(step.y, n, 256)].flatMap((v, i) =>
          v === imageOf(images, n, 256)[i] ? [] : [i],
        );
        for (const i of changed) expect(imageOf(step.y, n, 256)[i]).toBe(imageOf(images, other, 256)[i]);
        if (own === 1) expect(changed).toEqual([]);
        // The area of whole pixels differs from the rectangle's by less than its rim.
        else expect(Math.abs(changed.length / 256 - (1 - own))).toBeLessThan(34 / 256);
        cut += Number(changed.length > 0);
      }
    expect(cut).toBeGreaterThan(20);
  });

  test("weights follow the beta distribution: mean 1/2, and of alpha 0.2 mostly near 0 or 1", async () => {
    const weights = async (alpha: number) => {
      const shape = [1, 1, 1];
      const images = pixels(64, 9);
      const targets = Float32Array.from({ length: 64 }, (_, i) => i + 1);
      // One number each: the image and the target tell the weight.
      const steps = await trained([mixUp({ alpha })], shape, images, { steps: 40, targets });
      return steps.flatMap(({ y }) => [...y]);
    };
    const spread = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    };
    const plain = spread([...pixels(64, 9)]);
    // Of weights w from beta(a, a): E[w^2 + (1 - w)^2] = (a + 1) / (2 a + 1).
    for (const alpha of [0.2, 1, 4])
      expect(spread(await weights(alpha)) / plain).toBeCloseTo((alpha + 1) / (2 * alpha + 1), 1);
  });
});

test("trains: a net learns from moved images, and is saved and loaded with its layers", async () => {
  const layers = [
    randomTranslation({ heightFactor: 0.1, widthFactor: 0.1, fillMode: "constant", inputShape: [8, 8, 1] }),
    mixUp(),
    conv2d({ filters: 4, kernelSize: 3, activation: "relu" }),
    flatten(),
    dense({ units: 2, activation: "softmax" }),
  ];
  const model = await modelOf(layers, { seed: 3 });
  const count = 64;
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const images = Float32Array.from({ length: count * 64 }, (_, i) =>
    Number(Math.floor(i / 64) % 2 === Number(i % 8 > 3)),
  );
  const samples = { images, labels, shape: [8, 8, 1], count };
  const { history } = await model.fit(samples, { epochs: 20 });
  expect((await model.evaluate(samples)).accuracy).toBe(1);
  expect(history.loss.at(-1)!).toBeLessThan(history.loss[0]!);
  expect(sequential(layersFromConfig(model.toConfig())).toConfig()).toEqual(model.toConfig());
});
