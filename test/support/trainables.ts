import { AsyncLocalStorage } from "node:async_hooks";
import { vi } from "vitest";
import { serve } from "../../src/browser/host/calls.ts";
import { scope } from "../../src/browser/host/scope.ts";
import { TrainingHost } from "../../src/browser/host/training.ts";
import type { FromWorker, ToWorker } from "../../src/browser/protocol.ts";
import { createTrainer } from "../../src/browser/trainer.ts";
import type { TrainerOptions } from "../../src/browser/types.ts";
import { elements } from "../../src/compiler/graph.ts";
import {
  add,
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  input,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { model as graphModel } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import type { Trainable } from "../../src/train/trainable.ts";
import { transferModel } from "../../src/train/transfer.ts";
import { fixtureValues } from "./fixture-values.ts";

// Models and trainers by one interface. Both halves of a trainer are in one thread here, and what they send each other is
// cloned, as between threads. A test file that uses this mocks src/browser/locks.ts and src/browser/host/scope.ts.

/** Which of the workers in this thread it is that runs. */
const running = new AsyncLocalStorage<OwnWorker>();

/** A worker in this thread. */
class OwnWorker {
  onmessage: ((event: { data: FromWorker }) => void) | undefined;
  #ended = false;
  #serving: typeof scope.onmessage | undefined;

  postMessage(message: ToWorker, transfer?: Transferable[]): void {
    if ("role" in message) {
      serve(new TrainingHost());
      this.#serving = scope.onmessage;
      scope.postMessage = (answer, transfer) => {
        const data = structuredClone(answer, { transfer: transfer ?? [] });
        const worker = running.getStore()!;
        setImmediate(() => worker.#ended || worker.onmessage?.({ data }));
      };
    } else {
      const data = structuredClone(message, { transfer: transfer ?? [] });
      const serve = () => this.#ended || this.#serving?.({ data } as MessageEvent<ToWorker>);
      setImmediate(() => running.run(this, serve));
    }
  }
  terminate(): void {
    this.#ended = true;
  }
}
vi.stubGlobal("Worker", OwnWorker);

/** With all that has a state of its own: moving statistics, dropout's draws. */
const LAYERS = () => [
  conv2d({ filters: 4, kernelSize: 3, useBias: false, inputShape: [6, 6, 1] }),
  batchNormalization(),
  maxPooling2d(),
  flatten(),
  dropout({ rate: 0.3 }),
  dense({ units: 2, activation: "softmax" }),
];
export const MODELS: Readonly<Record<string, () => Model>> = {
  Sequential: () => sequential(LAYERS()),
  "a functional model": () => {
    const x = input({ shape: [6, 6, 1] });
    const y = conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "relu" }).apply(x);
    const sum = add().apply([y, batchNormalization().apply(conv2d({ filters: 3, kernelSize: 1 }).apply(y))]);
    return graphModel({
      inputs: x,
      outputs: dense({ units: 2, activation: "softmax" }).apply(
        dropout({ rate: 0.3 }).apply(flatten().apply(sum)),
      ),
    });
  },
  "a head on a frozen backbone": () => transferModel(based(), { head: [dropout({ rate: 0.3 }), 2] }),
};

/** A base whose weights are numbers, those of a normalization's variance above 0. */
function based() {
  const model = sequential([
    conv2d({ filters: 4, kernelSize: 3, useBias: false, inputShape: [6, 6, 1] }),
    batchNormalization(),
    flatten(),
    dense({ units: 3, activation: "softmax" }),
  ]);
  const tensors = model.graph.parameters.map(({ name, shape }, i) => ({
    name,
    shape,
    data: fixtureValues(elements(shape), i, 1).map((x) => Math.abs(x) + 0.1),
  }));
  return { model, tensors, metadata: { preprocessing: { scale: 1 / 127.5, offset: -1 } } };
}

export type Make = (options: TrainerOptions) => Promise<Trainable>;
export const inNode =
  (build: () => Model): Make =>
  async (options) => {
    const net = build();
    await net.compile({ threads: 1, ...options });
    return net;
  };
export const inWorker =
  (build: () => Model): Make =>
  (options) =>
    createTrainer(build(), { threads: 1, workerUrl: "worker.js", ...options });

export async function using<T>(
  make: Make,
  options: TrainerOptions,
  use: (trainable: Trainable) => Promise<T>,
) {
  const trainable = await make(options);
  try {
    return await use(trainable);
  } finally {
    trainable.dispose();
  }
}
