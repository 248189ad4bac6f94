import { INFERENCE_BATCH, PIXELS, SIDE, TRAIN_BATCH } from "./seed-cnn.mjs";

/** wasmgrad through its public API. Images go in as bytes: scaling them is part of the time, here alone. */
export async function open({ variant, threads, data }) {
  const { sequential, conv2d, maxPooling2d, flatten, dense, adam } = await import("../../dist/index.js");
  const model = sequential([
    conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape: [SIDE, SIDE, 1] }),
    maxPooling2d({ poolSize: 2 }),
    conv2d({ filters: 64, kernelSize: 3, activation: "relu" }),
    maxPooling2d({ poolSize: 2 }),
    flatten(),
    dense({ units: 64, activation: "relu" }),
    dense({ units: 10, activation: "softmax" }),
  ]);
  await model.compile({
    optimizer: adam(),
    loss: "categoricalCrossentropy",
    metrics: [],
    backend: variant,
    threads,
    seed: 1,
  });
  const running = model.session.engine.threads ?? 1;
  if (running !== threads) throw new Error(`this version runs on ${running} thread(s) only`);
  const first = (count) => ({
    images: data.bytes.subarray(0, count * PIXELS),
    labels: data.labels.subarray(0, count),
    count,
    shape: [SIDE, SIDE, 1],
  });
  return {
    parameters: model.countParams(),
    async trainPass(count) {
      const { history } = await model.fit(first(count), { epochs: 1, batchSize: TRAIN_BATCH });
      return history.loss[0];
    },
    inferPass: (count) =>
      model.predict(data.bytes.subarray(0, count * PIXELS), { batchSize: INFERENCE_BATCH }),
  };
}
