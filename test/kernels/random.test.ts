import { describe, expect, test } from "vitest";
import { describeBuilds, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { LENGTHS, uniform } from "../support/values.ts";

const SEED = { key0: 0x1234567, key1: 0x89abcde };

/** Philox4x32-10, from the paper's description, on BigInts. */
function philox(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [x0, x1, x2, x3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const [a, b] = [x0 * 0xd2511f53n, x2 * 0xcd9e8d57n];
    [x0, x1, x2, x3] = [(b >> 32n) ^ x1 ^ k0, b & mask, (a >> 32n) ^ x3 ^ k1, a & mask];
    [k0, k1] = [(k0 + 0x9e3779b9n) & mask, (k1 + 0xbb67ae85n) & mask];
  }
  return [x0, x1, x2, x3].map(Number);
}

/** Raw word of element i: word (i / 4) % 4 of block 4 (i / 16) + i % 4, see assembly/random.ts. */
function wordOf(i: number, step: number, stream: number, attempt = 0): number {
  const block = 4 * Math.floor(i / 16) + (i % 4);
  return philox([block, step, stream, attempt], [SEED.key0, SEED.key1])[Math.floor(i / 4) % 4]!;
}

function draw(
  b: KernelBench,
  kernel: "randomUniform" | "randomNormal",
  n: number,
  options: Record<string, number> = {},
): Float32Array {
  const out = b.output(n);
  const { grain = 4096, step = 0, stream = 0, ...rest } = options;
  const common = { out, n, ...SEED, step, stream, grain };
  if (kernel === "randomUniform")
    b.run(kernel, { ...common, low: 0, high: 1, ...rest }, tasksOf(n, grain), 128);
  else b.run(kernel, { ...common, mean: 0, stddev: 1, truncated: 0, ...rest }, tasksOf(n, grain), 128);
  return b.read(out);
}

const mean = (x: Float32Array) => x.reduce((a, b) => a + b, 0) / x.length;
const deviation = (x: Float32Array) => {
  const center = mean(x);
  return Math.sqrt(mean(x.map((v) => (v - center) ** 2)));
};

describeBuilds("random", (bench, backend) => {
  // Known answers of Random123 (Salmon et al.), file kat_vectors, philox4x32 10.
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("Philox4x32-10: published answers for counter %j", (counter, key, answers) => {
    expect(philox(counter, key)).toEqual(answers);
    const b = bench();
    const out = b.output(16);
    const [block, step, stream, attempt] = counter as [number, number, number, number];
    const [key0, key1] = key as [number, number];
    b.run("randomBits", { out, n: 16, key0, key1, block, step, stream, attempt, grain: 16 }, 1, 128);
    const words = [...b.readInts(out)].map((v) => v >>> 0);
    expect([0, 4, 8, 12].map((i) => words[i])).toEqual(answers);
  });

  test("raw words at every length and grain", () => {
    const expected = Array.from({ length: 100 }, (_, i) => wordOf(i, 5, 9, 2));
    for (const n of LENGTHS) {
      for (const grain of [16, 48, 4096]) {
        const b = bench();
        const out = b.output(n);
        const args = { out, n, ...SEED, block: 0, step: 5, stream: 9, attempt: 2, grain };
        b.run("randomBits", args, tasksOf(n, grain), 128);
        expect([...b.readInts(out)].map((v) => v >>> 0)).toEqual(expected.slice(0, n));
      }
    }
  });

  test("uniform: 24 bits of the element's own word, at every length and grain", () => {
    const unit = Array.from({ length: 100 }, (_, i) => (wordOf(i, 3, 7) >>> 8) / 2 ** 24);
    for (const n of LENGTHS) {
      for (const grain of [16, 48, 4096]) {
        const actual = draw(bench(), "randomUniform", n, { step: 3, stream: 7, low: -2, high: 3, grain });
        const expected = unit.slice(0, n).map((u) => Math.fround(Math.fround(u * 5) - 2));
        expect([...actual]).toEqual(expected);
      }
    }
  });

  test("uniform: moments, range, and another stream, step or seed is another sequence", () => {
    const n = 1 << 17;
    const x = draw(bench(), "randomUniform", n);
    expect(Math.abs(mean(x) - 0.5)).toBeLessThan((4 * 0.2887) / Math.sqrt(n));
    expect(Math.abs(deviation(x) - Math.sqrt(1 / 12))).toBeLessThan(2e-3);
    expect(x.every((v) => v >= 0 && v < 1)).toBe(true);
    for (const other of [{ stream: 1 }, { step: 1 }, { key0: 1 }, { key1: 1 }]) {
      const y = draw(bench(), "randomUniform", n, other);
      const same = x.filter((v, i) => v === y[i]).length;
      const correlation = mean(x.map((v, i) => (v - 0.5) * (y[i]! - 0.5))) * 12;
      expect(same).toBeLessThan(20);
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  test("normal: Box and Muller on the element's words, at every length and grain", () => {
    const expected = Array.from({ length: 100 }, (_, i) => {
      const [e, group] = [i % 16, i - (i % 16)];
      const first = group + (e & 8) + (e & 3); // words 0 and 1, or 2 and 3, of the block
      const [u, v] = [first, first + 4].map((j) => (wordOf(j, 3, 7) >>> 8) / 2 ** 24) as [number, number];
      const radius = Math.sqrt(-2 * Math.log(1 - u));
      return radius * (e & 4 ? Math.sin(2 * Math.PI * v) : Math.cos(2 * Math.PI * v)) * 0.5 + 10;
    });
    for (const n of LENGTHS) {
      for (const grain of [16, 48, 4096]) {
        const options = { step: 3, stream: 7, mean: 10, stddev: 0.5, grain };
        const actual = draw(bench(), "randomNormal", n, options);
        expectClose(actual, expected.slice(0, n), { atol: 2e-6, rtol: 0 });
      }
    }
  });

  test("normal: moments", () => {
    const n = 1 << 16;
    const x = draw(bench(), "randomNormal", n);
    expect(Math.abs(mean(x))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(deviation(x) - 1)).toBeLessThan(0.012);
    const beyond = (limit: number) => x.filter((v) => Math.abs(v) > limit).length / n;
    expect(beyond(1)).toBeCloseTo(0.3173, 2);
    expect(beyond(2)).toBeCloseTo(0.0455, 2);
    expect(beyond(3)).toBeCloseTo(0.0027, 3);
  });

  test("truncated normal: the draws within 2 stay, the others are made anew", () => {
    const n = 1 << 15;
    const free = draw(bench(), "randomNormal", n);
    const x = draw(bench(), "randomNormal", n, { truncated: 1 });
    expectSame(draw(bench(), "randomNormal", n, { truncated: 1, grain: 1024 }), x);
    const again = free.filter((v) => Math.abs(v) > 2).length;
    expect(x.every((v) => Math.abs(v) <= 2)).toBe(true);
    expect(x.filter((v, i) => v === free[i]).length).toBe(n - again);
    expect(Math.abs(deviation(x) - 0.8796)).toBeLessThan(0.012);
    expect(Math.abs(mean(x))).toBeLessThan(4 / Math.sqrt(n));
    const tail = x.filter((v) => Math.abs(v) > 1.5).length / n; // (0.0668 - 0.0228) * 2 / 0.9545
    expect(tail).toBeCloseTo(0.0923, 2);
  });

  if (backend !== "scalar") {
    test("the same bits as the scalar build", async () => {
      const scalar = await KernelBench.create("scalar");
      const same = (kernel: "randomUniform" | "randomNormal", options: Record<string, number>) => {
        scalar.reset();
        expectSame(draw(bench(), kernel, 5000, options), draw(scalar, kernel, 5000, options));
      };
      same("randomUniform", { low: -0.3, high: 0.7 });
      same("randomNormal", { stddev: 0.1 });
      same("randomNormal", { truncated: 1, stddev: 0.05 });
    });
  }
});

describeBuilds("dropout", (bench) => {
  function drop(
    b: KernelBench,
    kernel: "dropoutForward" | "dropoutBackward",
    x: Float32Array,
    options: Record<string, number> = {},
  ): Float32Array {
    const { counter = 0, grain = 4096, rate = 0.5, stream = 0 } = options;
    const n = x.length;
    const y = b.output(n);
    const step = b.block(new Uint8Array(Uint32Array.of(counter).buffer));
    b.run(kernel, { y, x: b.input(x), step, n, ...SEED, stream, rate, grain }, tasksOf(n, grain), 128);
    return b.read(y);
  }

  describe.each([0, 0.25, 0.5, 0.9])("rate %f", (rate) => {
    test("keeps elements whose draw is at least the rate, at every length and grain", () => {
      const unit = Array.from({ length: 100 }, (_, i) => (wordOf(i, 11, 4) >>> 8) / 2 ** 24);
      const scale = Math.fround(1 / Math.fround(1 - Math.fround(rate)));
      for (const n of LENGTHS) {
        const x = uniform(n, n);
        const expected = x.map((v, i) => (unit[i]! >= Math.fround(rate) ? v * scale : 0));
        for (const grain of [16, 32, 4096]) {
          const options = { counter: 11, stream: 4, rate, grain };
          expect(drop(bench(), "dropoutForward", x, options)).toEqual(expected);
          expect(drop(bench(), "dropoutBackward", x, options)).toEqual(expected);
        }
      }
    });

    test("share of zeros, and the expectation stays", () => {
      const n = 1 << 16;
      const y = drop(bench(), "dropoutForward", new Float32Array(n).fill(1), { rate });
      expect(Math.abs(y.filter((v) => v === 0).length / n - rate)).toBeLessThan(0.008);
      expect(Math.abs(mean(y) - 1)).toBeLessThan(0.05);
    });
  });

  test("another step is another mask", () => {
    const x = new Float32Array(4096).fill(1);
    const masks = [0, 1, 2].map((counter) => drop(bench(), "dropoutForward", x, { counter }));
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      const same = masks[a]!.filter((v, i) => v === masks[b]![i]).length;
      expect(Math.abs(same / 4096 - 0.5)).toBeLessThan(0.04);
    }
  });

  test("in place, and NaN of a kept element stays", () => {
    const x = uniform(37, 1);
    const y = drop(bench(), "dropoutForward", x);
    const kept = y.findIndex((v) => v !== 0);
    const b = bench();
    const both = b.variable(x.map((v, i) => (i === kept ? Number.NaN : v)));
    const step = b.block(new Uint8Array(4));
    const args = { y: both, x: both, step, n: 37, ...SEED, stream: 0, rate: 0.5, grain: 16 };
    b.run("dropoutForward", args, 3, 128);
    expect(b.read(both)).toEqual(y.map((v, i) => (i === kept ? Number.NaN : v)));
  });
});
