// What frozen.test.ts does in pages: each function runs in a page and returns plain data.
import * as wasmgrad from "/dist/wasmgrad.js";

const { adam, batchNormalization, conv2d, createTrainer, dense, dropout, flatten, maxPooling2d, sequential } =
  wasmgrad;

/** Stands before a worker's script: counts the kernel calls that programs make there, and tells how many since it was last asked. */
const COUNTER = `{
  const channel = new BroadcastChannel("kernel calls");
  let calls = 0;
  channel.onmessage = () => {
    channel.postMessage(calls);
    calls = 0;
  };
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const { exports } = await instantiate(...given);
    const run = (records, first, last, scratch) => {
      calls += last - first;
      exports.run(records, first, last, scratch);
    };
    return { exports: { ...exports, run } };
  };
}`;
globalThis.Blob = class extends Blob {
  constructor(parts, options) {
    super(options?.type === "text/javascript" ? [COUNTER, ...parts] : parts, options);
  }
};
const channel = new BroadcastChannel("kernel calls");
const counted = () =>
  new Promise((resolve) => {
    channel.onmessage = ({ data }) => resolve(data);
    channel.postMessage("");
  });

const frozen = { trainable: false };
const build = (before = []) =>
  sequential([
    ...before,
    conv2d({
      filters: 4,
      kernelSize: 3,
      ...(before.length === 0 && { inputShape: [28, 28, 1] }),
      ...frozen,
    }),
    batchNormalization(frozen),
    maxPooling2d(),
    conv2d({ filters: 6, kernelSize: 3, activation: "relu", ...frozen }),
    flatten(),
    dropout({ rate: 0.2 }),
    dense({ units: 10, activation: "softmax" }),
  ]);
/** The same with nothing frozen. */
const thawed = () => {
  const config = build().toConfig();
  return wasmgrad.modelFromConfig({
    ...config,
    layers: config.layers.map(({ trainable: _, ...layer }) => layer),
  });
};
const { train } = await wasmgrad.generateDigits({ train: 200, test: 1 });

async function trained(model, options, fit) {
  const trainer = await createTrainer(model, {
    seed: 5,
    threads: 1,
    optimizer: adam({ learningRate: 0.01 }),
    ...options,
  });
  try {
    return await fit(trainer);
  } finally {
    trainer.dispose();
  }
}

const FIT = {
  epochs: 3,
  validationSplit: 0.2,
  validationFrom: "stratified",
  classWeight: { 3: 2 },
  restoreBestWeights: "val_loss",
};

/** Hash, losses, and kernel calls by epoch. */
async function fitted(model, options = {}) {
  return trained(model, options, async (trainer) => {
    const calls = [];
    const count = { onEpochEnd: async () => void calls.push(await counted()) };
    if (!options.workerUrl) await counted();
    const { history } = await trainer.fit(train, {
      ...FIT,
      callbacks: options.workerUrl ? [] : [count],
    });
    return { sha256: await trainer.weightsSha256(), history, calls };
  });
}

export const backbone = () => fitted(build());
export const backboneOfFile = () => fitted(build(), { workerUrl: "/dist/browser/worker.js" });
export const varied = () =>
  fitted(build([wasmgrad.randomFlip({ mode: "horizontal", inputShape: [28, 28, 1] })]));

/** As backbone(), but its layers are frozen after an epoch in which all are trained; on two threads. */
export const frozenLater = (names) =>
  trained(thawed(), { threads: 2 }, async (trainer) => {
    await trainer.fit(train, { epochs: 1 });
    await trainer.setTrainable(names, false);
    const { history } = await trainer.fit(train, FIT);
    return { sha256: await trainer.weightsSha256(), history };
  });

/** Weights of frozen layers are set while it trains. */
export const changed = () =>
  trained(build(), {}, async (trainer) => {
    const callbacks = {
      async onEpochEnd({ epoch }, _logs, training) {
        if (epoch > 0) return;
        const weights = await training.getWeights();
        await training.setWeights(
          weights.map((tensor) => ({
            ...tensor,
            data: tensor.name === "conv2d/kernel" ? tensor.data.map((x) => 2 * x) : tensor.data,
          })),
        );
      },
    };
    await trainer.fit(train, { epochs: 3, callbacks });
    return trainer.weightsSha256();
  });
