import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { KernelName } from "../../src/engine/memory.ts";
import { batchNormBackward, batchNormInference, batchNormTraining } from "../support/batchnorm-bench.ts";
import { describeBuilds, type Tensor, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { fixtureValues } from "../support/fixture-values.ts";
import { type OptimizerOptions, OptimizerRun } from "../support/optimizer-bench.ts";
import { windowOf } from "../support/reference/conv.ts";
import { columnSum } from "../support/reference/matrix.ts";
import {
  averagePoolForward,
  convBackwardFilter,
  convBackwardInput,
  convForward,
  inputShape,
  inputSize,
  maxPoolForward,
  outputShape,
  outputSize,
  poolBackward,
} from "../support/spatial-bench.ts";

// Kernels against what PyTorch computes in float64: test/fixtures/make_kernels.py.

interface WindowCase {
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly KH: number;
  readonly KW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padding: "valid" | "same";
  readonly outputShape: readonly number[];
}

interface ConvCase extends WindowCase {
  readonly OC: number;
  readonly seeds: { readonly x: number; readonly w: number; readonly b: number; readonly dy: number };
  readonly y: number[];
  readonly dx: number[];
  readonly dw: number[];
  readonly db: number[];
}

interface PoolCase extends WindowCase {
  readonly seeds: { readonly x: number; readonly dy: number };
  readonly max: { readonly y: number[]; readonly dx: number[] };
  readonly average: { readonly y: number[]; readonly dx: number[] };
}

interface ActivationCase {
  readonly name: string;
  readonly kind: number;
  readonly alpha: number;
  readonly n: number;
  readonly scale: number;
  readonly seeds: { readonly x: number; readonly dy: number };
  readonly y: number[];
  readonly dx: number[];
}

interface SoftmaxCase {
  readonly rows: number;
  readonly cols: number;
  readonly scale: number;
  readonly seeds: { readonly x: number; readonly dy: number };
  readonly y: number[];
  readonly dx: number[];
}

const LOSSES = [
  "softmaxCrossentropy",
  "categoricalCrossentropy",
  "binaryCrossentropy",
  "meanSquaredError",
] as const satisfies readonly KernelName[];

type LossCase = {
  readonly rows: number;
  readonly cols: number;
  readonly targets: number[];
} & {
  readonly [L in (typeof LOSSES)[number]]: {
    readonly y: number[];
    readonly losses: number[];
    readonly mean: number;
    readonly gradient: number[];
  };
};

interface LogitsCase {
  readonly loss: "softmaxCrossentropy" | "sigmoidCrossentropy";
  readonly rows: number;
  readonly cols: number;
  readonly x: number[];
  readonly targets: number[];
  readonly losses: number[];
  readonly gradient: number[];
}

interface NormCase {
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly mean: number;
  readonly deviation: number;
  readonly affine: boolean;
  readonly residual: boolean;
  readonly relu: boolean;
  readonly epsilon: number;
  readonly momentum: number;
  readonly seeds: {
    readonly [S in "x" | "gamma" | "beta" | "residual" | "movingMean" | "movingVariance" | "dy"]: number;
  };
  readonly y: number[];
  readonly dx: number[];
  readonly dgamma?: number[];
  readonly dbeta?: number[];
  readonly dresidual?: number[];
  readonly movingMean: number[];
  readonly movingVariance: number[];
  readonly inference: number[];
}

interface BroadcastResult {
  readonly z: number[];
  readonly dx: number[];
  readonly dy: number[];
}

interface BroadcastCase {
  readonly batch: number;
  readonly H: number;
  readonly W: number;
  readonly C: number;
  readonly seeds: { readonly x: number; readonly y: number; readonly dz: number };
  readonly product: BroadcastResult;
  readonly sum: BroadcastResult;
}

interface OptimizerCase {
  readonly options: OptimizerOptions;
  readonly learningRate: number;
  readonly n: number;
  readonly seeds: { readonly w: number; readonly firstGradient: number };
  readonly afterStep1: number[];
  readonly afterStep10: number[];
}

function casesOf<T>(topic: string): readonly T[] {
  const url = new URL(`../fixtures/kernels/${topic}.json`, import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, "utf8")) as { cases: T[] };
  return cases;
}

function geometry(c: WindowCase): string {
  const { KH, KW, strideH, strideW, dilationH, dilationW, padding, H, W, C } = c;
  return `${KH}x${KW}, stride ${strideH}x${strideW}, dilation ${dilationH}x${dilationW}, ${padding}, image ${H}x${W}x${C}`;
}

describeBuilds("PyTorch's numbers", (bench) => {
  describe("conv2d", () => {
    test.each(casesOf<ConvCase>("conv2d").map((c) => [geometry(c), c] as const))("%s", (_, c) => {
      const g = windowOf(c);
      const shape = outputShape(g, c.OC);
      expect(shape).toEqual(c.outputShape);
      const x = fixtureValues(inputSize(g), c.seeds.x, 1);
      const w = fixtureValues(c.KH * c.KW * c.C * c.OC, c.seeds.w, 1);
      const bias = fixtureValues(c.OC, c.seeds.b, 1);
      const dy = fixtureValues(outputSize(g, c.OC), c.seeds.dy, 1);
      const problem = { g, OC: c.OC, x, w };
      const closeness = { atol: 4e-6, rtol: 2e-6 };
      expectClose(convForward(bench(), problem, { bias }), c.y, { ...closeness, shape });
      expectClose(convBackwardFilter(bench(), problem, dy), c.dw, {
        ...closeness,
        shape: [c.KH, c.KW, c.C, c.OC],
      });
      for (const patches of g.dilationW === 1 ? [false, true] : [false])
        expectClose(convBackwardInput(bench(), problem, dy, patches), c.dx, {
          ...closeness,
          shape: inputShape(g),
        });
      const b = bench();
      const db = b.output(c.OC);
      const M = g.batch * g.OH * g.OW;
      b.run("columnSum", { out: db, x: b.input(dy), M, N: c.OC }, Math.ceil(c.OC / 16));
      expectClose(b.read(db), c.db, closeness);
      expectClose(columnSum(dy, M, c.OC), c.db, closeness);
    });
  });

  describe("pool2d", () => {
    test.each(casesOf<PoolCase>("pool2d").map((c) => [geometry(c), c] as const))("%s", (_, c) => {
      const g = windowOf(c);
      expect(outputShape(g)).toEqual(c.outputShape);
      const x = fixtureValues(inputSize(g), c.seeds.x, 1);
      const dy = fixtureValues(outputSize(g), c.seeds.dy, 1);
      const exact = { atol: 0, rtol: 0, shape: outputShape(g) };
      const sums = { atol: 1e-6, rtol: 1e-6 };
      const { y, argmax } = maxPoolForward(bench(), x, g);
      expectClose(y, Float32Array.from(c.max.y), exact);
      expectClose(poolBackward(bench(), dy, g, { argmax }), c.max.dx, { ...sums, shape: inputShape(g) });
      expectClose(averagePoolForward(bench(), x, g), c.average.y, { ...sums, shape: outputShape(g) });
      expectClose(poolBackward(bench(), dy, g), c.average.dx, { ...sums, shape: inputShape(g) });
    });
  });

  test.each(casesOf<ActivationCase>("activations"))("$name", ({ n, kind, alpha, scale, seeds, y, dx }) => {
    const b = bench();
    const [out, gradient] = [b.output(n), b.output(n)];
    const x = b.input(fixtureValues(n, seeds.x, scale));
    const dy = b.input(fixtureValues(n, seeds.dy, 1));
    b.run("activationForward", { y: out, x, n, kind, alpha, grain: 16 }, Math.ceil(n / 16));
    expectClose(b.read(out), y, { atol: 1e-12, rtol: 4e-7 });
    b.run("activationBackward", { dx: gradient, dy, y: out, n, kind, alpha, grain: 16 }, Math.ceil(n / 16));
    // 1 - y^2 and y (1 - y) lose what y is rounded by: absolute, not relative.
    expectClose(b.read(gradient), dx, { atol: 2e-7, rtol: 1e-6 });
  });

  test.each(casesOf<SoftmaxCase>("softmax"))(
    "softmax of $rows x $cols",
    ({ rows, cols, scale, seeds, y, dx }) => {
      const b = bench();
      const [out, gradient] = [b.output(rows * cols), b.output(rows * cols)];
      const x = b.input(fixtureValues(rows * cols, seeds.x, scale));
      const dy = b.input(fixtureValues(rows * cols, seeds.dy, 1));
      b.run("softmaxForward", { y: out, x, rows, cols, grain: 2 }, Math.ceil(rows / 2));
      expectClose(b.read(out), y, { atol: 1e-12, rtol: 1e-6, shape: [rows, cols] });
      b.run("softmaxBackward", { dx: gradient, dy, y: out, rows, cols, grain: 2 }, Math.ceil(rows / 2));
      expectClose(b.read(gradient), dx, { atol: 2e-7, rtol: 1e-6, shape: [rows, cols] });
    },
  );

  test.each(casesOf<NormCase>("batchnorm"))(
    "batch normalization of $batch x $H x $W x $C, mean $mean, residual $residual, relu $relu",
    (c) => {
      const { C, seeds, epsilon, momentum, relu } = c;
      const rows = c.batch * c.H * c.W;
      const shape = [rows, C];
      const problem = {
        rows,
        C,
        x: fixtureValues(rows * C, seeds.x, c.deviation).map((v) => v + c.mean),
        ...(c.affine && { gamma: fixtureValues(C, seeds.gamma, 1), beta: fixtureValues(C, seeds.beta, 1) }),
        ...(c.residual && { residual: fixtureValues(rows * C, seeds.residual, 1) }),
        relu,
        epsilon,
      };
      const moving = {
        movingMean: fixtureValues(C, seeds.movingMean, 1),
        movingVariance: fixtureValues(C, seeds.movingVariance, 0.5).map((v) => v + 1),
      };
      const dy = fixtureValues(rows * C, seeds.dy, 1);
      for (const sums of [rows, 7]) {
        const result = batchNormTraining(bench(), problem, { ...moving, momentum, sums });
        expectClose(result.y, c.y, { atol: 2e-6, rtol: 1e-6, shape });
        expectClose(result.movingMean, c.movingMean, { atol: 1e-7, rtol: 2e-7 });
        expectClose(result.movingVariance, c.movingVariance, { atol: 0, rtol: 4e-7 });
        const gradients = batchNormBackward(bench(), problem, result, dy, { sums });
        expectClose(gradients.dx, c.dx, {
          atol: 1e-6 * Math.max(1, ...c.dx.map(Math.abs)),
          rtol: 2e-6,
          shape,
        });
        if (c.dgamma) expectClose(gradients.dgamma, c.dgamma, { atol: 1e-5, rtol: 2e-6 });
        if (c.dbeta) expectClose(gradients.dbeta, c.dbeta, { atol: 4e-6, rtol: 2e-6 });
        if (c.dresidual) expectSame(gradients.dresidual!, Float32Array.from(c.dresidual));
      }
      const statistics = { mean: c.movingMean, variance: c.movingVariance };
      const y = batchNormInference(bench(), problem, statistics);
      const tolerance = { atol: 1e-6 * Math.max(1, ...c.inference.map(Math.abs)), rtol: 1e-6, shape };
      expectClose(y, c.inference, tolerance);
    },
  );

  test.each(casesOf<BroadcastCase>("broadcast"))("$batch x $H x $W x $C and $batch x $C", (c) => {
    const { batch, C, seeds } = c;
    const inner = c.H * c.W;
    const n = batch * inner * C;
    for (const [kind, expected] of [
      ["addBroadcast", c.sum],
      ["multiplyBroadcast", c.product],
    ] as const) {
      const b = bench();
      const [z, dx, dyOut] = [b.output(n), b.output(n), b.output(batch * C)];
      const [x, y] = [b.input(fixtureValues(n, seeds.x, 1)), b.input(fixtureValues(batch * C, seeds.y, 1))];
      const dz = b.input(fixtureValues(n, seeds.dz, 1));
      const common = { batch, inner, C };
      b.run(kind, { ...common, z, x, y, relu: 0, grain: 4 }, tasksOf(batch * inner, 4));
      expectSame(b.read(z), Float32Array.from(expected.z));
      const product = kind === "multiplyBroadcast";
      b.run("sumBroadcast", { ...common, out: dyOut, x: dz, y: product ? x : 0, grain: 1 }, batch);
      expectClose(b.read(dyOut), expected.dy, { atol: 1e-6, rtol: 1e-6 });
      if (!product) continue;
      b.run(
        "multiplyBroadcast",
        { ...common, z: dx, x: dz, y, relu: 0, grain: 4 },
        tasksOf(batch * inner, 4),
      );
      expectSame(b.read(dx), Float32Array.from(expected.dx));
    }
  });

  describe.each(casesOf<LossCase>("losses"))("losses of $rows x $cols", (c) => {
    test.each(LOSSES)("%s", (loss) => {
      const { rows, cols } = c;
      const expected = c[loss];
      const b = bench();
      const [losses, gradient, mean] = [b.output(rows), b.output(rows * cols), b.output(1)];
      const [y, t]: Tensor[] = [b.input(expected.y), b.input(c.targets)];
      const common = { losses, t: t!, rows, cols, scale: 1 / rows, grain: 2 };
      const tasks = Math.ceil(rows / 2);
      if (loss === "softmaxCrossentropy")
        b.run(loss, { ...common, x: y!, y: b.output(rows * cols), dx: gradient }, tasks);
      else b.run(loss, { ...common, y: y!, dy: gradient }, tasks);
      b.run("meanLoss", { out: mean, losses, rows }, 1);
      expectClose(b.read(losses), expected.losses, { atol: 1e-6, rtol: 2e-6 });
      expectClose(b.read(mean), [expected.mean], { atol: 1e-6, rtol: 2e-6 });
      expectClose(b.read(gradient), expected.gradient, { atol: 1e-6, rtol: 3e-6, shape: [rows, cols] });
    });
  });

  test.each(casesOf<LogitsCase>("logits"))(
    "$loss from logits, sure ones too, of $rows x $cols",
    ({ loss, rows, cols, x, targets, losses, gradient }) => {
      const b = bench();
      const [out, dx] = [b.output(rows), b.output(rows * cols)];
      const tensors = { losses: out, dx, y: b.output(rows * cols), x: b.input(x), t: b.input(targets) };
      b.run(loss, { ...tensors, rows, cols, scale: 1 / rows, grain: 2 }, Math.ceil(rows / 2));
      expectClose(b.read(out), losses, { atol: 1e-37, rtol: 2e-6 });
      expectClose(b.read(dx), gradient, { atol: 1e-7, rtol: 3e-6, shape: [rows, cols] });
    },
  );

  test.each(casesOf<OptimizerCase>("optimizers").map((c) => [JSON.stringify(c.options), c] as const))(
    "weights after 1 and 10 steps of %s",
    (_, { options, learningRate, n, seeds, afterStep1, afterStep10 }) => {
      const run = new OptimizerRun(bench(), options, fixtureValues(n, seeds.w, 1), 16);
      for (let step = 1; step <= 10; step++) {
        run.step(fixtureValues(n, seeds.firstGradient + step - 1, 1), learningRate);
        if (step === 1) expectClose(run.weights(), afterStep1, { atol: 1.2e-7, rtol: 1e-7 });
      }
      expectClose(run.weights(), afterStep10, { atol: 3e-7, rtol: 5e-7 });
    },
  );
});
