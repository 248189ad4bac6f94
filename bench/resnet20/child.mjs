// Images per second of ResNet-20's training in a process of its own: argv[2] is the job as JSON, the answer goes to stdout.
import { modelFromConfig, oneCycle, sgd } from "../../dist/index.js";
import { BATCH, settings } from "./settings.mjs";

const { build, threads, steps, epochs } = JSON.parse(process.argv[2]);
const count = 1024;
const { model: config, optimizer } = settings(epochs);
const { name: _, learningRate, ...options } = optimizer;
const model = modelFromConfig(config);
await model.compile({
  backend: build,
  threads,
  optimizer: sgd({ ...options, learningRate: oneCycle(learningRate.options) }),
});
const samples = {
  images: Uint8Array.from({ length: count * 784 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24),
  labels: Uint8Array.from({ length: count }, (_, i) => i % 10),
  shape: [28, 28, 1],
  count,
};
const training = model.training(samples, { epochs: 1_000_000, batchSize: BATCH });
for (let k = 0; k < steps / 4 + 2; k++) await training.step();
const began = performance.now();
for (let k = 0; k < steps; k++) await training.step();
const imagesPerSecond = (1000 * steps * BATCH) / (performance.now() - began);
const trained = model.graph.parameters.filter(({ role }) => role === "weight");
const parameters = trained.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
model.dispose();
console.log(JSON.stringify({ parameters, imagesPerSecond }));
