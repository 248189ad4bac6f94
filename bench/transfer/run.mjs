#!/usr/bin/env node
// npm run bench:transfer: a head on a frozen MobileNetV2, with what the backbone gives kept, computed at every step, and the whole trained as a graph.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { modelFromConfig, transferModel } from "../../dist/node.js";
import { held } from "../../dist/train/stream.js";
import { Training } from "../../dist/train/training.js";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "320" },
    size: { type: "string", default: "96" },
    epochs: { type: "string", default: "5" },
    threads: { type: "string", default: "1" },
    head: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(`Usage: npm run bench:transfer -- [--images 320] [--size 96] [--epochs 5] [--threads 1] [--head 128,5]

Trains a head on a frozen MobileNetV2 of random weights, on random images in batches of 32. Prints the seconds of each epoch, and of the epochs
after the first the microseconds a step where what the backbone gives is kept.`);
  process.exit();
}
const [count, size, epochs, threads] = [values.images, values.size, values.epochs, values.threads].map(
  Number,
);
const head = values.head.split(",").map(Number);
const layers = JSON.parse(
  readFileSync(new URL("../../docs/examples/mobilenet-v2.json", import.meta.url), "utf8"),
);
const base = modelFromConfig(layers);
await base.compile({ optimizer: "sgd", threads, maxMemory: 3 * 2 ** 30 });
const inputShape = [size, size, 3];
const classes = head.at(-1);
const train = {
  images: Uint8Array.from({ length: count * size * size * 3 }, (_, i) => (i * 2654435761) >>> 24),
  labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
  shape: inputShape,
  count,
};
const batchSize = 32;
for (const [name, room] of [
  ["kept", undefined],
  ["computed at every step", 0],
  ["the whole graph", -1],
]) {
  const net = transferModel(base, { head, inputShape });
  await net.compile({ threads });
  const seconds = [];
  const began = performance.now();
  const callbacks = { onEpochEnd: ({ trainSeconds }) => void seconds.push(trainSeconds) };
  const training = new Training(
    net.session,
    held(train, net, "fit"),
    { epochs, batchSize, callbacks },
    net,
    room,
  );
  await training.run();
  const all = (performance.now() - began) / 1000;
  const later = seconds.slice(1);
  const step = (1e6 * Math.min(...later)) / Math.ceil(count / batchSize);
  console.log(
    `${name.padEnd(24)} epochs of ${seconds.map((s) => s.toPrecision(3)).join(", ")} s; all of it ${all.toPrecision(3)} s${room === undefined ? `; ${step.toFixed(0)} us a step of ${batchSize} images` : ""}; ${(await net.weightsSha256()).slice(0, 8)}`,
  );
  net.dispose();
}
base.dispose();
