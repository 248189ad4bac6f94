/** The job, the same for all: Conv 32 3x3 relu, MaxPool 2, Conv 64 3x3 relu, MaxPool 2, Dense 64 relu, Dense 10 softmax. */
export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;
/** What Keras counts for this model: a peer with another number has built another net. */
export const PARAMETERS = 121_930;
export const TRAIN_BATCH = 32;
export const INFERENCE_BATCH = 100;

/** Shapes (kernels HWIO, dense [in, out]) and Glorot limits, for the peers that have no layers of their own. */
export const TENSORS = [
  { name: "w1", shape: [3, 3, 1, 32], limit: glorot(9, 288) },
  { name: "b1", shape: [32], limit: 0 },
  { name: "w2", shape: [3, 3, 32, 64], limit: glorot(288, 576) },
  { name: "b2", shape: [64], limit: 0 },
  { name: "w3", shape: [1600, 64], limit: glorot(1600, 64) },
  { name: "b3", shape: [64], limit: 0 },
  { name: "w4", shape: [64, CLASSES], limit: glorot(64, CLASSES) },
  { name: "b4", shape: [CLASSES], limit: 0 },
];

function glorot(fanIn, fanOut) {
  return Math.sqrt(6 / (fanIn + fanOut));
}

/** Numbers uniform in [0, 1), the same on every machine (mulberry32). */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Initial values of every tensor in TENSORS, by name. */
export function initialTensors(seed = 1) {
  const next = uniform(seed);
  return TENSORS.map(({ name, shape, limit }) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => limit * (2 * next() - 1)),
  }));
}
