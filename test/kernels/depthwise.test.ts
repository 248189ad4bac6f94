import { describe, expect, test } from "vitest";
import { inPlanes, planesScratch } from "../../src/engine/abi.ts";
import { describeAll, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { type Window, windowOf } from "../support/reference/conv.ts";
import { biasOf, inputSize, outputShape, outputSize } from "../support/spatial-bench.ts";
import { uniform } from "../support/values.ts";

// Depthwise convolutions of both ways of assembly/further/ against their formula in f64.

interface Problem {
  readonly g: Window;
  readonly x: ArrayLike<number>;
  readonly w: ArrayLike<number>;
  readonly bias?: ArrayLike<number>;
  readonly relu?: 0 | 1 | 2;
  /** Output rows, and channels, in a task. */
  readonly grain?: number;
  readonly channels?: number;
}

function problemOf(g: Window, rest: Partial<Problem> = {}): Problem {
  return { g, x: uniform(inputSize(g), 1), w: uniform(g.KH * g.KW * g.C, 2), ...rest };
}

/** The formula, of filters of one output a channel. Zeros around the image are numbers like others. */
function reference({ g, x, w, bias, relu = 0 }: Problem): Float64Array {
  const { C } = g;
  const y = new Float64Array(outputSize(g));
  for (let at = 0; at < y.length; at++) {
    const c = at % C;
    const j = Math.floor(at / C) % g.OW;
    const i = Math.floor(at / C / g.OW) % g.OH;
    const n = Math.floor(at / C / g.OW / g.OH);
    let sum = bias ? bias[c]! : 0;
    for (let r = 0; r < g.KH; r++)
      for (let q = 0; q < g.KW; q++) {
        const [row, column] = [
          i * g.strideH + r * g.dilationH - g.top,
          j * g.strideW + q * g.dilationW - g.left,
        ];
        const inside = row >= 0 && row < g.H && column >= 0 && column < g.W;
        if (inside) sum += x[((n * g.H + row) * g.W + column) * C + c]! * w[(r * g.KW + q) * C + c]!;
      }
    if (relu) sum = Number.isNaN(sum) ? sum : Math.max(0, sum);
    y[at] = relu === 2 && sum > 6 ? 6 : sum;
  }
  return y;
}

function forward(b: KernelBench, problem: Problem): Float32Array {
  const { g, x, w, bias, relu = 0, grain = g.OH, channels = g.C } = problem;
  const { KW, KH, OW, OH, strideH, strideW, dilationH, dilationW, left, C } = g;
  const y = b.output(outputSize(g));
  const planes = inPlanes(KW, strideW, Math.max(dilationH, dilationW), 1, left);
  const args = { ...g, y, x: b.input(x), w: b.input(w), bias: biasOf(b, bias), multiplier: 1 };
  b.run(
    "depthwiseForward",
    { ...args, relu, grain, channels },
    g.batch * tasksOf(OH, grain) * tasksOf(C, channels),
    planes ? planesScratch(OW, KH, KW, strideH, strideW, grain) : 0,
  );
  return b.read(y);
}

function check(b: () => KernelBench, problem: Problem): void {
  const { g } = problem;
  const expected = reference(problem);
  expectClose(forward(b(), problem), expected, { atol: 4e-6, rtol: 4e-6, shape: outputShape(g) });
}

const WINDOWS: readonly (readonly [string, Parameters<typeof windowOf>[0]])[] = [
  ["3x3", { H: 6, W: 9, KH: 3 }],
  ["3x3, same", { H: 7, W: 5, KH: 3, padding: "same" }],
  ["3x3, strides 2, even", { H: 8, W: 6, KH: 3, strideH: 2, padding: "same" }],
  ["3x3, strides 2, odd", { H: 7, W: 9, KH: 3, strideH: 2, padding: "same" }],
  ["3x3, strides 2, cells that no output reads", { H: 8, W: 10, KH: 3, strideH: 2 }],
  ["3x3, strides 3 by 2", { H: 11, W: 10, KH: 3, strideH: 3, strideW: 2, padding: "same" }],
  ["5x5", { H: 7, W: 8, KH: 5 }],
  ["5x5, same, of fewer cells", { H: 2, W: 3, KH: 5, padding: "same" }],
  ["5x5, strides 2", { H: 9, W: 8, KH: 5, strideH: 2, padding: "same" }],
  ["1x3 and 4x5", { H: 6, W: 7, KH: 1, KW: 3, padding: "same" }],
  ["4x5, strides 1 by 2", { H: 6, W: 7, KH: 4, KW: 5, strideH: 1, strideW: 2, padding: "same" }],
  ["more rows than a band", { H: 70, W: 40, KH: 3, padding: "same" }],
  ["more rows than a band, strides 2", { H: 61, W: 60, KH: 5, strideH: 2, padding: "same" }],
  ["not in planes: 7x7", { H: 9, W: 8, KH: 7, padding: "same" }],
  ["not in planes: strides 3", { H: 9, W: 8, KH: 3, strideH: 3 }],
  ["not in planes: dilated", { H: 9, W: 8, KH: 3, dilationH: 2, padding: "same" }],
];

describeAll("depthwise", (bench) => {
  describe.each(WINDOWS)("%s", (_, options) => {
    test.each([1, 3, 16, 21])("%i channels", (C) => {
      const g = windowOf({ batch: 2, ...options, C });
      check(bench, problemOf(g));
      check(bench, problemOf(g, { bias: uniform(C, 3), relu: 1 }));
      check(bench, problemOf(g, { bias: uniform(C, 3).map((v) => 8 * v), relu: 2 }));
    });

    test("however tasks are cut", () => {
      const g = windowOf({ batch: 2, ...options, C: 35 });
      const problem = problemOf(g, { bias: uniform(35, 3) });
      const whole = forward(bench(), problem);
      for (const [grain, channels] of [
        [1, 35],
        [2, 16],
        [g.OH, 32],
      ] as const)
        expectSame(forward(bench(), { ...problem, grain, channels }), whole);
    });
  });

  test("every width to 18, of every number of channels to 18", () => {
    for (let n = 1; n <= 18; n++)
      for (const KW of [3, 5])
        for (const strideW of [1, 2])
          check(bench, problemOf(windowOf({ H: 3, W: n, C: 19 - n, KH: 2, KW, strideW, padding: "same" })));
  });

  test("more zeros around an image than filters are wide", () => {
    const g = windowOf({ H: 3, W: 2, C: 5, KH: 3 });
    for (const strides of [1, 2]) {
      const out = (size: number) => Math.floor((size + 8 - 3) / strides) + 1;
      const wide = { ...g, top: 4, left: 4, OH: out(3), OW: out(2), strideH: strides, strideW: strides };
      check(bench, problemOf(wide, { bias: uniform(5, 3) }));
    }
  });

  test("what is not finite spreads to the outputs that read it, and no further", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
      for (const [KH, strideH] of [
        [3, 1],
        [3, 2],
        [5, 1],
        [5, 2],
      ] as const) {
        const g = windowOf({ H: 9, W: 11, C: 6, KH, strideH, padding: "same" });
        const x = uniform(inputSize(g), 1);
        x[(4 * 11 + 5) * 6 + 2] = value;
        for (const relu of [0, 1, 2] as const) check(bench, problemOf(g, { x, relu }));
      }
  });

  test("an output whose inputs are all 0 is its bias", () => {
    const g = windowOf({ H: 5, W: 6, C: 7, KH: 3, padding: "same" });
    const bias = uniform(7, 3);
    const y = forward(bench(), problemOf(g, { x: new Float32Array(inputSize(g)), bias }));
    expect([...y]).toEqual(Array.from(y, (_, i) => bias[i % 7]));
  });
});
