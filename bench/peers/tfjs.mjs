import tf from "@tensorflow/tfjs-core";
import { oneHot } from "./images.mjs";
import { CLASSES, INFERENCE_BATCH, initialTensors, PIXELS, SIDE, TRAIN_BATCH } from "./seed-cnn.mjs";
import { layersModel } from "./tfjs-layers.mjs";

/**
 * TensorFlow.js. variant: backend ("wasm" or "cpu"), then "layers", the tf.layers model that anyone would write, or
 * "matmul", in which convolution and pooling are written with slice, concat, matMul and maximum: the wasm backend
 * has no gradient kernels for convolution and pooling, but it has these.
 */
export async function open({ variant, data }) {
  const [backend, style] = variant.split(" ");
  await import(`@tensorflow/tfjs-backend-${backend}`);
  tf.enableProdMode();
  if (!(await tf.setBackend(backend)))
    throw new Error(`TensorFlow.js could not start its ${backend} backend`);
  if (backend === "wasm" && !(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")))
    throw new Error("TensorFlow.js found no wasm SIMD");

  const images = (at, n) =>
    tf.tensor4d(data.floats.slice(at * PIXELS, (at + n) * PIXELS), [n, SIDE, SIDE, 1]);
  const targets = oneHot(data.labels);
  const model = style === "layers" ? layersModel(tf.train.adam(1e-3)) : matmulModel();
  return {
    parameters: model.parameters,
    async trainPass(count) {
      let sum = 0;
      for (let at = 0; at < count; at += TRAIN_BATCH) {
        const x = images(at, TRAIN_BATCH);
        const y = tf.tensor2d(targets.slice(at * CLASSES, (at + TRAIN_BATCH) * CLASSES), [
          TRAIN_BATCH,
          CLASSES,
        ]);
        sum += await model.step(x, y);
        tf.dispose([x, y]);
      }
      return (sum * TRAIN_BATCH) / count;
    },
    async inferPass(count) {
      for (let at = 0; at < count; at += INFERENCE_BATCH) {
        const x = images(at, INFERENCE_BATCH);
        const y = tf.tidy(() => model.predict(x));
        await y.data();
        tf.dispose([x, y]);
      }
    },
  };
}

function matmulModel() {
  const p = {};
  for (const { name, shape, data } of initialTensors()) p[name] = tf.variable(tf.tensor(data, shape));
  const logits = (x) => {
    const a1 = tf.relu(tf.add(pool(convolution(x, p.w1)), p.b1));
    const a2 = tf.relu(tf.add(pool(convolution(a1, p.w2)), p.b2));
    const a3 = tf.relu(tf.add(tf.matMul(tf.reshape(a2, [-1, 1600]), p.w3), p.b3));
    return tf.add(tf.matMul(a3, p.w4), p.b4);
  };
  const adam = tf.train.adam(1e-3);
  return {
    parameters: Object.values(p).reduce((sum, { size }) => sum + size, 0),
    async step(x, y) {
      const cost = adam.minimize(() => tf.losses.softmaxCrossEntropy(y, logits(x)), true);
      const [loss] = await cost.data();
      cost.dispose();
      return loss;
    },
    predict: (x) => tf.softmax(logits(x)),
  };
}

/** 3x3, valid, as a product of patches [n*h*w, 9c] and kernel [9c, o]. */
function convolution(x, kernel) {
  const [n, height, width, c] = x.shape;
  const [h, w, o] = [height - 2, width - 2, kernel.shape[3]];
  const shifted = [];
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) shifted.push(tf.slice(x, [0, i, j, 0], [n, h, w, c]));
  const patches = tf.reshape(tf.concat(shifted, 3), [n * h * w, 9 * c]);
  return tf.reshape(tf.matMul(patches, tf.reshape(kernel, [9 * c, o])), [n, h, w, o]);
}

/** 2x2: the larger of two rows, then of two columns. Slices of rank 3 take the fast kernel, those of rank 5 do not. */
function pool(x) {
  const [n, height, width, c] = x.shape;
  const [h, w] = [height >> 1, width >> 1];
  const even = height % 2 || width % 2 ? tf.slice(x, [0, 0, 0, 0], [n, 2 * h, 2 * w, c]) : x;
  const rows = larger(tf.reshape(even, [n * h, 2, 2 * w * c]));
  return tf.reshape(larger(tf.reshape(rows, [n * h * w, 2, c])), [n, h, w, c]);
}

function larger(pairs) {
  const [n, , c] = pairs.shape;
  return tf.maximum(tf.slice(pairs, [0, 0, 0], [n, 1, c]), tf.slice(pairs, [0, 1, 0], [n, 1, c]));
}
