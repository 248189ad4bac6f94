import { INFERENCE_BATCH, TRAIN_BATCH } from "./seed-cnn.mjs";

/** Images trained on before the clock starts, where the peer is fast enough to have a choice. */
const WARM_UP = 1280;
/** Images in one pass of inference, at most. */
const INFERENCE_IMAGES = 2000;

/**
 * Training images a second: passes over the first `images` images, or over as many as the time allows.
 * The loss of the very first batch, which is that of an untrained net, and of the last pass show that it learns.
 *
 * @param model `trainPass(count)` trains once over the first `count` images and resolves to the mean loss
 * @param options images: in a pass, at most; seconds: for all runs; runs: timed passes
 */
export async function measureTraining(model, { images, seconds, runs }) {
  const first = await timed(() => model.trainPass(TRAIN_BATCH));
  const second = await timed(() => model.trainPass(TRAIN_BATCH));
  const count = passSize(TRAIN_BATCH, TRAIN_BATCH / second.seconds, seconds / runs, images);
  const passes = [];
  if (count === TRAIN_BATCH) passes.push(second);
  else await model.trainPass(Math.min(WARM_UP, count));
  while (passes.length < runs) passes.push(await timed(() => model.trainPass(count)));
  return { ...summary(passes, count), lossFirst: first.value, lossLast: passes.at(-1).value };
}

/** Inference images a second, in batches of 100. `model.inferPass(count)` computes the class probabilities. */
export async function measureInference(model, { images, seconds, runs }) {
  await model.inferPass(INFERENCE_BATCH);
  const second = await timed(() => model.inferPass(INFERENCE_BATCH));
  const speed = INFERENCE_BATCH / second.seconds;
  const count = passSize(INFERENCE_BATCH, speed, seconds / runs, Math.min(images, INFERENCE_IMAGES));
  const passes = [];
  if (count === INFERENCE_BATCH) passes.push(second);
  else await model.inferPass(count);
  while (passes.length < runs) passes.push(await timed(() => model.inferPass(count)));
  return summary(passes, count);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Whole batches that fit in the time, at least one. */
function passSize(batch, speed, seconds, most) {
  return Math.max(1, Math.floor(Math.min(most, speed * seconds) / batch)) * batch;
}

async function timed(run) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const value = await run();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { value, seconds, cores: (user + system) / 1e6 / seconds };
}

/** `cores`: CPU time over wall time, so that a thread too many, or too few, is seen. */
function summary(passes, count) {
  return {
    images: count,
    imagesPerSecond: passes.map(({ seconds }) => count / seconds),
    cores: median(passes.map(({ cores }) => cores)),
  };
}
