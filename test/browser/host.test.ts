import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { TrainingHost } from "../../src/browser/host/training.ts";
import type { Note, Report, SamplesFrame } from "../../src/browser/protocol.ts";
import { SampleSender } from "../../src/browser/send-samples.ts";
import type { WorkerClient } from "../../src/browser/worker-client.ts";
import { loadKernels } from "../../src/engine/kernels.ts";
import { concatenate, dense, flatten, input } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { TrainingDivergedError } from "../../src/train/errors.ts";
import { model } from "../../src/train/functional.ts";
import { sequential } from "../../src/train/sequential.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
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
    outputs: [{ name: "dense", loss: "meanSquaredError", weight: 1, metrics: [] }],
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
    .fit(
      { train: { samples: 1, count: samples.count }, validation: undefined, warnings: [], options },
      caller,
    )
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

test("samples for several inputs and outputs come in lists, by parts, and are trained on as in Node", async () => {
  const [x, y] = [input({ shape: [3] }), input({ shape: [2] })];
  const both = concatenate().apply([x, y]);
  const build = () =>
    model({
      inputs: [x, y],
      outputs: [
        dense({ units: 2, activation: "softmax", name: "kind" }).apply(both),
        dense({ units: 1, name: "angle" }).apply(both),
      ],
    });
  const samples = {
    images: [fixtureValues(18, 1, 1), Uint8Array.from({ length: 12 }, (_, i) => 20 * i)],
    shape: [[3], [2]],
    count: 6,
    labels: [fixtureLabels(6, 2, 2), undefined],
    targets: [undefined, fixtureValues(6, 3, 1)],
  };
  const losses = ["categoricalCrossentropy", "meanSquaredError"] as const;
  const net = build();
  await net.compile({
    threads: 1,
    optimizer: sgd({ learningRate: 0.1 }),
    loss: losses,
    lossWeights: { angle: 0.5 },
  });
  onTestFinished(() => net.dispose());
  const { history } = await net.fit(samples, { epochs: 2, batchSize: 4 });

  const host = new TrainingHost();
  await host.init({
    model: structuredClone(net.parts()),
    kernels: await loadKernels(),
    options: { threads: 1 },
    outputs: [
      { name: "kind", loss: losses[0], weight: 1, metrics: ["accuracy"] },
      { name: "angle", loss: losses[1], weight: 0.5, metrics: [] },
    ],
    modules: [],
    optimizer: { name: "sgd", options: sgd({ learningRate: 0.1 }).options as { learningRate: number } },
  });
  onTestFinished(() => host.model.dispose());
  // What the page sends, in the order in which it does.
  const client = {
    call: async (_: "allocate", frame: SamplesFrame) => host.allocate(structuredClone(frame)),
    note: (note: Note) => host.note(structuredClone(note)),
  };
  const sender = new SampleSender(client as unknown as WorkerClient);
  const handle = await sender.send(samples);
  expect(await sender.send(samples)).toBe(handle);
  expect(await sender.send({ ...samples })).not.toBe(handle);
  const caller = { signal: new AbortController().signal, report: () => {}, ask: async () => {} };
  const fitted = await host.fit(
    {
      train: { samples: handle, count: samples.count },
      validation: undefined,
      warnings: [],
      options: { epochs: 2, batchSize: 4 },
    },
    caller,
  );
  expect(fitted.history).toEqual(history);
  expect(host.model.getWeights()).toEqual(net.getWeights());
  const { value } = await host.predict({ samples: handle, options: {} }, caller);
  expect(value).toEqual(await net.predict(samples));
  const alone = await host.predict({ samples: samples.images, options: {} }, caller);
  expect(alone.value).toEqual(value);
});
