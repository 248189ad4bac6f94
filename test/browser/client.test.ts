import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { FromWorker, Report, ToWorker } from "../../src/browser/protocol.ts";
import { createTrainer } from "../../src/browser/trainer.ts";
import { concatenate, dense, input } from "../../src/model/layers/index.ts";
import { sgd } from "../../src/optim/index.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import { model } from "../../src/train/functional.ts";
import type { Samples } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import { fixtureValues } from "../support/fixture-values.ts";

// The page's half of a trainer, before a worker that says what it is told to.

type Call = Extract<ToWorker, { method: string }>;

/** All that was sent to the worker. */
let sent: ToWorker[];

/** Starts a worker that answers fit() with what `fit` gives, other calls with nothing. */
function withWorker(fit: (call: Call, tell: (message: FromWorker) => void) => void): void {
  class FakeWorker {
    onmessage: ((event: { data: FromWorker }) => void) | undefined;
    postMessage(message: ToWorker): void {
      sent.push(message);
      if (!("method" in message)) return;
      const tell = (data: FromWorker) => this.onmessage?.({ data });
      const { id, method } = message;
      if (method === "fit") fit(message, tell);
      else {
        const value = method === "init" ? { info: { backend: "simd", threads: 1 }, lock: "" } : undefined;
        queueMicrotask(() => tell({ id, value }));
      }
    }
    terminate(): void {}
  }
  vi.stubGlobal("Worker", FakeWorker);
}

beforeEach(() => {
  sent = [];
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("../../src/browser/rarely.ts");
  vi.resetModules();
});

async function trainer() {
  const net = sequential([dense({ units: 1, inputShape: [2] })]);
  const made = await createTrainer(net, {
    workerUrl: "worker.js",
    threads: 1,
    loss: "meanSquaredError",
    optimizer: sgd({ learningRate: 1 }),
  });
  onTestFinished(() => made.dispose());
  return made;
}
const samples = { images: fixtureValues(4, 1, 1), shape: [2], count: 2, targets: fixtureValues(2, 2, 1) };

test("an error of the worker's reaches the caller, also where what says it cannot be loaded", async () => {
  const error = { name: "RangeError", message: "no", stack: undefined, fields: {} };
  withWorker(({ id }, tell) => tell({ id, error }));
  const made = await trainer();
  vi.doMock("../../src/browser/rarely.ts", () => {
    throw new Error("no network");
  });
  const fitting = made.fit(samples);
  await expect(fitting).rejects.toThrow();
});

test("callbacks have one hand on a training, however fast its batches come: a rate that is halved twice is a quarter", async () => {
  const batch = { epoch: 0, batch: 0, loss: 1, seen: 1, imagesPerSecond: 1 };
  const report: Report = { callback: "onBatchEnd", args: [batch, { loss: 1 }] };
  const hands = new Set();
  let batches = 0;
  let end = () => {};
  const halve: Callbacks = {
    onBatchEnd(_info, _logs, training) {
      hands.add(training);
      training.learningRate /= 2;
      if (++batches === 2) end();
    },
  };
  withWorker(({ id }, tell) => {
    // However long it takes the page to load what tells of batches.
    end = () => tell({ id, value: undefined });
    tell({ id, report });
    tell({ id, report });
  });
  await (await trainer()).fit(samples, { callbacks: halve });
  expect(hands.size).toBe(1);
  expect(sent.filter((message) => "note" in message && message.note === "rate")).toEqual([
    { note: "rate", rate: 0.5 },
    { note: "rate", rate: 0.25 },
  ]);
});

test("samples by name are sent in the model's order, and once", async () => {
  withWorker(({ id }, tell) => tell({ id, value: undefined }));
  const [a, b] = [input({ shape: [2], name: "a" }), input({ shape: [1], name: "b" })];
  const net = model({
    inputs: [a, b],
    outputs: dense({ units: 1, name: "y" }).apply(concatenate().apply([a, b])),
  });
  const made = await createTrainer(net, { workerUrl: "worker.js", threads: 1, loss: "meanSquaredError" });
  onTestFinished(() => made.dispose());
  const named: Samples = {
    images: { b: new Float32Array(3), a: new Float32Array(6) },
    shape: { b: [1], a: [2] },
    count: 3,
    targets: { y: new Float32Array(3) },
  };
  for (let i = 0; i < 2; i++) await made.fit(named);
  const frames = sent.flatMap((m) => ("method" in m && m.method === "allocate" ? [m.argument] : []));
  expect(frames).toEqual([
    {
      handle: expect.any(Number),
      count: 3,
      shape: [[2], [1]],
      arrays: [
        { name: "images", at: 0, bytes: false, length: 6 },
        { name: "images", at: 1, bytes: false, length: 3 },
        { name: "targets", at: undefined, bytes: false, length: 3 },
      ],
    },
  ]);
});
