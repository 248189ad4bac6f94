import { describe, expect, test } from "vitest";
import {
  BOUNDED_RELU,
  EXPONENTIAL,
  GELU,
  GELU_APPROXIMATE,
  HARD_SIGMOID,
  HARD_SILU,
  LINEAR,
  MISH,
  SELU,
  SILU,
  SOFTPLUS,
  SOFTSIGN,
} from "../../src/engine/abi.ts";
import { describeAll, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import { LENGTHS, uniform } from "../support/values.ts";

/** (1 + erf(x / sqrt 2)) / 2, by the series and the continued fraction of the error function. */
function normal(x: number): number {
  const t = Math.abs(x) / Math.SQRT2;
  if (t < 3) {
    let [term, sum] = [t, t];
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-t * t) / n;
      sum += term / (2 * n + 1);
    }
    const half = sum / Math.sqrt(Math.PI);
    return x < 0 ? 0.5 - half : 0.5 + half;
  }
  let fraction = t;
  for (let n = 80; n > 0; n--) fraction = t + n / 2 / fraction;
  const tail = Math.exp(-t * t) / (2 * Math.sqrt(Math.PI) * fraction);
  return x < 0 ? tail : 1 - tail;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const hard = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
const [scale, alpha] = [1.0507009873554805, 1.6732632423543772];
const cube = (x: number) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);

interface Kind {
  readonly name: string;
  readonly kind: number;
  readonly numbers?: readonly [number, number, number];
  /** Where the slope jumps. */
  readonly kinks?: readonly number[];
  f(x: number): number;
  /** Slopes at -1e30, -100, 0, 100 and 1e30. */
  readonly slopes: readonly number[];
}

const inf = Number.POSITIVE_INFINITY;
const KINDS: readonly Kind[] = [
  {
    name: "linear",
    kind: LINEAR,
    numbers: [-2.5, 0.5, 0],
    f: (x) => -2.5 * x + 0.5,
    slopes: [-2.5, -2.5, -2.5, -2.5, -2.5],
  },
  {
    name: "relu, bounded",
    kind: BOUNDED_RELU,
    numbers: [0.25, 2, 1],
    kinks: [1, 2],
    f: (x) => (x > 1 ? Math.min(x, 2) : 0.25 * (x - 1)),
    slopes: [0.25, 0.25, 0.25, 0, 0],
  },
  {
    name: "relu, unbounded",
    kind: BOUNDED_RELU,
    numbers: [0, inf, 0.5],
    kinks: [0.5],
    f: (x) => (x > 0.5 ? x : 0),
    slopes: [0, 0, 0, 1, 1],
  },
  { name: "silu", kind: SILU, f: (x) => x * sigmoid(x), slopes: [0, 0, 0.5, 1, 1] },
  { name: "gelu", kind: GELU, f: (x) => x * normal(x), slopes: [0, 0, 0.5, 1, 1] },
  {
    name: "gelu, approximate",
    kind: GELU_APPROXIMATE,
    f: (x) => x * sigmoid(cube(x)),
    slopes: [0, 0, 0.5, 1, 1],
  },
  {
    name: "softplus",
    kind: SOFTPLUS,
    f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    slopes: [0, 0, 0.5, 1, 1],
  },
  {
    name: "softsign",
    kind: SOFTSIGN,
    f: (x) => x / (1 + Math.abs(x)),
    slopes: [0, 1 / 101 ** 2, 1, 1 / 101 ** 2, 0],
  },
  {
    name: "selu",
    kind: SELU,
    numbers: [scale, scale * alpha, 0],
    kinks: [0],
    f: (x) => (x > 0 ? scale * x : scale * alpha * Math.expm1(x)),
    slopes: [0, 0, scale, scale, scale],
  },
  { name: "hardSigmoid", kind: HARD_SIGMOID, kinks: [-3, 3], f: hard, slopes: [0, 0, 1 / 6, 0, 0] },
  { name: "hardSilu", kind: HARD_SILU, kinks: [-3, 3], f: (x) => x * hard(x), slopes: [0, 0, 0.5, 1, 1] },
  { name: "exponential", kind: EXPONENTIAL, f: Math.exp, slopes: [0, 0, 1, inf, inf] },
  {
    name: "mish",
    kind: MISH,
    f: (x) => x * Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
    slopes: [0, 0, 0.6, 1, 1],
  },
];

const numbersOf = ({ kind, numbers: [a, b, c] = [0, 0, 0] }: Kind) => ({ kind, a, b, c });

function forward(bench: KernelBench, kind: Kind, x: ArrayLike<number>, grain = x.length): Float32Array {
  const n = x.length;
  const y = bench.output(n);
  bench.run("unaryForward", { y, x: bench.input(x), n, ...numbersOf(kind), grain }, tasksOf(n, grain));
  return bench.read(y);
}

function backward(
  bench: KernelBench,
  kind: Kind,
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  grain = x.length,
): Float32Array {
  const n = x.length;
  const dx = bench.output(n);
  const args = { dx, dy: bench.input(dy), x: bench.input(x), n, ...numbersOf(kind), grain };
  bench.run("unaryBackward", args, tasksOf(n, grain));
  return bench.read(dx);
}

describeAll("unary", (bench) => {
  describe.each(KINDS)("$name", (kind) => {
    const { f, kinks = [], slopes } = kind;

    test("values, at every length and grain", () => {
      for (const n of LENGTHS) {
        const x = uniform(n, n, -9, 9).map(Math.fround);
        const expected = Float64Array.from(x, f);
        for (const grain of [n, 4, 5, 1])
          expectClose(forward(bench(), kind, x, grain), expected, { atol: 3e-7, rtol: 2e-6 });
      }
    });

    test("small results keep their digits far from 0, too", () => {
      const x = Array.from({ length: 400 }, (_, i) => Math.fround(-8 + i / 25)).filter(
        (v) => f(v) !== 0 && Math.abs(v) > 0.01 && Math.abs(v) < 8,
      );
      expectClose(forward(bench(), kind, x), Float64Array.from(x, f), {
        atol: kind.kind === LINEAR ? 1e-7 : 2 ** -63,
        rtol: 8e-6,
      });
    });

    test("gradient by central differences, at every length and grain", () => {
      const h = 1e-5;
      for (const n of LENGTHS) {
        const x = uniform(n, n, -7, 7).map((v) =>
          Math.fround(kinks.some((kink) => Math.abs(v - kink) < 0.01) ? 0.3 : v),
        );
        const dy = uniform(n, n + 1);
        const expected = Float64Array.from(x, (v, i) => (dy[i]! * (f(v + h) - f(v - h))) / (2 * h));
        for (const grain of [n, 4, 3])
          expectClose(backward(bench(), kind, dy, x, grain), expected, { atol: 1e-6, rtol: 3e-6 });
      }
    });

    test("in place", () => {
      const [x, dy] = [uniform(23, 1, -3, 3), uniform(23, 2)];
      const [y, dx] = [forward(bench(), kind, x), backward(bench(), kind, dy, x)];
      const b = bench();
      const [yx, gradient] = [b.variable(x), b.variable(dy)];
      b.run("unaryForward", { y: yx, x: yx, n: 23, ...numbersOf(kind), grain: 7 }, 4);
      expect(b.read(yx)).toEqual(y);
      const args = { dx: gradient, dy: gradient, x: b.input(x), n: 23, ...numbersOf(kind), grain: 7 };
      b.run("unaryBackward", args, 4);
      expect(b.read(gradient)).toEqual(dx);
    });

    test("NaN stays NaN, and only there", () => {
      const y = forward(bench(), kind, [1, Number.NaN, -1, 2, Number.NaN, 0, -100]);
      expect([...y].map(Number.isNaN)).toEqual([false, true, false, false, true, false, false]);
      const dx = backward(bench(), kind, [1, Number.NaN, 1], [1, 1, -1]);
      expect([...dx].map(Number.isNaN)).toEqual([false, true, false]);
    });

    test("values and slopes at the extremes", () => {
      const x = [-1e30, -100, 0, 100, 1e30];
      expectClose(
        forward(bench(), kind, x).map((v) => (Number.isFinite(v) ? v : 3e38)),
        x.map((v) => f(v)).map((v) => (v > 1e38 ? 3e38 : Number.isNaN(v) ? 0 : v)),
        { atol: 1e-18, rtol: 1e-6 },
      );
      const found = backward(bench(), kind, [1, 1, 1, 1, 1], x);
      slopes.forEach((slope, i) => {
        if (slope === inf) expect(found[i]).toBe(inf);
        else expect(Math.abs(found[i]! - slope), `slope at ${x[i]}`).toBeLessThanOrEqual(1e-6);
      });
    });

    test("what is fainter than 2^-63 is stored as 0, of values and of gradients", () => {
      for (const v of forward(bench(), kind, [1e-30, -1e-30, -45, -60, 1e-25]))
        expect(v === 0 || Math.abs(v) >= 2 ** -63).toBe(true);
      for (const v of backward(bench(), kind, [1e-19, -1e-25, 1e-44, 1], [0.5, 0.5, 0.5, -80]))
        expect(v === 0 || Math.abs(v) >= 2 ** -63).toBe(true);
    });
  });
});

test.each(KINDS)("$name: scalar and simd give the same bits", async (kind) => {
  const [scalar, simd] = [await KernelBench.create("scalar", true), await KernelBench.create("simd", true)];
  const [x, dy] = [uniform(2001, 9, -20, 20), uniform(2001, 10)];
  expect(forward(simd, kind, x)).toEqual(forward(scalar, kind, x));
  expect(backward(simd, kind, dy, x)).toEqual(backward(scalar, kind, dy, x));
});
