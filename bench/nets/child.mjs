// Training speed of one net in a process of its own: argv[2] is the job as JSON, the answer goes to stdout.
import { writeFileSync } from "node:fs";
import { exportModel } from "../../dist/node.js";
import { createNet, NETS } from "./nets.mjs";

const { net, build, threads, batch, seconds, file } = JSON.parse(process.argv[2]);
const { shape, classes, masks } = NETS[net];
const COUNT = 512;
const size = shape.reduce((product, n) => product * n, 1);

const model = createNet(net);
await model.compile({ backend: build, threads, seed: 1, metrics: [] });
if (file) writeFileSync(file, (await exportModel(model, { format: "keras", name: "m" }))["m.keras"]);

/** Noise, the same at every run: speed depends on it only through how many relus are open. */
const images = Uint8Array.from({ length: COUNT * size }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
const labels = Uint8Array.from(
  { length: masks ? COUNT * shape[0] * shape[1] : COUNT },
  (_, i) => Math.imul(i + 1, 0x85ebca6b) >>> 16,
).map((value) => value % classes);
const training = model.training(
  { images, labels, count: COUNT, shape },
  { epochs: 1_000_000, batchSize: batch },
);

/** Trains for so many milliseconds, and gives the images trained on in one. */
async function run(milliseconds) {
  const began = performance.now();
  let images = 0;
  let passed = 0;
  do {
    await training.step();
    images += batch;
    passed = performance.now() - began;
  } while (passed < milliseconds);
  return images / passed;
}

await run(250 * seconds);
const imagesPerSecond = 1000 * (await run(1000 * seconds));
const parameters = model.graph.parameters
  .filter(({ role }) => role === "weight")
  .reduce((sum, { shape: sizes }) => sum + sizes.reduce((product, n) => product * n, 1), 0);
model.dispose();
console.log(JSON.stringify({ parameters, imagesPerSecond }));
