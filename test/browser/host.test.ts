import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { TrainingHost } from "../../src/browser/host/training.ts";
import type { Report } from "../../src/browser/protocol.ts";
import { loadKernels } from "../../src/engine/kernels.ts";
import { dense, flatten } from "../../src/nn/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { TrainingDivergedError } from "../../src/train/errors.ts";
import { sequential } from "../../src/train/sequential.ts";
import { halves } from "../support/samples.ts";

// The worker's half of a trainer, without a worker: what it reports does not hang on how fast it is.

vi.mock("../../src/browser/locks.ts", () => ({ holdLock: async () => "" }));
beforeEach(() => {
  vi.restoreAllMocks();
});

/** A host with samples, and what it reports of a fit in which the clock stands still at `now` milliseconds. */
async function reportsOf(now: number, learningRate: number, epochs: number) {
  const samples = halves(12, 1);
  const host = new TrainingHost();
  const model = sequential([flatten({ inputShape: samples.shape }), dense({ units: 2 })]);
  await host.init({
    model: structuredClone(model.parts()),
    kernels: await loadKernels(),
    options: { threads: 1 },
    outputs: [{ name: "dense", loss: "meanSquaredError", weight: 1 }],
    metrics: undefined,
    modules: [],
    // As the page sends them: checked, and with all defaults filled in.
    optimizer: { name: "sgd", options: sgd({ learningRate }).options as { learningRate: number } },
  });
  onTestFinished(() => host.model.dispose());
  const names = ["images", "labels"] as const;
  const arrays = names.map((name) => ({ name, at: undefined, bytes: true, length: samples[name].length }));
  host.allocate({ handle: 1, count: samples.count, shape: samples.shape, arrays });
  for (const [array, name] of names.entries())
    host.note({ note: "piece", handle: 1, array, offset: 0, data: samples[name] as Uint8Array });

  vi.spyOn(performance, "now").mockReturnValue(now);
  const reports: Report[] = [];
  const caller = {
    signal: new AbortController().signal,
    report: (report: Report) => void reports.push(report),
    ask: async (report: Report) => void reports.push(report),
  };
  const options = { epochs, batchSize: 3 };
  const error = await host
    .fit({ samples: 1, validation: undefined, options, rates: undefined }, caller)
    .then(() => undefined)
    .catch((thrown: unknown) => thrown);
  const batches = reports.flatMap((report) =>
    "callback" in report && report.callback === "onBatchEnd" ? [report.args[0]] : [],
  );
  return { error, batches: batches.map(({ epoch, batch }) => [epoch, batch]) };
}

// A worker's clock begins when it starts: at its first batch it may show any time, 0 included.
test.each([0, 1, 49, 1e6])(
  "the first batch and each epoch's last are told, whatever the clock says: %i",
  async (now) => {
    const { error, batches } = await reportsOf(now, 0.01, 2);
    expect(error).toBeUndefined();
    expect(batches).toEqual([
      [0, 0],
      [0, 3],
      [1, 3],
    ]);
  },
);

test.each([0, 1e6])(
  "a training that diverges at once has told of its first batch, clock at %i",
  async (now) => {
    const { error, batches } = await reportsOf(now, 1e20, 1);
    expect(error).toBeInstanceOf(TrainingDivergedError);
    expect(batches).toEqual([[0, 0]]);
  },
);
