// One training of npm run bench:transfer in a process of its own: node child.mjs '{"engine", "folder", "model", "seed", "threads", ...}' prints
// { accuracy, load, features, head, all, test } as JSON: seconds from the start of the process until the model is loaded, of what the trunk gives for the
// pictures to learn from, of training on it, from the start of the process until it has learned, and of the test.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const job = JSON.parse(process.argv[2]);
const { engine, folder, model, seed, threads, size, cut, epochs, batchSize, rate, classes } = job;
/** Seconds since the process started. */
const now = () => performance.now() / 1000;
const PIXELS = size * size * 3;

const bytesOf = (file) => new Uint8Array(readFileSync(file));

function part(name) {
  const labels = bytesOf(join(folder, `${name}-labels`));
  return {
    images: bytesOf(join(folder, `${name}-images`)),
    labels,
    shape: [size, size, 3],
    count: labels.length,
  };
}

/** Trains, and asks; the first epoch computes what the trunk gives as well. */
async function wasmgrad(make) {
  const library = await import("../../dist/node.js");
  const files = Object.fromEntries(
    readdirSync(dirname(model)).map((name) => [name, bytesOf(join(dirname(model), name))]),
  );
  const net = make(await library.loadModel(files), library);
  await net.compile({ seed, threads, optimizer: library.adam({ learningRate: rate }) });
  const [train, test] = [part("train"), part("test")];
  const load = now();
  const seconds = [];
  const callbacks = { onEpochEnd: ({ trainSeconds }) => void seconds.push(trainSeconds) };
  await net.fit(train, { epochs, batchSize, callbacks });
  const all = now();
  const later = seconds.slice(1).sort((a, b) => a - b);
  const features = engine.startsWith("scratch") ? undefined : seconds[0] - later[later.length >> 1];
  const { accuracy } = await net.evaluate(test);
  const sha = await net.weightsSha256();
  return { accuracy, sha, load, features, head: all - load - (features ?? 0), all, test: now() - all };
}

const api = () =>
  wasmgrad((base, { transferModel }) =>
    transferModel(base, { cut, inputShape: [size, size, 3], freeze: "all", head: [classes] }),
  );

/** The same net, drawn anew and trained whole, on pictures that are varied or not. Its statistics of few steps are of the last ten, not thousand. */
const scratch = (vary) =>
  wasmgrad((base, { transferModel, modelFromConfig }) => {
    const net = transferModel(base, {
      cut,
      inputShape: [size, size, 3],
      freeze: "none",
      head: [classes],
    });
    const config = net.toConfig();
    const [first] = config.inputs;
    const varied = [
      { type: "randomFlip", mode: "horizontal" },
      { type: "randomTranslation", heightFactor: 0.1, widthFactor: 0.1 },
      { type: "randomZoom", heightFactor: 0.2 },
    ].map((layer, i, { length }) => ({
      ...layer,
      name: i === length - 1 ? "varied" : layer.type,
      from: [i === 0 ? first : ["randomFlip", "randomTranslation"][i - 1]],
    }));
    const layers = config.layers.map((layer) => ({
      ...layer,
      ...(vary && layer.from && { from: layer.from.map((name) => (name === first ? "varied" : name)) }),
      ...(layer.type === "batchNormalization" && { momentum: 0.9 }),
    }));
    return modelFromConfig({
      ...config,
      layers: [layers[0], ...(vary ? varied : []), ...layers.slice(1)],
    });
  });

/** As one writes it there: the trunk's layers up to the cut, what it gives in batches, and a dense layer by matMul and tf.train.adam. */
async function tfjs() {
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  const { loadLayersModel } = require("@tensorflow/tfjs-layers");
  tf.enableProdMode();
  wasm.setThreadsCount(threads);
  if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js could not start its wasm backend");
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")))
    throw new Error("TensorFlow.js found no wasm SIMD");
  const trunk = await loadLayersModel({ load: async () => trunkOf(model) }, { strict: false });
  const [train, test] = [part("train"), part("test")];
  const load = now();
  const features = (images, count) =>
    tf.tidy(() => {
      const all = [];
      for (let at = 0; at < count; at += 32) {
        const n = Math.min(32, count - at);
        const pixels = tf.tensor4d(Float32Array.from(images.subarray(at * PIXELS, (at + n) * PIXELS)), [
          n,
          size,
          size,
          3,
        ]);
        all.push(tf.mean(trunk.predict(tf.div(pixels, 255)), [1, 2]));
      }
      return tf.concat(all);
    });
  const x = features(train.images, train.count);
  await x.data();
  const known = now();
  const units = x.shape[1];
  const limit = Math.sqrt(6 / (units + classes));
  const kernel = tf.variable(tf.randomUniform([units, classes], -limit, limit, "float32", seed));
  const bias = tf.variable(tf.zeros([classes]));
  const logits = (features) => tf.add(tf.matMul(features, kernel), bias);
  const adam = tf.train.adam(rate);
  const y = tf.oneHot(tf.tensor1d(Int32Array.from(train.labels), "int32"), classes);
  const targets = tf.cast(y, "float32");
  const order = Int32Array.from({ length: train.count }, (_, i) => i);
  for (let epoch = 0; epoch < epochs; epoch++) {
    tf.util.shuffle(order);
    for (let at = 0; at < order.length; at += batchSize)
      tf.tidy(() => {
        const rows = tf.tensor1d(order.slice(at, at + batchSize), "int32");
        const [xs, ys] = [tf.gather(x, rows), tf.gather(targets, rows)];
        adam.minimize(() => tf.losses.softmaxCrossEntropy(ys, logits(xs)));
      });
  }
  await kernel.data();
  const all = now();
  const answers = await tf.argMax(logits(features(test.images, test.count)), 1).data();
  const right = answers.reduce((sum, label, i) => sum + Number(label === test.labels[i]), 0);
  return {
    accuracy: right / test.count,
    load,
    features: known - load,
    head: all - known,
    all,
    test: now() - all,
    threads: wasm.getThreadsCount(),
  };
}

/** What loadLayersModel() takes of the trunk up to the cut, for pictures of the size. */
function trunkOf(path) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(path, "utf8"));
  const { config, ...rest } = modelTopology.model_config;
  const layers = config.layers.slice(0, config.layers.findIndex(({ name }) => name === cut) + 1);
  layers[0].config.batch_input_shape = [null, size, size, 3];
  const parts = weightsManifest.flatMap(({ paths }) =>
    paths.map((name) => readFileSync(join(dirname(path), name))),
  );
  const data = Buffer.concat(parts);
  return {
    modelTopology: {
      ...modelTopology,
      training_config: undefined,
      model_config: { ...rest, config: { ...config, layers, output_layers: [[cut, 0, 0]] } },
    },
    weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length),
  };
}

const engines = { api, tfjs, scratch: () => scratch(false), "scratch-varied": () => scratch(true) };
const answer = await engines[engine]();
console.log(JSON.stringify(answer));
process.exit(0);
