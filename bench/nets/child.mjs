// Training speed of one named model in a process of its own: argv[2] is the job as JSON, the answer goes to stdout.
import { namedModel, sequential } from "../../dist/index.js";

const { net, build, threads, batch, seconds, shape } = JSON.parse(process.argv[2]);
const COUNT = 1024;
const size = shape[0] * shape[1] * shape[2];
/** Noise, the same at every run: speed depends on it only through how many relus are open. */
const images = Uint8Array.from({ length: COUNT * size }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 10);

const model = sequential(namedModel(net, shape, 10));
await model.compile({ backend: build, threads, seed: 1, metrics: [] });
const samples = { images, labels, count: COUNT, shape };

/** Trains for so many milliseconds, and returns the images trained on. */
async function run(milliseconds) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  const { trainedSamples } = await model.fit(samples, {
    epochs: 1_000_000,
    batchSize: batch,
    signal: controller.signal,
  });
  clearTimeout(timer);
  return trainedSamples;
}

await run(250 * seconds);
const began = performance.now();
const trained = await run(1000 * seconds);
const imagesPerSecond = (1000 * trained) / (performance.now() - began);
const parameters = model.countParams();
model.dispose();
console.log(JSON.stringify({ parameters, imagesPerSecond }));
