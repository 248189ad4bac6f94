import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elements, type Shape } from "../../src/compiler/graph.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import {
  activation,
  add,
  average,
  averagePooling1d,
  conv1d,
  conv2d,
  cropping2d,
  dense,
  flatten,
  gaussianDropout,
  gaussianNoise,
  globalAveragePooling1d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  input,
  type Layer,
  maximum,
  maxPooling1d,
  minimum,
  multiply,
  normalization,
  permute,
  prelu,
  relu,
  rescaling,
  reshape,
  softmax,
  spatialDropout2d,
  subtract,
  upSampling2d,
  zeroPadding2d,
} from "../../src/model/layers/index.ts";
import { ACTIVATIONS } from "../../src/model/layers/layer.ts";
import { adam } from "../../src/optim/index.ts";
import { adapt } from "../../src/train/adapt.ts";
import { model } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { strayWrites } from "../support/bounds.ts";
import { expectClose } from "../support/close.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf } from "../support/sessions.ts";
import { dotSamples, dotSession, resultsOf, shifted } from "../support/shifted.ts";
import { expectSlopes } from "../support/slopes.ts";
import { uniform } from "../support/values.ts";

const COUNT = 12;
const SHAPE = [9, 7, 3];
const samples = {
  images: fixtureValues(COUNT * elements(SHAPE), 1, 1),
  shape: SHAPE,
  count: COUNT,
  labels: fixtureLabels(COUNT, 2, 3),
};

const end = () => dense({ units: 3, activation: "softmax" });
/** Chains on images in which each of the layers stands behind and before one that learns. */
const CHAINS: Readonly<Record<string, () => Layer[]>> = {
  "a small autoencoder's way": () => [
    normalization({ mean: [0.1, 0, -0.1], variance: 0.3, inputShape: SHAPE }),
    zeroPadding2d({
      padding: [
        [1, 0],
        [0, 1],
      ],
    }),
    conv2d({ filters: 5, kernelSize: 3, strides: 2, activation: "gelu" }),
    upSampling2d({ size: [2, 3], interpolation: "bilinear" }),
    conv2d({ filters: 3, kernelSize: 2, activation: "hardSwish" }),
    upSampling2d(),
    cropping2d({
      cropping: [
        [1, 2],
        [0, 3],
      ],
    }),
    prelu({ sharedAxes: [1, 2], alphaInitializer: "heNormal" }),
    permute({ dims: [3, 1, 2] }),
    globalMaxPooling2d(),
    end(),
  ],
  "dense along the last axis": () => [
    rescaling({ scale: 1.5, offset: -0.25, inputShape: SHAPE }),
    dense({ units: 5 }),
    prelu({ alphaInitializer: "heNormal" }),
    dense({ units: 4, activation: "mish" }),
    relu({ maxValue: 2, negativeSlope: 0.1 }),
    dense({ units: 3, activation: "softplus" }),
    softmax(),
    flatten(),
    end(),
  ],
  "a sequence": () => [
    reshape({ targetShape: [-1, 7], inputShape: SHAPE }),
    conv1d({ filters: 5, kernelSize: 3, padding: "causal", activation: "silu" }),
    maxPooling1d({ poolSize: 2 }),
    conv1d({ filters: 6, kernelSize: 4, dilationRate: 2, activation: "selu" }),
    averagePooling1d({ poolSize: 3, strides: 1, padding: "same" }),
    globalMaxPooling1d({ keepdims: true }),
    globalAveragePooling1d(),
    end(),
  ],
  noise: () => [
    conv2d({ filters: 5, kernelSize: 3, activation: "relu6", inputShape: SHAPE }),
    spatialDropout2d({ rate: 0.2 }),
    gaussianNoise({ stddev: 0.05 }),
    conv2d({ filters: 4, kernelSize: 3, activation: "softsign" }),
    gaussianDropout({ rate: 0.05 }),
    flatten(),
    end(),
  ],
};

/** A graph in which all merging layers take what broadcasts. */
function branches(): Model {
  const x = input({ shape: SHAPE });
  const a = conv2d({ filters: 5, kernelSize: 3, activation: "tanh", padding: "same" }).apply(x);
  const b = conv2d({ filters: 5, kernelSize: 1, activation: "gelu" }).apply(x);
  const squeezed = globalMaxPooling2d({ keepdims: true }).apply(a);
  const excited = multiply().apply([a, dense({ units: 5, activation: "hardSigmoid" }).apply(squeezed)]);
  const where = conv2d({ filters: 1, kernelSize: 3, padding: "same", activation: "sigmoid" }).apply(b);
  const attended = rescaling({ scale: 3 }).apply(multiply().apply([where, b]));
  const both = average().apply([excited, attended, add().apply([squeezed, where])]);
  const apart = subtract().apply([maximum().apply([both, a]), minimum().apply([b, squeezed, where])]);
  return model({ inputs: x, outputs: end().apply(flatten().apply(apart)) });
}

const NETS: [string, () => Model][] = [
  ...Object.entries(CHAINS).map(([name, layers]): [string, () => Model] => [
    name,
    () => sequential(layers()),
  ]),
  ["branches that broadcast", branches],
];
const NOISY = ["noise"];

describe.each(NETS)("%s", (name, build) => {
  test.each(BACKENDS)("build %s: every gradient is the slope of the loss", async (backend) => {
    if (NOISY.includes(name)) return;
    const session = await sessionOf(build(), { backend, preprocessing: { scale: 1, offset: 0 }, seed: 3 });
    session.trainStep(samples, all(samples));
    expectSlopes(session, samples, all(samples));
  });

  test("learns, to the same bits for 1 and 3 threads, and is the same from its file", async () => {
    const hashes = new Set<string>();
    for (const threads of [1, 3]) {
      const net = build();
      await net.compile({ threads, seed: 5, optimizer: adam({ learningRate: 0.01 }) });
      const { history } = await net.fit(samples, { epochs: 60, batchSize: 5 });
      expect(history.loss!.at(-1)!).toBeLessThan(0.75 * history.loss![0]!);
      hashes.add(await net.weightsSha256());
      if (threads === 1) {
        const { model: again } = await readModel(saveModel(net));
        expect(again.toConfig()).toEqual(net.toConfig());
        await again.compile({ threads: 1 });
        expect(await again.predict(samples)).toEqual(await net.predict(samples));
        again.dispose();
      }
      net.dispose();
    }
    expect(hashes.size).toBe(1);
  });
});

describe.each(Object.entries(CHAINS))("%s", (_, layers) => {
  test.each(BACKENDS)("build %s: calls write only what is theirs", async (backend) => {
    for (const count of [1, 5]) {
      const some = { ...samples, count, images: samples.images.slice(0, count * elements(SHAPE)) };
      const given = { ...some, labels: samples.labels.slice(0, count) };
      expect(await strayWrites(layers(), "train", given, { backend })).toEqual([]);
      expect(await strayWrites(layers(), "predict", given, { backend })).toEqual([]);
    }
  });
});

test.each(ACTIVATIONS)(
  "the activation %s of a convolution, fused or not, and of a dense layer",
  async (kind) => {
    const layers = () => [
      conv2d({ filters: 5, kernelSize: 3, activation: kind, inputShape: SHAPE }),
      activation({ activation: kind }),
      flatten(),
      dense({ units: 3, activation: kind }),
    ];
    const of = async (fuse: boolean) => {
      const session = await sessionOf(layers(), {
        fuse,
        loss: "meanSquaredError",
        preprocessing: { scale: 1, offset: 0 },
      });
      const out = new Float32Array(COUNT * 3);
      session.predictStep(samples, all(samples), out);
      session.trainStep(samples, all(samples));
      return [out, ...[...session.gradients()].map(({ data }) => data.slice())];
    };
    const [fused, plain] = [await of(true), await of(false)];
    fused.forEach((values, i) => {
      expectClose(values, plain[i]!, { atol: 1e-6, rtol: 1e-5 });
    });
  },
);

/** A list of sizes as another has them, some of them 1. */
const withOnes = (shape: Shape) => fc.tuple(...shape.map((size) => fc.constantFrom(1, size)));
const sizes = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 7, 17), { minLength: 1, maxLength: 4 });

/** The place of each of a shape's numbers in another that repeats sizes of 1. */
function placesOf(shape: Shape, own: Shape): number[] {
  const padded = [...Array<number>(shape.length - own.length).fill(1), ...own];
  return Array.from({ length: elements(shape) }, (_, at) => {
    let [place, step, rest] = [0, 1, at];
    for (let k = shape.length - 1; k >= 0; k--) {
      if (padded[k] !== 1) place += (rest % shape[k]!) * step;
      step *= padded[k]!;
      rest = Math.floor(rest / shape[k]!);
    }
    return place;
  });
}

const MERGING = {
  add: { layer: add, f: (x: number, y: number) => x + y, dx: () => 1, dy: () => 1 },
  subtract: { layer: subtract, f: (x: number, y: number) => x - y, dx: () => 1, dy: () => -1 },
  multiply: {
    layer: multiply,
    f: (x: number, y: number) => x * y,
    dx: (_: number, y: number) => y,
    dy: (x: number) => x,
  },
  maximum: {
    layer: maximum,
    f: Math.max,
    dx: (x: number, y: number) => Number(x >= y),
    dy: (x: number, y: number) => Number(x < y),
  },
  minimum: {
    layer: minimum,
    f: Math.min,
    dx: (x: number, y: number) => Number(x <= y),
    dy: (x: number, y: number) => Number(x > y),
  },
};

test.each(Object.entries(MERGING))("%s of any shapes that broadcast", async (_, { layer, f, dx, dy }) => {
  const cases = sizes.chain((shape) =>
    fc.record({
      a: withOnes(shape),
      b: withOnes(shape),
      drop: fc.nat(3),
      backend: fc.constantFrom(...BACKENDS),
      ties: fc.boolean(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ a, b: whole, drop, backend, ties }) => {
      // Leading sizes of 1 may be left out.
      let b: number[] = whole;
      for (let k = 0; k < drop && b.length > 1 && b[0] === 1; k++) b = b.slice(1);
      const shape = a.map((size, i) => Math.max(size, whole[i]!));
      const count = 2;
      const round = (v: number) => (ties ? Math.round(v * 2) / 2 : v);
      const [x, y] = [a, b].map((own, i) => uniform(count * elements(own), i + 1).map(round));
      const n = elements(shape);
      const dz = uniform(count * n, 3);
      const session = await dotSession(shifted(layer(), [a, b]), count, { backend });
      const found = resultsOf(session, dotSamples([x!, y!], [a, b], dz, count));
      const [ofA, ofB] = [placesOf(shape, a), placesOf(shape, b)];
      const z = new Float64Array(count * n);
      const [da, db] = [new Float64Array(elements(a)), new Float64Array(elements(b))];
      for (let s = 0; s < count; s++)
        for (let i = 0; i < n; i++) {
          const [p, q] = [x![s * da.length + ofA[i]!]!, y![s * db.length + ofB[i]!]!];
          z[s * n + i] = f(p, q);
          da[ofA[i]!]! += dz[s * n + i]! * dx(p, q);
          db[ofB[i]!]! += dz[s * n + i]! * dy(p, q);
        }
      expectClose(found.y, z, { atol: 1e-7, rtol: 1e-6 });
      const swapped = ties && (layer === add || layer === multiply);
      expectClose(found.gradients.get("in0/shift")!, da, { atol: swapped ? 1e-4 : 2e-5, rtol: 1e-5 });
      expectClose(found.gradients.get("in1/shift")!, db, { atol: swapped ? 1e-4 : 2e-5, rtol: 1e-5 });
    }),
    { numRuns: 40, seed: 3 },
  );
});

test("permute of up to five axes, and its gradient", async () => {
  const cases = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 7), { minLength: 1, maxLength: 5 }).chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      backend: fc.constantFrom(...BACKENDS),
    }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ shape, order, backend }) => {
      const count = 2;
      const n = elements(shape);
      const [x, dy] = [uniform(count * n, 1), uniform(count * n, 2)];
      const layer = permute({ dims: order.map((axis) => axis + 1) });
      const session = await dotSession(shifted(layer, [shape]), count, { backend });
      const { y, gradients } = resultsOf(session, dotSamples([x], [shape], dy, count));
      const to = order.map((axis) => shape[axis]!);
      const expected = new Float32Array(count * n);
      const dx = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        let rest = i;
        const at = Array<number>(shape.length).fill(0);
        for (let k = to.length - 1; k >= 0; k--) {
          at[order[k]!] = rest % to[k]!;
          rest = Math.floor(rest / to[k]!);
        }
        const from = at.reduce((place, index, k) => place * shape[k]! + index, 0);
        for (let s = 0; s < count; s++) {
          expected[s * n + i] = x[s * n + from]!;
          dx[from]! += dy[s * n + i]!;
        }
      }
      expect(y).toEqual(expected);
      expectClose(gradients.get("in0/shift")!, dx, { atol: 1e-6, rtol: 1e-6 });
    }),
    { numRuns: 60, seed: 4 },
  );
});

test("softmax of sparse images, of zeros and of large numbers sums to 1 at each pixel", async () => {
  const x = uniform(2 * 5 * 3 * 7, 1).map((v, i) => (i % 3 === 0 ? v * 1e4 : 0));
  const session = await dotSession(shifted(softmax(), [[5, 3, 7]]), 2);
  const { y } = resultsOf(session, dotSamples([x], [[5, 3, 7]], x, 2));
  for (let r = 0; r < y.length; r += 7) {
    const row = y.subarray(r, r + 7);
    expect(Math.abs(row.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-6);
  }
});

describe("adapt", () => {
  const bytes = {
    images: Uint8Array.of(0, 255, 51, 102, 102, 0),
    shape: [1, 2],
    count: 3,
    labels: Uint8Array.of(0, 1, 0),
  };

  test("finds mean and variance of each channel, as the model sees them", async () => {
    const { mean, variance } = adapt(bytes);
    expectClose(mean, [0.2, 0.4666666667], { atol: 1e-9, rtol: 0 });
    expectClose(variance, [0.08 / 3, 0.1688888889], { atol: 1e-9, rtol: 0 });
    const raw = adapt(bytes, { preprocessing: { scale: 1, offset: -1 } });
    expectClose(raw.mean, [50, 118], { atol: 1e-9, rtol: 0 });
    const floats = { ...bytes, images: Float32Array.from(bytes.images) };
    expectClose(adapt(floats).mean, [51, 119], { atol: 1e-9, rtol: 0 });
    const net = sequential([
      normalization({ ...adapt(bytes), inputShape: [1, 2] }),
      flatten(),
      dense({ units: 2 }),
    ]);
    expect(net.rows[0]).toMatchObject({ parameters: 4, trained: 0 });
    await net.compile({ threads: 1, loss: "meanSquaredError" });
    const [first] = await net.activations(bytes.images.slice(0, 2));
    expectClose(
      first!.data,
      [(0 - 0.2) / Math.sqrt(0.08 / 3), (1 - 0.4666666667) / Math.sqrt(0.1688888889)],
      {
        atol: 1e-6,
        rtol: 1e-6,
      },
    );
    await net.fit(bytes, { epochs: 2 });
    expectClose(net.getWeights()[0]!.data, mean, { atol: 1e-7, rtol: 1e-7 });
    net.dispose();
  });

  test("tells what are no samples", () => {
    expect(() => adapt({} as never)).toThrow(
      /^adapt: got no samples of one input, expected images, shape and count/,
    );
    expect(() => adapt({ ...bytes, count: 4 })).toThrow("adapt: 6 numbers are no 4 samples of shape (1, 2)");
    expect(() => adapt(bytes, { preprocessing: { scale: Number.MAX_VALUE } })).toThrow(/preprocessing/);
  });
});
