// Runs in the browser: TensorFlow.js, training the seed CNN on the same digits.
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgl";
import * as tf from "@tensorflow/tfjs-core";
import { loadDataset } from "../../dist/browser.js";
import { CLASSES, INFERENCE_BATCH, PARAMETERS, SIDE, TRAIN_BATCH } from "../peers/seed-cnn.mjs";
import { layersModel } from "../peers/tfjs-layers.mjs";

const IMAGES = 1600;
let model;
let data;

/** Images and one-hot targets, made anew for each batch, as in use. */
function batchOf(at, count) {
  const { images, labels } = data;
  const size = SIDE * SIDE;
  const pixels = Float32Array.from(images.subarray(at * size, (at + count) * size), (byte) => byte / 255);
  const targets = new Float32Array(count * CLASSES);
  for (let i = 0; i < count; i++) targets[i * CLASSES + labels[at + i]] = 1;
  return {
    x: tf.tensor4d(pixels, [count, SIDE, SIDE, 1]),
    y: tf.tensor2d(targets, [count, CLASSES]),
  };
}

/** Repeats batches for about so many seconds, one at least. Resolves to images a second and the last batch's value. */
async function repeat(count, seconds, step) {
  const began = performance.now();
  let images = 0;
  let value;
  do {
    const { x, y } = batchOf(images % (IMAGES - (IMAGES % count)), count);
    value = await step(x, y);
    tf.dispose([x, y]);
    images += count;
  } while (performance.now() - began < 1000 * seconds);
  return { imagesPerSecond: (1000 * images) / (performance.now() - began), value };
}

window.bench = {
  async open(backend) {
    tf.enableProdMode();
    if (!(await tf.setBackend(backend)))
      throw new Error(`TensorFlow.js could not start its ${backend} backend`);
    data ??= (await loadDataset("digits", { train: IMAGES, test: 1 })).train;
    model = layersModel(tf.train.adam(1e-3));
    if (model.parameters !== PARAMETERS)
      throw new Error(`${model.parameters} parameters, expected ${PARAMETERS}`);
    return { version: tf.version_core, renderer: backend === "webgl" ? renderer() : undefined };
  },
  /** trainOnBatch gives the loss, which waits for the graphics processor. */
  train: (seconds) => repeat(TRAIN_BATCH, seconds, (x, y) => model.step(x, y)),
  infer: (seconds) =>
    repeat(INFERENCE_BATCH, seconds, async (x) => {
      const y = tf.tidy(() => model.predict(x));
      await y.data();
      tf.dispose(y);
    }),
};

/** What draws: a graphics card, or software. */
function renderer() {
  const { gl } = tf.backend().getGPGPUContext();
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}
