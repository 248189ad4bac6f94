import { readFileSync } from "node:fs";
import { test } from "vitest";
import { BACKENDS } from "../../src/engine/engine.ts";
import type { KernelName } from "../../src/engine/memory.ts";
import { describeBuilds, KernelBench, tasksOf } from "../support/bench.ts";
import { expectClose, expectSame } from "../support/close.ts";

// Losses against what Keras 3 computes in float64: test/fixtures/make_keras_losses.py.

interface Case {
  readonly loss: string;
  readonly options: {
    readonly labelSmoothing?: number;
    readonly fromLogits?: boolean;
    readonly applyClassBalancing?: boolean;
    readonly delta?: number;
    readonly gamma?: number;
    readonly alpha?: number;
  };
  readonly logits: boolean;
  readonly rows: number;
  readonly cols: number;
  readonly y: number[];
  readonly t: number[];
  readonly losses: number[];
  readonly gradient: number[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/keras/losses.json", import.meta.url), "utf8"),
) as { cases: Case[] };

/** Kernels from logits, by loss. */
const FROM_LOGITS: Readonly<Record<string, KernelName>> = {
  binaryCrossentropy: "sigmoidCrossentropy",
  categoricalCrossentropy: "softmaxCrossentropy",
  binaryFocalCrossentropy: "sigmoidFocalCrossentropy",
  categoricalFocalCrossentropy: "softmaxFocalCrossentropy",
};

function run(b: KernelBench, { loss, options, logits, rows, cols, y, t }: Case, grain = rows, scale = 1) {
  const [n, losses, gradient] = [rows * cols, b.output(rows), b.output(rows * cols)];
  let targets = b.input(t);
  if (loss === "hinge" || loss === "squaredHinge") {
    const out = b.output(n);
    b.run("hingeTargets", { out, t: targets, n }, 1);
    targets = b.input(b.read(out));
  }
  if (options.labelSmoothing !== undefined) {
    const { labelSmoothing: share } = options;
    const out = b.output(n);
    const add = loss.startsWith("binary") ? share / 2 : share / cols;
    b.run("smoothTargets", { out, t: targets, n, keep: 1 - share, add, grain: 4 }, tasksOf(n, 4));
    targets = b.input(b.read(out));
  }
  const { gamma = 0, alpha = 0, delta = 0, applyClassBalancing = false } = options;
  const own = { gamma, alpha, delta, applyClassBalancing: Number(applyClassBalancing) };
  const common = { losses, t: targets, rows, cols, scale, grain, ...own };
  const args = logits ? { x: b.input(y), y: b.output(n), dx: gradient } : { y: b.input(y), dy: gradient };
  b.run(
    (logits ? FROM_LOGITS[loss]! : loss) as KernelName,
    { ...common, ...args } as never,
    tasksOf(rows, grain),
  );
  return { losses: b.read(losses), gradient: b.read(gradient) };
}

const titled = cases.map((c) => [`${c.loss} ${JSON.stringify(c.options)} ${c.rows} x ${c.cols}`, c] as const);

describeBuilds(
  "Keras's losses",
  (bench) => {
    test.each(titled)("%s", (_, c) => {
      const { rows, cols } = c;
      for (const grain of [1, 2, rows]) {
        const { losses, gradient } = run(bench(), c, grain);
        const size = Math.max(1, ...c.losses.map(Math.abs));
        expectClose(losses, c.losses, { atol: 1.2e-6 * Math.min(size, 4), rtol: 3e-6, shape: [rows] });
        const steep = Math.max(1, ...c.gradient.map(Math.abs));
        expectClose(gradient, c.gradient, {
          atol: 1e-6 * Math.min(steep, 4),
          rtol: 5e-6,
          shape: [rows, cols],
        });
      }
    });
  },
  undefined,
  true,
);

test("scalar and simd give the same bits but for sums", async () => {
  const [scalar, simd] = await Promise.all(
    BACKENDS.filter((name) => name !== "relaxed").map((name) => KernelBench.create(name, true)),
  );
  for (const c of cases) {
    scalar!.reset();
    simd!.reset();
    const [a, b] = [run(scalar!, c), run(simd!, c, 1)];
    // Sums of a row have an order for each width: in a gradient there are some where a row's outputs hang together.
    if (!/^categorical(Focal)?Crossentropy/.test(c.loss)) expectSame(b.gradient, a.gradient);
    if (c.cols === 1) expectSame(b.losses, a.losses);
  }
});
