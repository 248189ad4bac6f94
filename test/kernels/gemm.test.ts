import { describe, expect, test } from "vitest";
import { describeBuilds, type KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";
import { gemm } from "../support/reference/matrix.ts";
import { uniform } from "../support/values.ts";

interface Case {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly beta?: number;
  readonly bias?: boolean;
  readonly relu?: boolean;
  readonly rows?: number;
  readonly cols?: number;
}

/** Depth of the kernel's blocks, see assembly/gemm.ts. */
const KC = 256;
const LAYOUTS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

const ONE_MATRIX = { cNext: 0, aNext: 0, bNext: 0 };

function run(bench: KernelBench, problem: Case): Float32Array {
  const { M, N, K, transA = false, transB = false, beta = 0, bias = false, relu = false } = problem;
  const { rows = 8, cols = 16 } = problem;
  const [a, b] = [uniform(M * K, 1), uniform(K * N, 2)];
  const before = uniform(M * N, 3);
  const biases = uniform(N, 4);
  const c = beta === 0 ? bench.output(M * N) : bench.variable(before);
  const args = {
    M,
    N,
    K,
    transA: Number(transA),
    transB: Number(transB),
    beta,
    relu: Number(relu),
    rows,
    cols,
    ...ONE_MATRIX,
  };
  bench.run(
    "gemm",
    { c, a: bench.input(a), b: bench.input(b), bias: bias ? bench.input(biases) : 0, ...args },
    tasksOf(M, rows) * tasksOf(N, cols),
    4 * KC * (cols + (transA ? rows + 1 : 0)),
  );
  const actual = bench.read(c);
  const expected = gemm(a, b, [M, N, K], {
    transA,
    transB,
    beta,
    relu,
    c: before,
    ...(bias && { bias: biases }),
  });
  // K products below 1: partial sums grow as sqrt(K), each addition loses half an ULP of one, errors add as sqrt(K).
  expectClose(actual, expected, { atol: 1e-6 + 3e-8 * K, rtol: 2e-6, shape: [M, N] });
  return actual;
}

describeBuilds("gemm", (bench) => {
  describe.each(LAYOUTS)("transA %s, transB %s", (transA, transB) => {
    test("every M and N from 1 to 33", () => {
      const b = bench();
      for (let M = 1; M <= 33; M++) {
        for (let N = 1; N <= 33; N++) {
          b.reset();
          run(b, { M, N, K: ((M + N) % 7) + 1, transA, transB });
        }
      }
    });

    test.each([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257, 511, 512, 513, 700])(
      "K %i",
      (K) => {
        run(bench(), { M: 5, N: 19, K, transA, transB });
      },
    );

    test.each([15, 16, 17, 31, 32, 33, 255, 256, 257])("N %i, M %i", (size) => {
      run(bench(), { M: 3, N: size, K: 9, transA, transB });
      run(bench(), { M: size, N: 3, K: 9, transA, transB });
    });

    test.each([0, 1, 0.5, -2])("beta %f", (beta) => {
      for (const K of [3, 300]) run(bench(), { M: 7, N: 21, K, transA, transB, beta, bias: true });
    });

    test("a row by itself has the bits that it has among others", () => {
      for (const [N, K] of [
        [1, 1],
        [5, 3],
        [19, 259],
        [64, 600],
        [33, 1024],
      ] as const) {
        const sizes = { N, K, transB, bias: true, relu: true };
        const among = run(bench(), { M: 2, ...sizes }).slice(0, N);
        for (const cols of [16, 48]) expectSame(run(bench(), { M: 1, ...sizes, transA, cols }), among);
      }
    });

    test("bias and relu, over several blocks of depth", () => {
      for (const K of [5, 256, 600]) {
        run(bench(), { M: 6, N: 18, K, transA, transB, bias: true });
        run(bench(), { M: 6, N: 18, K, transA, transB, relu: true });
        run(bench(), { M: 7, N: 35, K, transA, transB, bias: true, relu: true });
      }
    });

    test("K 0 leaves beta C + bias", () => {
      for (const beta of [0, 1, 0.5])
        for (const bias of [false, true])
          for (const [M, N] of [
            [1, 1],
            [3, 5],
            [9, 35],
          ] as const)
            run(bench(), { M, N, K: 0, transA, transB, beta, bias });
      run(bench(), { M: 3, N: 5, K: 0, transA, transB, bias: true, relu: true });
    });

    test("the result does not depend on how work is split", () => {
      const problem = { M: 37, N: 70, K: 300, transA, transB, bias: true };
      const whole = run(bench(), { ...problem, rows: 64, cols: 80 });
      for (const [rows, cols] of [
        [1, 16],
        [2, 32],
        [5, 48],
        [7, 64],
        [16, 16],
        [37, 16],
      ] as const)
        expectSame(run(bench(), { ...problem, rows, cols }), whole);
    });
  });

  test.each([1, 3, 16, 19])("relu stores what is fainter than 2^-63 as 0, %i columns", (N) => {
    const FAINT = 2 ** -63;
    const values = Array.from({ length: N }, (_, j) => [FAINT / 2, FAINT * 2, -1, 1e-38][j % 4]!);
    for (const [M, K] of [
      [1, 0],
      [1, 1],
      [2, 1],
    ] as const) {
      const b = bench();
      const c = b.output(M * N);
      // From the product, and from the bias where there is no product.
      const from =
        K === 1
          ? { b: b.input(values), bias: 0 }
          : { b: b.input([0]), bias: b.input([...values, ...new Array(16).fill(0)]) };
      const args = {
        c,
        a: b.input(Array(M).fill(1)),
        ...from,
        M,
        N,
        K,
        transA: 0,
        transB: 0,
        beta: 0,
        relu: 1,
        rows: 8,
        cols: 16,
      };
      b.run("gemm", { ...args, ...ONE_MATRIX }, tasksOf(N, 16), 4 * KC * 16);
      const stored = values.map((v) => (v > FAINT ? v : 0));
      expect([...b.read(c)]).toEqual(Array(M).fill(stored).flat());
    }
  });

  test("relu keeps NaN, and beta 0 forgets what C held", () => {
    const b = bench();
    const c = b.output(2);
    const a = b.input([Number.NaN, 1, -1, -1]);
    const args = {
      M: 2,
      N: 1,
      K: 2,
      transA: 0,
      transB: 0,
      beta: 0,
      relu: 1,
      rows: 2,
      cols: 16,
      ...ONE_MATRIX,
    };
    b.run("gemm", { c, a, b: b.input([1, 1]), bias: 0, ...args }, 1, 4 * KC * 16);
    expect(b.read(c)).toEqual(Float32Array.of(Number.NaN, 0));
  });

  test("several matrices in one call, with room between them", () => {
    const b = bench();
    const [M, N, K, count, room] = [5, 18, 7, 3, 2];
    const [a, w] = [uniform(count * (M * K + room), 1), uniform(count * (K * N + room), 2)];
    const c = b.variable(new Float32Array(count * (M * N + room)).fill(-7));
    const next = { cNext: 4 * (M * N + room), aNext: 4 * (M * K + room), bNext: 4 * (K * N + room) };
    const args = { M, N, K, transA: 0, transB: 0, beta: 0, relu: 0, rows: 2, cols: 16, ...next };
    b.run("gemm", { c, a: b.input(a), b: b.input(w), bias: 0, ...args }, count * 3 * 2, 4 * KC * 16);
    const got = b.read(c);
    for (let i = 0; i < count; i++) {
      const at = (size: number) => [i * (size + room), i * (size + room) + size] as const;
      const expected = gemm(a.slice(...at(M * K)), w.slice(...at(K * N)), [M, N, K]);
      expectClose(got.slice(...at(M * N)), expected, { atol: 1e-5, rtol: 0, shape: [M, N] });
      expect([...got.slice(i * (M * N + room) + M * N, (i + 1) * (M * N + room))]).toEqual([-7, -7]);
    }
  });
});
