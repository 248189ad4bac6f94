import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { profileText } from "../../src/cli/commands/profile.ts";
import { Tensor } from "../../src/compiler/tensor.ts";
import { bytesMoved } from "../../src/compiler/traffic.ts";
import { BACKENDS, Engine } from "../../src/engine/engine.ts";
import { measureBandwidth, measurePeak } from "../../src/engine/peak.ts";
import { conv2d, dense, flatten, type Layer, maxPooling2d } from "../../src/model/layers/index.ts";
import { namedModel } from "../../src/model/models.ts";
import { type Profile, profile } from "../../src/train/profile.ts";
import type { Samples } from "../../src/train/samples.ts";
import { type Sequential, sequential } from "../../src/train/sequential.ts";

const BATCH = 3;
const QUICK = { batchSize: BATCH, repetitions: 2, warmUpMilliseconds: 0 };

/** More samples than a step takes, and no multiple of it: batches wrap around. */
function samplesOf(shape: readonly number[]): Samples {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    images: Uint8Array.from({ length: 7 * size }, (_, i) => (i * i + 11 * i) % 251),
    labels: Uint8Array.from([3, 1, 4, 1, 5, 9, 2]),
    shape,
    count: 7,
  };
}

async function compiled(layers: Layer[]): Promise<Sequential> {
  const model = sequential(layers);
  await model.compile({ threads: 1 });
  return model;
}

/** The sum over a layer's calls in a phase: which calls it takes is the planner's business. */
function flopsOf({ rows }: Profile, phase: string, layer: string): number {
  return rows.filter((r) => r.phase === phase && r.layer === layer).reduce((sum, r) => sum + r.flops, 0);
}

describe("profile of the seed CNN", () => {
  let model: Sequential;
  let training: Profile;

  beforeAll(async () => {
    model = await compiled(namedModel("keras-mnist", [28, 28, 1], 10));
    training = await profile(model.session, samplesOf([28, 28, 1]), { ...QUICK, mode: "train" });
  });
  afterAll(() => model.dispose());

  test("has a row for every call of the plan, in order", () => {
    const { plan } = model.session.plan({
      batch: BATCH,
      mode: "train",
      inputs: ["bytes"],
      targets: ["labels"],
    });
    expect(training.rows.map((row) => row.kernel)).toEqual(plan.calls.map((call) => call.kernel));
    expect(new Set(training.rows.map((row) => row.phase))).toEqual(
      new Set(["input", "forward", "loss", "backward", "update"]),
    );
    for (const row of training.rows) {
      expect(row.microseconds).toBeGreaterThanOrEqual(0);
      expect(row.tasks).toBeGreaterThan(0);
      expect(row.bytes).toBeGreaterThanOrEqual(0);
    }
  });

  test.each([
    // Two for a multiplication and an addition; images, output positions, filters, and the patch each of them reads.
    ["forward", "conv2d", 2 * BATCH * 26 * 26 * 32 * (3 * 3 * 1)],
    ["forward", "conv2d_1", 2 * BATCH * 11 * 11 * 64 * (3 * 3 * 32)],
    ["forward", "dense", 2 * BATCH * 1600 * 64],
    ["forward", "dense_1", 2 * BATCH * 64 * 10],
    // The gradient of the filter, and of the input where there is something before it to train.
    ["backward", "conv2d", 2 * BATCH * 26 * 26 * 32 * 9],
    ["backward", "conv2d_1", 2 * 2 * BATCH * 11 * 11 * 64 * 288],
    ["backward", "dense", 2 * 2 * BATCH * 1600 * 64],
    ["backward", "dense_1", 2 * 2 * BATCH * 64 * 10],
  ])("counts the FLOP of %s %s by the layer's definition", (phase, layer, flops) => {
    expect(flopsOf(training, phase, layer)).toBe(flops);
  });

  test("counts the optimizer's bytes: w, g, m and v read, w, m and v written", () => {
    const adam = training.rows.find((row) => row.kernel === "adam");
    // 121,930 parameters, and the gaps that put each on a cache line of its own.
    expect(adam?.bytes).toBe(7 * 4 * model.session.length);
    expect(model.session.length).toBeGreaterThanOrEqual(121_930);
  });

  test("divides by the measured peak", () => {
    expect(training.peakGflops).toBeGreaterThan(0);
    for (const { flops, microseconds, gflops, peakShare } of training.rows) {
      if (flops === 0) expect([gflops, peakShare]).toEqual([null, null]);
      else if (microseconds > 0) {
        expect(gflops).toBeCloseTo(flops / microseconds / 1000, 6);
        expect(peakShare).toBeCloseTo(gflops! / training.peakGflops, 6);
      }
    }
    expect(training.bandwidth).toBeGreaterThan(0);
    for (const { bytes, microseconds, bandwidthShare } of training.rows)
      if (microseconds > 0)
        expect(bandwidthShare).toBeCloseTo(bytes / (1000 * microseconds) / training.bandwidth, 6);
    expect(training.imagesPerSecond).toBeCloseTo((BATCH / training.stepMicroseconds) * 1e6, 3);
  });

  test("of inference has the forward pass alone", async () => {
    const { rows, mode } = await profile(model.session, samplesOf([28, 28, 1]), {
      ...QUICK,
      mode: "predict",
    });
    expect(mode).toBe("predict");
    expect(new Set(rows.map((row) => row.phase))).toEqual(new Set(["input", "forward"]));
    expect(rows.some((row) => row.kernel === "softmaxForward")).toBe(true);
  });
});

test("a step run call by call is the step run whole, bit by bit", async () => {
  const layers = () => [
    conv2d({ filters: 5, kernelSize: 3, activation: "relu", inputShape: [9, 8, 2] }),
    maxPooling2d({ poolSize: 2 }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ];
  const samples = samplesOf([9, 8, 2]);
  const [profiled, plain] = [await compiled(layers()), await compiled(layers())];
  await profile(profiled.session, samples, { ...QUICK, mode: "train" });
  // The first batch is only loaded; then each repetition takes one call by call and one whole.
  for (let step = 1; step <= 2 * QUICK.repetitions; step++) {
    const batch = Uint32Array.from({ length: BATCH }, (_, i) => (step * BATCH + i) % samples.count);
    plain.session.trainStep(samples, batch);
  }
  expect(await profiled.weightsSha256()).toBe(await plain.weightsSha256());
  profiled.dispose();
  plain.dispose();
});

test("bytes: tensors by their size, parameters by theirs, what is updated in place twice", () => {
  const x = new Tensor(400);
  const product = { M: 1, N: 1, K: 1, transA: 0, transB: 0, beta: 0, relu: 0, rows: 1, cols: 16 };
  const parameters = new Map([
    [4096, 1000],
    [8192, 60],
  ]);
  expect(bytesMoved("gemm", { ...product, c: x, a: x, b: 4096, bias: 8192 }, parameters)).toBe(1860);
  expect(bytesMoved("gemm", { ...product, c: x, a: x, b: 4096, bias: 0 }, parameters)).toBe(1800);
  expect(bytesMoved("addInto", { y: x, x: new Tensor(400), n: 100, grain: 8 }, parameters)).toBe(1200);
  const sgd = { w: 4096, g: 5120, state: 6144, n: 50, nesterov: 0, weightDecay: 0, grain: 8 };
  expect(bytesMoved("sgd", { ...sgd, m: 0, momentum: 0 }, parameters)).toBe(600);
  expect(bytesMoved("sgd", { ...sgd, m: 7168, momentum: 0.9 }, parameters)).toBe(1000);
  // Moving statistics of 15 channels are moved, gamma and beta read.
  const channels = new Map([4096, 5120, 6144, 7168].map((pointer) => [pointer, 60]));
  const norm = { gamma: 4096, beta: 5120, movingMean: 6144, movingVariance: 7168 };
  const numbers = { rows: 8, C: 15, grain: 8, epsilon: 1e-3, oneMinusMomentum: 0.01 };
  const tensors = { constants: new Tensor(300), partials: new Tensor(240) };
  expect(bytesMoved("batchNormConstants", { ...tensors, ...norm, ...numbers }, channels)).toBe(900);
  // 5 of the 25 columns of one tensor become the 5 of another.
  const columns = { rows: 4, cols: 5, outCols: 5, at: 0, xCols: 25, from: 3, grain: 4 };
  expect(bytesMoved("copyColumns", { out: new Tensor(80), x, ...columns }, parameters)).toBe(160);
});

test("the text has a line for each call, in columns", () => {
  const row = {
    phase: "forward",
    layer: "conv2d",
    kernel: "conv2dForward",
    algorithm: "patches in place",
    shapes: "32 x 28x28x1 -> 26x26x32, filter 3x3",
    tasks: 32,
    flops: 12_460_032,
    bytes: 2_050_048,
    microseconds: 500,
    gflops: 24.9,
    peakShare: 0.498,
    bandwidthShare: 0.41,
  } as const;
  const text = profileText({
    backend: "simd",
    threads: 1,
    mode: "train",
    batchSize: 32,
    repetitions: 9,
    peakGflops: 50,
    bandwidth: 10,
    rows: [
      row,
      {
        ...row,
        phase: "update",
        kernel: "adam",
        algorithm: "",
        flops: 0,
        microseconds: 1500,
        gflops: null,
        peakShare: null,
      },
    ],
    loadMicroseconds: 10,
    stepMicroseconds: 2100,
    imagesPerSecond: 15_238,
  });
  const lines = text.split("\n");
  const header = lines.findIndex((line) => line.startsWith("phase"));
  const [head, first, second] = lines.slice(header, header + 3) as [string, string, string];
  for (const cell of ["12.46", "500.0", "25.0", "24.9", "50 %", "4.1", "41 %"]) expect(first).toContain(cell);
  expect(first.indexOf("conv2dForward")).toBe(head.indexOf("kernel"));
  expect(second.indexOf("adam")).toBe(head.indexOf("kernel"));
  expect(text).toContain("forward 500 us (25.0 %), update 1,500 us (75.0 %)");
  expect(text).toContain("They compute 6.2 GFLOP/s and move 3.9 MiB, 2.1 GB/s.");
  expect(text).toContain("15,238 images/s");
});

test("what memory gives is a number", () => {
  expect(measureBandwidth({ milliseconds: 1 })).toBeGreaterThan(0);
});

test.each(BACKENDS)("the peak of the %s build is a number", async (backend) => {
  const engine = await Engine.create({ backend, threads: 1 });
  const { gflops } = measurePeak(engine, { milliseconds: 1 });
  expect(gflops).toBeGreaterThan(0);
  expect(gflops).toBeLessThan(Number.POSITIVE_INFINITY);
  engine.dispose();
});
