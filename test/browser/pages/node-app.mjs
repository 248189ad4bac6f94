// What app.js does, in Node.
import { adam, conv2d, dense, flatten, loadDataset, maxPooling2d, sequential } from "wasmgrad";

const { train } = await loadDataset("digits", { digits: { train: 640, test: 100 } });
const model = sequential([
  conv2d({ filters: 8, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
  maxPooling2d({ poolSize: 2 }),
  flatten(),
  dense({ units: 10, activation: "softmax" }),
]);
await model.compile({ optimizer: adam({ learningRate: 0.003 }), seed: 2 });
await model.fit(train, { epochs: 2, batchSize: 32 });
console.log(await model.weightsSha256());
model.dispose();
