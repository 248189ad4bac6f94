import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, type Window, windowOf } from "../support/reference/conv.ts";
import {
  type ConvProblem,
  convBackwardFilter,
  convBackwardInput,
  convForward,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
  PANEL,
} from "../support/spatial-bench.ts";
import { centralDifferences, dot, uniform } from "../support/values.ts";

function problemOf(g: Window, OC: number): ConvProblem {
  return { g, OC, x: uniform(inputSize(g), 1), w: uniform(g.KH * g.KW * g.C * OC, 2) };
}

/** Error bound of a sum of `terms` products of values below 1, see gemm.test.ts. */
function closeness(terms: number, shape: readonly number[]) {
  return { atol: 1e-6 + 3e-8 * terms, rtol: 2e-6, shape };
}

function checkForward(
  b: KernelBench,
  problem: ConvProblem,
  { bias = false, relu = false }: { bias?: boolean; relu?: boolean } = {},
) {
  const { g, OC, x, w } = problem;
  const biases = uniform(OC, 3);
  const y = convForward(b, problem, { relu, ...(bias && { bias: biases }) });
  const expected = conv2d(x, w, g, OC).map((v, i) => {
    const sum = v + (bias ? biases[i % OC]! : 0);
    return relu ? Math.max(0, sum) : sum;
  });
  expectClose(y, expected, closeness(g.KH * g.KW * g.C, outputShape(g, OC)));
}

function checkBackward(b: KernelBench, problem: ConvProblem) {
  const { g, OC, x, w } = problem;
  const dy = uniform(outputSize(g, OC), 5);
  const { dw, dx } = conv2dGradients(x, w, dy, g, OC);
  const outputs = g.batch * g.OH * g.OW;
  expectClose(convBackwardFilter(b, problem, dy), dw, closeness(outputs, [g.KH, g.KW, g.C, OC]));
  const near = closeness(g.KH * g.KW * OC, inputShape(g));
  expectClose(convBackwardInput(b, problem, dy), dx, near);
  if (g.dilationW === 1) expectClose(convBackwardInput(b, problem, dy, true), dx, near);
}

const GEOMETRIES: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["1x1", { H: 5, W: 7, KH: 1 }],
  ["1x1, stride 2", { H: 5, W: 8, KH: 1, strideH: 2 }],
  ["3x3 valid", { H: 7, W: 9, KH: 3 }],
  ["3x3 same", { H: 7, W: 6, KH: 3, padding: "same" }],
  ["3x3 valid, stride 2, cells left over", { H: 8, W: 6, KH: 3, strideH: 2 }],
  ["3x3 same, stride 2, uneven border", { H: 8, W: 6, KH: 3, strideH: 2, padding: "same" }],
  ["3x3 same, stride 3", { H: 7, W: 10, KH: 3, strideH: 3, padding: "same" }],
  ["3x3 valid, stride 1 by 3", { H: 5, W: 11, KH: 3, strideH: 1, strideW: 3 }],
  ["3x3 valid, dilation 2", { H: 7, W: 9, KH: 3, dilationH: 2 }],
  ["3x3 same, dilation 2", { H: 6, W: 7, KH: 3, dilationH: 2, padding: "same" }],
  [
    "3x2 same, dilation 2 by 1, stride 2",
    { H: 9, W: 7, KH: 3, KW: 2, dilationH: 2, dilationW: 1, strideH: 2, padding: "same" },
  ],
  ["5x5 valid", { H: 6, W: 7, KH: 5 }],
  ["5x5 same", { H: 4, W: 6, KH: 5, padding: "same" }],
  ["2x2 same", { H: 5, W: 4, KH: 2, padding: "same" }],
  ["4x2 valid, stride 2", { H: 9, W: 8, KH: 4, KW: 2, strideH: 2 }],
  ["2x4 same, stride 1 by 2", { H: 5, W: 7, KH: 2, KW: 4, strideH: 1, strideW: 2, padding: "same" }],
  ["image of the filter's size", { H: 3, W: 3, KH: 3 }],
  ["1x1 stride 3, cells never read", { H: 8, W: 8, KH: 1, strideH: 3 }],
];
const CHANNELS = [
  [1, 1],
  [1, 16],
  [3, 5],
  [5, 3],
  [16, 17],
  [17, 16],
  [4, 32],
  [32, 9],
] as const;

describeBuilds("conv2d", (bench) => {
  describe.each(GEOMETRIES)("%s", (_, options) => {
    test.each(CHANNELS)("%i -> %i channels", (C, OC) => {
      const problem = problemOf(windowOf({ batch: 2, ...options, C }), OC);
      checkForward(bench(), problem);
      checkForward(bench(), problem, { bias: true, relu: true });
      checkBackward(bench(), problem);
    });
  });

  test("every image width from 1 to 20, every number of channels to 20", () => {
    for (let size = 1; size <= 20; size++) {
      const g = windowOf({ batch: 1, H: 3, W: size, C: size, KH: 3, padding: "same" });
      const problem = problemOf(g, 21 - size);
      checkForward(bench(), problem, { bias: true });
      checkBackward(bench(), problem);
    }
  });

  test("deep and wide: 32 -> 64 channels, more rows than one block of the filter gradient", () => {
    const problem = problemOf(windowOf({ batch: 1, H: 29, W: 12, C: 32, KH: 3 }), 64);
    checkForward(bench(), problem, { bias: true, relu: true });
    checkBackward(bench(), problem);
  });

  test("an image wider than the filter gradient's block of 256 positions", () => {
    const problem = problemOf(windowOf({ batch: 1, H: 4, W: 300, C: 2, KH: 3 }), 5);
    checkForward(bench(), problem);
    checkBackward(bench(), problem);
  });

  test("the filter gradient does not depend on how rows are split", () => {
    const problem = problemOf(windowOf({ batch: 3, H: 9, W: 10, C: 5, KH: 3, padding: "same" }), 19);
    const dy = uniform(outputSize(problem.g, problem.OC), 5);
    const whole = convBackwardFilter(bench(), problem, dy, 64);
    for (const rows of [1, 2, 3, 16, 45]) expectSame(convBackwardFilter(bench(), problem, dy, rows), whole);
  });

  test.each(GEOMETRIES)("central differences: %s", (_, options) => {
    const g = windowOf({ batch: 1, ...options, C: 2 });
    const OC = 3;
    const problem = problemOf(g, OC);
    const { x, w } = problem;
    const dy = uniform(g.OH * g.OW * OC, 5);
    const closeEnough = { atol: 1e-5, rtol: 1e-5 };
    const dw = centralDifferences((v) => dot(conv2d(x, v, g, OC), dy), w, 0.1);
    expectClose(convBackwardFilter(bench(), problem, dy), dw, closeEnough);
    const dx = centralDifferences((v) => dot(conv2d(v, w, g, OC), dy), x, 0.1);
    expectClose(convBackwardInput(bench(), problem, dy), dx, closeEnough);
    if (g.dilationW === 1) expectClose(convBackwardInput(bench(), problem, dy, true), dx, closeEnough);
  });
});

describeBuilds("packing", (bench) => {
  test.each(CHANNELS)("filters of %i -> %i channels, zero-padded", (C, OC) => {
    for (const positions of [1, 6]) {
      const K = positions * C;
      const w = uniform(K * OC, 1);
      const b = bench();
      const panels = Math.ceil(OC / PANEL);
      const forward = b.output(panels * K * PANEL);
      b.run("packFilter", { out: forward, w: b.input(w), K, OC, C }, panels);
      const expected = Float32Array.from({ length: panels * K * PANEL }, (_, i) => {
        const [o, k] = [Math.floor(i / (K * PANEL)) * PANEL + (i % PANEL), Math.floor(i / PANEL) % K];
        return o < OC ? w[k * OC + o]! : 0;
      });
      expectSame(b.read(forward), expected);

      const across = Math.ceil(C / PANEL);
      const transposed = b.output(positions * across * OC * PANEL);
      b.run("packFilterTransposed", { out: transposed, w: b.input(w), K, OC, C }, positions * across);
      const expectedTransposed = Float32Array.from({ length: transposed.length }, (_, i) => {
        const [panel, o] = [Math.floor(i / (OC * PANEL)), Math.floor(i / PANEL) % OC];
        const [position, c] = [Math.floor(panel / across), (panel % across) * PANEL + (i % PANEL)];
        return c < C ? w[(position * C + c) * OC + o]! : 0;
      });
      expectSame(b.read(transposed), expectedTransposed);
    }
  });
});

describeBuilds("pad2d", (bench) => {
  test.each([
    [0, 0, 0, 0],
    [1, 2, 3, 4],
    [0, 1, 0, 0],
    [0, 0, 2, 0],
  ])("top %i, bottom %i, left %i, right %i", (top, bottom, left, right) => {
    for (const C of [1, 3, 4, 5]) {
      const b = bench();
      const [batch, H, W] = [2, 3, 4];
      const [height, width] = [H + top + bottom, W + left + right];
      const x = uniform(batch * H * W * C, 1);
      const out = b.output(batch * height * width * C);
      b.run("pad2d", { out, x: b.input(x), H, W, C, top, bottom, left, right }, batch);
      const expected = new Float32Array(batch * height * width * C);
      for (let n = 0; n < batch; n++)
        for (let i = 0; i < H; i++)
          for (let j = 0; j < W * C; j++)
            expected[((n * height + top + i) * width + left) * C + j] = x[(n * H + i) * W * C + j]!;
      expect(b.read(out)).toEqual(expected);
    }
  });
});
