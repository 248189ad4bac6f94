import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, type Tensor, tasksOf } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import { conv2d, conv2dGradients, type Window, windowOf } from "../support/reference/conv.ts";
import { centralDifferences, dot, uniform } from "../support/values.ts";

/** Floats of padding behind a bias: kernels read it in panels of 16. */
const PANEL = 16;

interface Problem {
  readonly g: Window;
  readonly OC: number;
  readonly x: Float32Array;
  readonly w: Float32Array;
}

function problemOf(g: Window, OC: number): Problem {
  const x = uniform(g.batch * g.H * g.W * g.C, 1);
  return { g, OC, x, w: uniform(g.KH * g.KW * g.C * OC, 2) };
}

/** Border sizes: what the windows reach beyond the image at the bottom and right, at least 0. */
function borders(g: Window) {
  const reachH = (g.OH - 1) * g.strideH + (g.KH - 1) * g.dilationH + 1;
  const reachW = (g.OW - 1) * g.strideW + (g.KW - 1) * g.dilationW + 1;
  return {
    top: g.top,
    left: g.left,
    bottom: Math.max(0, reachH - g.top - g.H),
    right: Math.max(0, reachW - g.left - g.W),
  };
}

/** The argument fields that all convolution kernels share; H and W are the padded sizes. */
function shapeArgs({ g, OC }: Problem) {
  const { top, left, bottom, right } = borders(g);
  const { batch, C, OH, OW, KH, KW, strideH, strideW, dilationH, dilationW } = g;
  const [H, W] = [g.H + top + bottom, g.W + left + right];
  const filter = { KH, KW, strideH, strideW, dilationH, dilationW };
  return { batch, H, W, C, OH, OW, OC, ...filter, top, left, cropH: g.H, cropW: g.W, relu: 0, rows: 8 };
}

function pad(bench: KernelBench, { g, x }: Problem): Tensor {
  const border = borders(g);
  const size = (g.H + border.top + border.bottom) * (g.W + border.left + border.right) * g.C;
  const out = bench.output(g.batch * size);
  bench.run("pad2d", { out, x: bench.input(x), H: g.H, W: g.W, C: g.C, ...border }, g.batch);
  return out;
}

function packed(bench: KernelBench, { g, OC, w }: Problem, kernel: "packFilter" | "packFilterTransposed"): Tensor {
  const [positions, C] = [g.KH * g.KW, g.C];
  const transposed = kernel === "packFilterTransposed";
  const panels = transposed ? positions * tasksOf(C, PANEL) : tasksOf(OC, PANEL);
  const out = bench.output(panels * (transposed ? OC : positions * C) * PANEL);
  bench.run(kernel, { out, w: bench.input(w), K: positions * C, OC, C }, panels);
  return out;
}

/** Error bound of a sum of `terms` products of values below 1, see gemm.test.ts. */
function closeness(terms: number, shape: readonly number[]) {
  return { atol: 1e-6 + 3e-8 * terms, rtol: 2e-6, shape };
}

function checkForward(b: KernelBench, problem: Problem, options: { bias?: boolean; relu?: boolean } = {}) {
  const { g, OC, x, w } = problem;
  const shape = [g.batch, g.OH, g.OW, OC];
  const biases = uniform(Math.ceil(OC / PANEL) * PANEL, 3);
  const args = { ...shapeArgs(problem), relu: Number(options.relu ?? false) };
  const y = b.output(g.batch * g.OH * g.OW * OC);
  const inputs = { x: pad(b, problem), w: packed(b, problem, "packFilter") };
  const bias = options.bias ? b.input(biases) : 0;
  const K = g.KH * g.KW * g.C;
  b.run("conv2dForward", { ...args, y, ...inputs, bias }, g.batch, 4 * g.OW * K);
  const expected = conv2d(x, w, g, OC).map((v, i) => {
    const sum = v + (options.bias ? biases[i % OC]! : 0);
    return options.relu ? Math.max(0, sum) : sum;
  });
  expectClose(b.read(y), expected, closeness(K, shape));
}

function backwardFilter(b: KernelBench, problem: Problem, dy: Float32Array, rows = 8): Float32Array {
  const { g, OC } = problem;
  const K = g.KH * g.KW * g.C;
  const dw = b.output(K * OC);
  const args = { ...shapeArgs(problem), rows, bias: 0 };
  b.run(
    "conv2dBackwardFilter",
    { ...args, y: b.input(dy), x: pad(b, problem), w: dw },
    tasksOf(K, rows),
    4 * 16384,
  );
  return b.read(dw);
}

function backwardInput(b: KernelBench, problem: Problem, dy: Float32Array): Float32Array {
  const { g } = problem;
  const args = shapeArgs(problem);
  const dx = b.output(g.batch * g.H * g.W * g.C);
  const w = packed(b, problem, "packFilterTransposed");
  const crop = args.H !== g.H || args.W !== g.W;
  b.run(
    "conv2dBackwardInput",
    { ...args, y: b.input(dy), x: dx, w, bias: 0 },
    g.batch,
    crop ? 4 * args.H * args.W * g.C : 0,
  );
  return b.read(dx);
}

function checkBackward(b: KernelBench, problem: Problem) {
  const { g, OC, x, w } = problem;
  const outputs = g.batch * g.OH * g.OW;
  const dy = uniform(outputs * OC, 5);
  const { dw, dx } = conv2dGradients(x, w, dy, g, OC);
  expectClose(backwardFilter(b, problem, dy), dw, closeness(outputs, [g.KH, g.KW, g.C, OC]));
  expectClose(
    backwardInput(b, problem, dy),
    dx,
    closeness(g.KH * g.KW * OC, [g.batch, g.H, g.W, g.C]),
  );
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
  ["3x2 same, dilation 2 by 1, stride 2", { H: 9, W: 7, KH: 3, KW: 2, dilationH: 2, dilationW: 1, strideH: 2, padding: "same" }],
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
    const problem = problemOf(windowOf({ batch: 2, H: 24, W: 23, C: 32, KH: 3 }), 64);
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
    const dy = uniform(problem.g.batch * problem.g.OH * problem.g.OW * problem.OC, 5);
    const whole = backwardFilter(bench(), problem, dy, 64);
    for (const rows of [1, 2, 3, 16, 45]) expect(backwardFilter(bench(), problem, dy, rows)).toEqual(whole);
  });

  test.each(GEOMETRIES)("central differences: %s", (_, options) => {
    const g = windowOf({ batch: 1, ...options, C: 2 });
    const OC = 3;
    const problem = problemOf(g, OC);
    const { x, w } = problem;
    const dy = uniform(g.OH * g.OW * OC, 5);
    const closeEnough = { atol: 1e-5, rtol: 1e-5 };
    const dw = centralDifferences((v) => dot(conv2d(x, v, g, OC), dy), w, 0.1);
    expectClose(backwardFilter(bench(), problem, dy), dw, closeEnough);
    const dx = centralDifferences((v) => dot(conv2d(v, w, g, OC), dy), x, 0.1);
    expectClose(backwardInput(bench(), problem, dy), dx, closeEnough);
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
