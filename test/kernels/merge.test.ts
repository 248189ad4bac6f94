import { describe, expect, test } from "vitest";
import { describeBuilds, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { centralDifferences, dot, LENGTHS, uniform } from "../support/values.ts";

// Kernels in which branches of a net meet: sums, products, and tensors side by side.

const f32 = Math.fround;
const FAINT = 2 ** -63;
const CHANNELS = [1, 3, 4, 5, 8, 16, 17, 64] as const;
/** Samples and rows of each. */
const SAMPLES = [
  [1, 1],
  [3, 2],
  [2, 7],
  [1, 300],
  [5, 49],
] as const;

describeBuilds("addForward, multiplyForward", (bench) => {
  test.each(LENGTHS)("n %i, at every grain, apart and in place", (n) => {
    const [x, y] = [uniform(n, 1), uniform(n, 2)];
    const sum = x.map((v, i) => v + y[i]!);
    const wanted = { sum, relu: sum.map((v) => Math.max(v, 0)), product: x.map((v, i) => v * y[i]!) };
    for (const grain of [n, 1, 4, 5])
      for (const place of ["apart", "x", "y"])
        for (const [name, expected] of Object.entries(wanted)) {
          const b = bench();
          const [first, second] = [b.variable(x), b.variable(y)];
          const z = place === "apart" ? b.output(n) : place === "x" ? first : second;
          const args = { z, x: first, y: second, n, relu: Number(name === "relu"), grain };
          b.run(name === "product" ? "multiplyForward" : "addForward", args, tasksOf(n, grain));
          expectSame(b.read(z), expected);
          if (place !== "x") expectSame(b.read(first), x);
          if (place !== "y") expectSame(b.read(second), y);
        }
  });

  test("NaN passes, and infinity through a sum without relu", () => {
    const [NaNs, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
    const [x, y] = [
      [NaNs, 1, -inf, inf, -inf],
      [1, NaNs, 1, 1, inf],
    ];
    const run = (kernel: "addForward" | "multiplyForward", relu: number) => {
      const b = bench();
      const z = b.output(5);
      b.run(kernel, { z, x: b.input(x!), y: b.input(y!), n: 5, relu, grain: 5 }, 1);
      return [...b.read(z)];
    };
    expect(run("addForward", 0)).toEqual([NaNs, NaNs, -inf, inf, NaNs]);
    expect(run("addForward", 1)).toEqual([NaNs, NaNs, 0, inf, NaNs]);
    expect(run("multiplyForward", 0)).toEqual([NaNs, NaNs, -inf, inf, -inf]);
  });

  test("what is fainter than 2^-63 is stored as 0 by relu and in products; sums stay as they are", () => {
    const run = (kernel: "addForward" | "multiplyForward", relu: number, x: number[], y: number[]) => {
      const b = bench();
      const z = b.output(x.length);
      b.run(kernel, { z, x: b.input(x), y: b.input(y), n: x.length, relu, grain: 9 }, 1);
      return [...b.read(z).map(Math.abs)];
    };
    const x = [1e-30, FAINT / 2, FAINT * 4, 1e-44, -1e-30];
    const zeros = [0, 0, 0, 0, 0];
    expect(run("addForward", 1, x, zeros)).toEqual([0, 0, FAINT * 4, 0, 0]);
    expect(run("addForward", 0, x, zeros)).toEqual(x.map((v) => Math.abs(f32(v))));
    expect(run("multiplyForward", 0, x, [1, 1, 1, 1, 1])).toEqual([0, 0, FAINT * 4, 0, 0]);
    expect(run("multiplyForward", 0, [FAINT, 1e-10], [FAINT, -1e-10])).toEqual([0, 0]);
  });
});

describeBuilds("addBroadcast, multiplyBroadcast, sumBroadcast", (bench) => {
  describe.each(CHANNELS)("%i channels", (C) => {
    test.each(SAMPLES)(
      "%i samples of %i rows: values, at every grain, apart and in place",
      (batch, inner) => {
        const [n, rows] = [batch * inner * C, batch * inner];
        const [x, y] = [uniform(n, 1), uniform(batch * C, 2)];
        const other = x.map((_, i) => y[Math.floor(i / (inner * C)) * C + (i % C)]!);
        const sum = x.map((v, i) => v + other[i]!);
        const wanted = { sum, relu: sum.map((v) => Math.max(v, 0)), product: x.map((v, i) => v * other[i]!) };
        for (const grain of [rows, 1, 3, inner, inner + 1])
          for (const inPlace of [false, true])
            for (const [name, expected] of Object.entries(wanted)) {
              const b = bench();
              const first = inPlace ? b.variable(x) : b.input(x);
              const z = inPlace ? first : b.output(n);
              const args = {
                z,
                x: first,
                y: b.input(y),
                batch,
                inner,
                C,
                relu: Number(name === "relu"),
                grain,
              };
              b.run(name === "product" ? "multiplyBroadcast" : "addBroadcast", args, tasksOf(rows, grain));
              expectSame(b.read(z), expected);
            }
      },
    );

    test.each(SAMPLES)("%i samples of %i rows: gradients, at every grain", (batch, inner) => {
      const n = batch * inner * C;
      const [x, y, dz] = [uniform(n, 1), uniform(batch * C, 2), uniform(n, 3)];
      const column = (i: number) => Math.floor(i / (inner * C)) * C + (i % C);
      const sums = { of: new Float64Array(batch * C), products: new Float64Array(batch * C) };
      for (const [i, v] of dz.entries()) {
        sums.of[column(i)]! += v;
        sums.products[column(i)]! += v * x[i]!;
      }
      const shape = [batch, C];
      for (const grain of [batch, 1, 2]) {
        const b = bench();
        const [dyOfSum, dyOfProduct] = [b.output(batch * C), b.output(batch * C)];
        const common = { x: b.input(dz), batch, inner, C, grain };
        b.run("sumBroadcast", { ...common, out: dyOfSum, y: 0 }, tasksOf(batch, grain));
        b.run("sumBroadcast", { ...common, out: dyOfProduct, y: b.input(x) }, tasksOf(batch, grain));
        expectClose(b.read(dyOfSum), sums.of, { atol: 1e-6 + 4e-8 * inner, rtol: 1e-6, shape });
        expectClose(b.read(dyOfProduct), sums.products, { atol: 1e-6 + 4e-8 * inner, rtol: 1e-6, shape });
      }
      if (n > 200) return;
      const value = (a: ArrayLike<number>, by: ArrayLike<number>) =>
        dot(
          Array.from(a, (v, i) => v * by[column(i)]!),
          dz,
        );
      const ofY = centralDifferences((v) => value(x, v), y, 1e-3);
      expectClose(sums.products, ofY, { atol: 1e-9, rtol: 1e-9 });
      const b = bench();
      const dx = b.output(n);
      const args = { z: dx, x: b.input(dz), y: b.input(y), batch, inner, C, relu: 0, grain: 3 };
      b.run("multiplyBroadcast", args, tasksOf(batch * inner, 3));
      const ofX = centralDifferences((v) => value(v, y), x, 1e-3);
      expectClose(b.read(dx), ofX, { atol: 1e-7, rtol: 1e-6, shape: [batch, inner, C] });
    });
  });

  test("what is fainter than 2^-63 is stored as 0 by relu and in products", () => {
    const x = [1e-30, FAINT / 2, FAINT * 4, 1e-44, -1e-30];
    for (const [kernel, y] of [
      ["addBroadcast", 0],
      ["multiplyBroadcast", 1],
    ] as const) {
      const b = bench();
      const z = b.output(5);
      const tensors = { z, x: b.input(x), y: b.input(new Float32Array(5).fill(y)) };
      b.run(kernel, { ...tensors, batch: 1, inner: 1, C: 5, relu: 1, grain: 1 }, 1);
      expect([...b.read(z).map(Math.abs)]).toEqual([0, 0, FAINT * 4, 0, 0]);
    }
  });

  test("NaN stays in its channel of its sample", () => {
    const [batch, inner, C] = [3, 4, 5];
    const dz = uniform(batch * inner * C, 1).with(1 * inner * C + 2 * C + 3, Number.NaN);
    const b = bench();
    for (const y of [0, b.input(new Float32Array(dz.length).fill(1))]) {
      const out = b.output(batch * C);
      b.run("sumBroadcast", { out, x: b.input(dz), y, batch, inner, C, grain: 2 }, 2);
      expect([...b.read(out)].map(Number.isNaN)).toEqual(
        Array.from({ length: batch * C }, (_, i) => i === C + 3),
      );
    }
  });
});

describeBuilds("copyColumns", (bench) => {
  /** Columns of the parts that are laid side by side. */
  const PARTS = [[1], [5], [16], [1, 1], [3, 1, 4], [16, 16], [4, 12, 17], [64, 5]] as const;

  test.each(PARTS.map((parts) => [parts]))("%j columns side by side, and back", (parts) => {
    const total = parts.reduce((a, b) => a + b, 0);
    for (const rows of [1, 2, 7, 100])
      for (const grain of [rows, 1, 3]) {
        const b = bench();
        const values = parts.map((cols, i) => uniform(rows * cols, i));
        const out = b.output(rows * total);
        let at = 0;
        for (const [i, cols] of parts.entries()) {
          const args = {
            out,
            x: b.input(values[i]!),
            rows,
            cols,
            outCols: total,
            at,
            xCols: cols,
            from: 0,
            grain,
          };
          b.run("copyColumns", args, tasksOf(rows, grain));
          at += cols;
        }
        const whole = b.read(out);
        for (let r = 0, k = 0; r < rows; r++)
          for (const [i, cols] of parts.entries())
            for (let c = 0; c < cols; c++) expect(whole[k++]).toBe(values[i]![r * cols + c]);
        at = 0;
        for (const [i, cols] of parts.entries()) {
          const back = b.output(rows * cols);
          const args = { out: back, x: out, rows, cols, outCols: cols, at: 0, xCols: total, from: at, grain };
          b.run("copyColumns", args, tasksOf(rows, grain));
          expectSame(b.read(back), values[i]!);
          at += cols;
        }
      }
  });

  test("from the midst of one into the midst of another: the other columns stay", () => {
    for (const cols of [1, 3, 4, 9]) {
      const [rows, outCols, xCols, at, from] = [5, cols + 7, cols + 4, 3, 2];
      const b = bench();
      const [before, x] = [uniform(rows * outCols, 1), uniform(rows * xCols, 2)];
      const out = b.variable(before);
      b.run("copyColumns", { out, x: b.input(x), rows, cols, outCols, at, xCols, from, grain: 2 }, 3);
      const expected = before.map((v, i) => {
        const c = (i % outCols) - at;
        return c >= 0 && c < cols ? x[Math.floor(i / outCols) * xCols + from + c]! : v;
      });
      expectSame(b.read(out), expected);
    }
  });

  test("every bit: NaN of any kind, -0 and denormals", () => {
    const bits = Int32Array.of(0x7fa0dead, -1, 0x80000000 | 0, 1, 0x7f800000);
    const b = bench();
    const [plain, part] = [b.output(5), b.output(10)];
    const x = b.block(new Uint8Array(bits.buffer));
    const common = { x, rows: 1, cols: 5, at: 0, xCols: 5, from: 0, grain: 1 };
    b.run("copyColumns", { ...common, out: plain, outCols: 5 }, 1);
    b.run("copyColumns", { ...common, out: part, outCols: 10 }, 1);
    expect(b.readInts(plain)).toEqual(bits);
    expect(b.readInts(part).subarray(0, 5)).toEqual(bits);
  });
});

test("scalar and simd give the same bits", async () => {
  const [scalar, simd] = [await KernelBench.create("scalar"), await KernelBench.create("simd")];
  for (const C of [1, 5, 17]) {
    const [batch, inner] = [3, 600];
    const [x, y] = [uniform(batch * inner * C, 1), uniform(batch * inner * C, 2)];
    const [a, b] = [scalar, simd].map((bench) => {
      bench.reset();
      const out = bench.output(batch * C);
      bench.run("sumBroadcast", { out, x: bench.input(x), y: bench.input(y), batch, inner, C, grain: 2 }, 2);
      return bench.read(out);
    });
    expectSame(a!, b!);
  }
});
