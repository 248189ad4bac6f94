// npm run bench:transfer -- --random: a head on a frozen MobileNetV2, with what the backbone gives kept, computed at every step, and the whole trained as a graph.
import { readFileSync } from "node:fs";
import { modelFromConfig, transferModel } from "../../dist/node.js";
import { held } from "../../dist/train/stream.js";
import { Training } from "../../dist/train/training.js";

const BATCH_SIZE = 32;

async function measure(base, train, head, { epochs, threads }, room) {
  const net = transferModel(base, { head, inputShape: train.shape });
  await net.compile({ threads });
  const seconds = [];
  const callbacks = { onEpochEnd: ({ trainSeconds }) => void seconds.push(trainSeconds) };
  const began = performance.now();
  const settings = { epochs, batchSize: BATCH_SIZE, callbacks };
  await new Training(net.session, held(train, net, "fit"), settings, net, room).run();
  const all = (performance.now() - began) / 1000;
  const sha = await net.weightsSha256();
  net.dispose();
  return { seconds, all, sha };
}

/** Prints the seconds of each epoch, and of those after the first the microseconds a step where what the backbone gives is kept. */
export async function measureKept(chosen) {
  const { images: count, size, threads, head } = chosen;
  const layers = JSON.parse(
    readFileSync(new URL("../../docs/examples/mobilenet-v2.json", import.meta.url), "utf8"),
  );
  const base = modelFromConfig(layers);
  await base.compile({ optimizer: "sgd", threads, maxMemory: 3 * 2 ** 30 });
  const train = {
    images: Uint8Array.from({ length: count * size * size * 3 }, (_, i) => (i * 2654435761) >>> 24),
    labels: Uint8Array.from({ length: count }, (_, i) => i % head.at(-1)),
    shape: [size, size, 3],
    count,
  };
  for (const [name, room] of [
    ["kept", undefined],
    ["computed at every step", 0],
    ["the whole graph", -1],
  ]) {
    const { seconds, all, sha } = await measure(base, train, head, chosen, room);
    const later = seconds.slice(1);
    const step = (1e6 * Math.min(...later)) / Math.ceil(count / BATCH_SIZE);
    const each =
      room === undefined && later.length > 0 ? `; ${step.toFixed(0)} us a step of ${BATCH_SIZE} images` : "";
    console.log(
      `${name.padEnd(24)} epochs of ${seconds.map((s) => s.toPrecision(3)).join(", ")} s; all of it ${all.toPrecision(3)} s${each}; ${sha.slice(0, 8)}`,
    );
  }
  base.dispose();
}
