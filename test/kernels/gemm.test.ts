import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.ts";

test("gemm smoke", async () => {
  for (const backend of ["scalar", "simd", "relaxed"] as const) {
    const e = await Engine.create({ backend });
    const [M, N, K] = [7, 21, 300];
    const [c, a, b] = [e.allocate(4 * M * N), e.allocate(4 * M * K), e.allocate(4 * K * N)];
    const av = e.f32(a, M * K).map((_, i) => Math.sin(i));
    const bv = e.f32(b, K * N).map((_, i) => Math.cos(i * 1.7));
    for (const [transA, transB] of [[0, 0], [0, 1], [1, 0], [1, 1]] as const) {
      e.f32(a, M * K).set(av);
      e.f32(b, K * N).set(bv);
      e.f32(c, M * N).fill(Number.NaN);
      e.call("gemm", { c, a, b, bias: 0, M, N, K, transA, transB, beta: 0, relu: 0, rows: 4 }, 2 * 2, 1 << 18);
      let worst = 0;
      for (let m = 0; m < M; m++)
        for (let n = 0; n < N; n++) {
          let s = 0;
          for (let k = 0; k < K; k++)
            s += av[transA ? k * M + m : m * K + k]! * bv[transB ? n * K + k : k * N + n]!;
          worst = Math.max(worst, Math.abs(s - e.f32(c, M * N)[m * N + n]!));
        }
      expect(worst).toBeLessThan(1e-4);
    }
  }
});
