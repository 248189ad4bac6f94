import { describe, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { conv2d, conv2dGradients, type Window, windowOf } from "../support/reference/conv.ts";
import {
  biasOf,
  type ConvProblem,
  inputShape,
  inputSize,
  outputShape,
  outputSize,
  PANEL,
  pad,
} from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";

function forward(
  b: KernelBench,
  problem: ConvProblem,
  {
    bias,
    relu = false,
    block = 2,
    rotate = false,
  }: {
    bias?: Float32Array;
    relu?: boolean;
    block?: number;
    /** The filter is that of the layer whose input gradient this is. */
    rotate?: boolean;
  } = {},
): Float32Array {
  const { g, OC, w } = problem;
  const panels = tasksOf(OC, PANEL);
  const u = b.output(panels * 16 * g.C * PANEL);
  b.run("winogradFilter", { u, w: b.input(w), C: g.C, OC, rotate: Number(rotate) }, panels);
  const y = b.output(outputSize(g, OC));
  const tiles = Math.ceil(Math.min(block, g.OH) / 2) * Math.ceil(g.OW / 2);
  const { C, OH, OW } = g;
  const args = { y, x: pad(b, problem), u, bias: biasOf(b, bias), relu: Number(relu), C, OH, OW, OC, block };
  b.run("winogradForward", { ...args, H: OH + 2, W: OW + 2 }, g.batch, 64 * tiles * (C + PANEL));
  return b.read(y);
}

function problemOf(options: Parameters<typeof windowOf>[0], OC: number): ConvProblem {
  const g = windowOf({ ...options, KH: 3 });
  return { g, OC, x: uniform(inputSize(g), 1), w: uniform(9 * g.C * OC, 2) };
}

/** The transforms add a few roundings to those of the sum. */
const closeness = (g: Window) => ({ atol: 4e-6 + 1e-7 * g.C * 9, rtol: 4e-6 });

describeBuilds("winograd", (bench) => {
  test("every image size from 3 to 12 and every number of channels", () => {
    for (let size = 3; size <= 12; size++) {
      for (const padding of ["valid", "same"] as const) {
        const problem = problemOf({ batch: 2, H: size, W: 15 - size, C: size - 2, padding }, 2 * size - 3);
        const { g, OC, x, w } = problem;
        const bias = uniform(OC, 3);
        const sums = conv2d(x, w, g, OC).map((v, i) => v + bias[i % OC]!);
        const shape = outputShape(g, OC);
        for (const block of [2, 4, 2 * Math.ceil(g.OH / 2)]) {
          const plain = forward(bench(), problem, { bias, block });
          expectClose(plain, sums, { ...closeness(g), shape });
          const open = sums.map((v) => Math.max(v, 0));
          expectClose(forward(bench(), problem, { bias, block, relu: true }), open, {
            ...closeness(g),
            shape,
          });
        }
      }
    }
  });

  test.each([
    [16, 16],
    [17, 32],
    [32, 33],
    [1, 48],
  ])("%i -> %i channels", (C, OC) => {
    const problem = problemOf({ batch: 2, H: 9, W: 10, C }, OC);
    const expected = conv2d(problem.x, problem.w, problem.g, OC);
    const shape = outputShape(problem.g, OC);
    expectClose(forward(bench(), problem), expected, { ...closeness(problem.g), shape });
  });

  describe("the input gradient, as a convolution with the filter turned around", () => {
    test.each([
      [3, 5],
      [16, 17],
      [4, 16],
    ])("%i -> %i channels", (C, OC) => {
      for (const [H, W] of [
        [6, 7],
        [5, 8],
      ] as const) {
        const g = windowOf({ batch: 2, H, W, C, KH: 3 });
        const [x, w, dy] = [uniform(inputSize(g), 1), uniform(9 * C * OC, 2), uniform(outputSize(g, OC), 3)];
        const { dx } = conv2dGradients(x, w, dy, g, OC);
        // dy[OH, OW, OC] inside a border of 2 -> dx[H, W, C].
        const turned = { ...windowOf({ batch: 2, H: g.OH + 4, W: g.OW + 4, C: OC, KH: 3 }) };
        const bordered = new Float32Array(inputSize(turned));
        for (let n = 0; n < 2; n++)
          for (let i = 0; i < g.OH; i++)
            for (let k = 0; k < g.OW * OC; k++)
              bordered[((n * turned.H + i + 2) * turned.W + 2) * OC + k] =
                dy[(n * g.OH + i) * g.OW * OC + k]!;
        const actual = forward(bench(), { g: turned, OC: C, x: bordered, w }, { rotate: true, block: 4 });
        expectClose(actual, dx, { ...closeness(turned), shape: inputShape(g) });
      }
    });
  });

  test("the result does not depend on the block of rows", () => {
    const problem = problemOf({ batch: 1, H: 13, W: 9, C: 5 }, 19);
    const whole = forward(bench(), problem, { block: 12 });
    for (const block of [2, 4, 6, 8]) expectSame(forward(bench(), problem, { block }), whole);
  });
});
