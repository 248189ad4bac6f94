import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import { LENGTHS, uniform } from "../support/values.ts";

// Kinds as in assembly/activation.ts.
const KINDS = [
  { name: "relu", kind: 0, alpha: 0, f: (x: number) => Math.max(0, x) },
  { name: "leakyRelu", kind: 1, alpha: 0.3, f: (x: number) => (x > 0 ? x : Math.fround(0.3) * x) },
  { name: "elu", kind: 2, alpha: 1, f: (x: number) => (x > 0 ? x : Math.expm1(x)) },
  { name: "elu, alpha 0.5", kind: 2, alpha: 0.5, f: (x: number) => (x > 0 ? x : 0.5 * Math.expm1(x)) },
  { name: "leakyRelu, alpha 0", kind: 1, alpha: 0, f: (x: number) => (x > 0 ? x : 0 * x) },
  // y is -0 for x < 0: no gradient may pass there.
  { name: "elu, alpha 0", kind: 2, alpha: 0, f: (x: number) => (x > 0 ? x : 0 * Math.expm1(x)) },
  { name: "sigmoid", kind: 3, alpha: 0, f: (x: number) => 1 / (1 + Math.exp(-x)) },
  { name: "tanh", kind: 4, alpha: 0, f: Math.tanh },
] as const;
type Kind = Pick<(typeof KINDS)[number], "kind" | "alpha">;

function forward(
  b: KernelBench,
  { kind, alpha }: Kind,
  x: ArrayLike<number>,
  grain = x.length,
): Float32Array {
  const n = x.length;
  const y = b.output(n);
  b.run("activationForward", { y, x: b.input(x), n, kind, alpha, grain }, tasksOf(n, grain));
  return b.read(y);
}

function backward(
  b: KernelBench,
  { kind, alpha }: Kind,
  dy: ArrayLike<number>,
  y: ArrayLike<number>,
  grain = y.length,
): Float32Array {
  const n = y.length;
  const dx = b.output(n);
  const args = { dx, dy: b.input(dy), y: b.input(y), n, kind, alpha, grain };
  b.run("activationBackward", args, tasksOf(n, grain));
  return b.read(dx);
}

describeBuilds("activation", (bench) => {
  describe.each(KINDS)("$name", (activation) => {
    const { f } = activation;

    test("values, at every length and grain", () => {
      for (const n of LENGTHS) {
        const x = uniform(n, n, -6, 6);
        const expected = Float64Array.from(x, (v) => f(v));
        for (const grain of [n, 4, 5, 1])
          expectClose(forward(bench(), activation, x, grain), expected, { atol: 1e-12, rtol: 4e-7 });
      }
    });

    test("gradient by central differences, at every length and grain", () => {
      const h = 1e-5;
      for (const n of LENGTHS) {
        const x = uniform(n, n, -4, 4).map((v) => (Math.abs(v) < 0.01 ? 0.01 : v)); // no kink within reach
        const y = x.map((v) => f(v));
        const dy = uniform(n, n + 1);
        const expected = Float64Array.from(x, (v, i) => (dy[i]! * (f(v + h) - f(v - h))) / (2 * h));
        for (const grain of [n, 4, 3])
          expectClose(backward(bench(), activation, dy, y, grain), expected, { atol: 2e-7, rtol: 1e-6 });
      }
    });

    test("in place", () => {
      const { kind, alpha } = activation;
      const [x, dy] = [uniform(23, 1, -3, 3), uniform(23, 2)];
      const y = forward(bench(), activation, x);
      const dx = backward(bench(), activation, dy, y);
      const b = bench();
      const yx = b.variable(x);
      b.run("activationForward", { y: yx, x: yx, n: 23, kind, alpha, grain: 7 }, 4);
      expect(b.read(yx)).toEqual(y);
      const gradient = b.variable(dy);
      const args = { dx: gradient, dy: gradient, y: yx, n: 23, kind, alpha, grain: 7 };
      b.run("activationBackward", args, 4);
      expect(b.read(gradient)).toEqual(dx);
    });

    test("NaN stays NaN, and only there", () => {
      const x = Float32Array.of(1, Number.NaN, -1, 2, Number.NaN);
      const y = forward(bench(), activation, x);
      expect([...y].map(Number.isNaN)).toEqual([false, true, false, false, true]);
      const dx = backward(bench(), activation, [1, 1, Number.NaN, 1, Number.NaN], y);
      expect(Number.isNaN(dx[4])).toBe(true);
      expect([dx[0], dx[3]].map(Number.isNaN)).toEqual([false, false]);
    });
  });

  test("extremes", () => {
    const infinity = Number.POSITIVE_INFINITY;
    const x = [infinity, -infinity, 1e30, -1e30, 0, 90, -90];
    const [relu, , elu] = KINDS;
    const [sigmoid, tanh] = [KINDS.at(-2)!, KINDS.at(-1)!];
    expect([...forward(bench(), relu, x)]).toEqual([infinity, 0, Math.fround(1e30), 0, 0, 90, 0]);
    expect([...forward(bench(), elu, x)]).toEqual([infinity, -1, Math.fround(1e30), -1, 0, 90, -1]);
    expect([...forward(bench(), tanh, x)]).toEqual([1, -1, 1, -1, 0, 1, -1]);
    const s = forward(bench(), sigmoid, x);
    expect([...s.subarray(0, 6)]).toEqual([1, 0, 1, 0, 0.5, 1]);
  });

  test("gradients at 0, where Keras has 0 (relu), alpha (leakyRelu, elu)", () => {
    for (const zero of [0, -0]) {
      const at = (kind: Kind) => backward(bench(), kind, [2], [zero])[0];
      expect(at(KINDS[0])).toBe(0);
      expect(at(KINDS[1])).toBe(Math.fround(Math.fround(0.3) * 2));
      expect(at(KINDS[2])).toBe(2);
      expect(at(KINDS[3])).toBe(1);
    }
  });

  test("what is fainter than 2^-63 is stored as 0; its gradient is that of x <= 0", () => {
    const FAINT = 2 ** -63;
    const x = [-1.4e-45, -1e-30, -FAINT / 2, -FAINT * 4, FAINT * 4, 1e-38, Number.NaN];
    for (const kind of [KINDS[0], KINDS[1], KINDS[2], KINDS[3], KINDS.at(-1)!]) {
      const y = forward(bench(), kind, x);
      expect([0, 1, 2, 5].map((i) => Math.abs(y[i]!))).toEqual([0, 0, 0, 0]);
      expect(y[4]).toBe(FAINT * 4);
      expect(y[6]).toBeNaN();
    }
    const y = forward(bench(), KINDS[3], x);
    expect([...backward(bench(), KINDS[3], [2, 2, 2, 2, 2], y.subarray(0, 5))]).toEqual([1, 1, 1, 1, 2]);
  });

  test("gradients fainter than 2^-63 are stored as 0", () => {
    const dy = [1e-18, 1e-19, -1e-30, -1e-44];
    for (const kind of KINDS) {
      const dx = backward(bench(), kind, dy, [0.5, 0.5, 0.5, 0.5]);
      expect(dx[0]).toBeGreaterThan(2e-19);
      expect([...dx.subarray(1)].map(Math.abs)).toEqual([0, 0, 0]);
    }
  });
});

test.each(KINDS)("$name: scalar and simd give the same bits", async (activation) => {
  const { KernelBench } = await import("../support/bench.ts");
  const x = uniform(1001, 9, -20, 20);
  const [scalar, simd] = [await KernelBench.create("scalar"), await KernelBench.create("simd")];
  expect(forward(simd, activation, x)).toEqual(forward(scalar, activation, x));
});
