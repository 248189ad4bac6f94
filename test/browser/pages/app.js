// An application that uses the package by its name, as users write it: package.test.ts builds and opens it.
import { adam, conv2d, createTrainer, dense, flatten, loadDataset, maxPooling2d, sequential } from "wasmgrad";

const { train, test } = await loadDataset("digits", { train: 640, test: 100 });
const model = sequential([
  conv2d({ filters: 8, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
  maxPooling2d({ poolSize: 2 }),
  flatten(),
  dense({ units: 10, activation: "softmax" }),
]);
const trainer = await createTrainer(model, { optimizer: adam({ learningRate: 0.003 }), seed: 2 });
await trainer.fit(train, { epochs: 2, batchSize: 32 });
const { accuracy } = await trainer.evaluate(test);
globalThis.result = { accuracy, sha256: await trainer.weightsSha256(), info: trainer.info };
trainer.dispose();
