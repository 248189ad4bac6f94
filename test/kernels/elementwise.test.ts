import { expect, test } from "vitest";
import { describeBuilds, tasksOf } from "../support/bench.ts";
import { expectClose } from "../support/close.ts";
import { columnSum } from "../support/reference/matrix.ts";
import { LENGTHS, uniform } from "../support/values.ts";

describeBuilds("fill, addInto, pixelsToFloat", (bench) => {
  test.each(LENGTHS)("n %i, at every grain", (n) => {
    for (const grain of [n, 1, 4, 5]) {
      const b = bench();
      const tasks = tasksOf(n, grain);
      const out = b.output(n);
      b.run("fill", { out, n, value: 1.5, grain }, tasks);
      expect(b.read(out)).toEqual(new Float32Array(n).fill(1.5));

      const [y, x] = [uniform(n, 1), uniform(n, 2)];
      const sum = b.variable(y);
      b.run("addInto", { y: sum, x: b.input(x), n, grain }, tasks);
      expect(b.read(sum)).toEqual(y.map((v, i) => v + x[i]!));

      const pixels = Uint8Array.from({ length: n }, (_, i) => (i === 0 ? 255 : i * 37));
      const floats = b.output(n);
      const scale = Math.fround(1 / 127.5);
      const args = { out: floats, pixels: b.bytes(pixels), n, scale, offset: -1, grain };
      b.run("pixelsToFloat", args, tasks);
      const expected = Float64Array.from(pixels, (p) => p * scale - 1);
      expectClose(b.read(floats), expected, { atol: 1.2e-7, rtol: 0 });
    }
  });

  test("NaN passes through addInto", () => {
    const b = bench();
    const y = b.variable([1, Number.NaN, 3]);
    b.run("addInto", { y, x: b.input([Number.NaN, 1, 1]), n: 3, grain: 3 }, 1);
    expect(b.read(y)).toEqual(Float32Array.of(Number.NaN, Number.NaN, 4));
  });
});

describeBuilds("columnSum", (bench) => {
  test("every M and N from 1 to 35", () => {
    for (let M = 1; M <= 35; M++) {
      for (let N = 1; N <= 35; N++) {
        const b = bench();
        const x = uniform(M * N, M + N);
        const out = b.output(N);
        b.run("columnSum", { out, x: b.input(x), M, N }, tasksOf(N, 16));
        expectClose(b.read(out), columnSum(x, M, N), { atol: 2e-6, rtol: 1e-6, shape: [N] });
      }
    }
  });

  test.each([255, 256, 257, 511, 513, 5000])("%i rows: blocks of 256", (M) => {
    for (const N of [1, 4, 16, 23]) {
      const b = bench();
      const x = uniform(M * N, N);
      const out = b.output(N);
      b.run("columnSum", { out, x: b.input(x), M, N }, tasksOf(N, 16));
      expectClose(b.read(out), columnSum(x, M, N), { atol: 1e-6 + 4e-8 * M, rtol: 1e-6, shape: [N] });
    }
  });

  test("M 0 is a sum of nothing", () => {
    const b = bench();
    const out = b.output(18);
    b.run("columnSum", { out, x: b.input([]), M: 0, N: 18 }, 2);
    expect(b.read(out)).toEqual(new Float32Array(18));
  });

  test("NaN stays in its column", () => {
    const b = bench();
    const x = uniform(7 * 19, 1);
    x[2 * 19 + 17] = Number.NaN;
    const out = b.output(19);
    b.run("columnSum", { out, x: b.input(x), M: 7, N: 19 }, 2);
    expect([...b.read(out)].map(Number.isNaN)).toEqual(Array.from({ length: 19 }, (_, i) => i === 17));
  });
});
