import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from "@jax-js/jax";
import { oneHot } from "./images.mjs";
import { CLASSES, INFERENCE_BATCH, initialTensors, PIXELS, SIDE, TRAIN_BATCH } from "./seed-cnn.mjs";

const [RATE, BETA1, BETA2, EPSILON] = [1e-3, 0.9, 0.999, 1e-7];

/**
 * jax-js on its wasm backend: loss, gradients and Adam are one jitted function, inference another.
 * "conv" uses its convolution, `lax.conv`, as its own MNIST page does. "matmul" writes the convolution as a matrix
 * product of image patches, which no page of theirs tells one to do, but which it runs much faster.
 * Every argument given to a function of jax-js is consumed; `.ref` keeps it.
 */
export async function open({ variant, data }) {
  if (!(await init("wasm")).includes("wasm")) throw new Error("jax-js has no wasm backend here");
  defaultDevice("wasm");
  const { image, convolution, pool, kernel, bias } = variant === "conv" ? CHANNELS_FIRST : CHANNELS_LAST;

  const logits = (p, x) => {
    const a1 = nn.relu(pool(convolution(x, p.w1).add(p.b1)));
    const a2 = nn.relu(pool(convolution(a1, p.w2).add(p.b2)));
    const a3 = nn.relu(np.dot(a2.reshape([-1, 1600]), p.w3).add(p.b3));
    return np.dot(a3, p.w4).add(p.b4);
  };
  const loss = (p, x, y) =>
    nn
      .logSoftmax(logits(p, x))
      .mul(y)
      .sum()
      .mul(-1 / TRAIN_BATCH);
  const step = jit((p, m, v, correction1, correction2, x, y) => {
    const [value, dp] = valueAndGrad(loss)(tree.ref(p), x, y);
    const [p1, m1, v1] = [{}, {}, {}];
    for (const name of Object.keys(p)) {
      m1[name] = m[name].mul(BETA1).add(dp[name].ref.mul(1 - BETA1));
      v1[name] = v[name].mul(BETA2).add(np.square(dp[name]).mul(1 - BETA2));
      const root = np.sqrt(v1[name].ref.mul(correction2.ref)).add(EPSILON);
      p1[name] = p[name].sub(m1[name].ref.mul(correction1.ref).div(root).mul(RATE));
    }
    correction1.dispose();
    correction2.dispose();
    return [p1, m1, v1, value];
  });
  const probabilities = jit((p, x) => nn.softmax(logits(p, x)));

  let p = {};
  for (const { name, shape, data } of initialTensors()) {
    const a = np.array(data).reshape(shape);
    p[name] = shape.length === 4 ? kernel(a) : name === "b1" || name === "b2" ? bias(a) : a;
  }
  p = await blockUntilReady(p);
  const zeros = () => tree.map((a) => np.zeros(a.shape), tree.ref(p));
  let [m, v, steps] = [zeros(), zeros(), 0];
  const targets = oneHot(data.labels);
  const images = (at, n) =>
    np.array(data.floats.slice(at * PIXELS, (at + n) * PIXELS)).reshape([n, ...image]);

  return {
    parameters: Object.values(p).reduce((sum, { size }) => sum + size, 0),
    async trainPass(count) {
      let sum = 0;
      for (let at = 0; at < count; at += TRAIN_BATCH) {
        const y = targets.slice(at * CLASSES, (at + TRAIN_BATCH) * CLASSES);
        steps++;
        let value;
        [p, m, v, value] = step(
          p,
          m,
          v,
          np.array(1 / (1 - BETA1 ** steps)),
          np.array(1 / (1 - BETA2 ** steps)),
          images(at, TRAIN_BATCH),
          np.array(y).reshape([TRAIN_BATCH, CLASSES]),
        );
        await blockUntilReady(p);
        sum += await value.jsAsync();
      }
      return (sum * TRAIN_BATCH) / count;
    },
    async inferPass(count) {
      for (let at = 0; at < count; at += INFERENCE_BATCH)
        await probabilities(tree.ref(p), images(at, INFERENCE_BATCH)).data();
    },
  };
}

/** NCHW and OIHW, the only layout of lax.conv. */
const CHANNELS_FIRST = {
  image: [1, SIDE, SIDE],
  kernel: (w) => w.transpose([3, 2, 0, 1]),
  bias: (b) => b.reshape([-1, 1, 1]),
  convolution: (x, w) => lax.conv(x, w, [1, 1], "VALID"),
  pool: (x) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]),
};

/** NHWC and HWIO: patches need no transposition. 3x3 kernels and 2x2 pools. */
const CHANNELS_LAST = {
  image: [SIDE, SIDE, 1],
  kernel: (w) => w,
  bias: (b) => b,
  convolution(x, w) {
    const [n, height, width, c] = x.shape;
    const [h, wd, o] = [height - 2, width - 2, w.shape[3]];
    const shifted = [];
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++) shifted.push(x.ref.slice([], [i, i + h], [j, j + wd], []));
    x.dispose();
    const patches = np.stack(shifted, 3).reshape([n * h * wd, 9 * c]);
    return np.matmul(patches, w.reshape([9 * c, o])).reshape([n, h, wd, o]);
  },
  pool(x) {
    const [n, height, width, c] = x.shape;
    const [h, w] = [height >> 1, width >> 1];
    const even = x.slice([], [0, 2 * h], [0, 2 * w], []);
    return np.max(even.reshape([n, h, 2, w, 2, c]), [2, 4]);
  },
};
