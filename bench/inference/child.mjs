// Inference of one engine in a process of its own: node child.mjs '{"engine", "folder", "shape", "batch", "threads", "seconds"}'
// prints { imagesPerSecond, answers }, the answers being those for the first image.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const { engine, folder, shape, batch, threads, seconds } = JSON.parse(process.argv[2]);
const root = fileURLToPath(new URL("../../", import.meta.url));
const size = shape.reduce((product, n) => product * n, 1);
// Of the same numbers for all: pictures of smooth waves, 0 to 1.
const images = Float32Array.from(
  { length: batch * size },
  (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37 + (i % 11)),
);
const counterparts = createRequire(join(root, "test/counterparts/package.json"));
const peers = createRequire(join(root, "bench/peers/package.json"));

const ENGINES = {
  async simd() {
    const { loadModel } = await import("../../dist/node.js");
    const { model } = await loadModel(readFileSync(join(folder, "m.safetensors")));
    await model.compile({ backend: "simd", threads, optimizer: "sgd" });
    return () => model.predict({ images, shape, count: batch }, { batchSize: batch });
  },
  async relaxed() {
    const { loadModel } = await import("../../dist/node.js");
    const { model } = await loadModel(readFileSync(join(folder, "m.safetensors")));
    await model.compile({ backend: "relaxed", threads, optimizer: "sgd" });
    return () => model.predict({ images, shape, count: batch }, { batchSize: batch });
  },
  async "one file"() {
    const { predict } = await import(pathToFileURL(join(folder, "m.js")).href);
    return () => predict(images);
  },
  async "onnxruntime-node"() {
    const ort = counterparts("onnxruntime-node");
    const session = await ort.InferenceSession.create(join(folder, "m.onnx"), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
    });
    return onnx(ort, session);
  },
  async "onnxruntime-web"() {
    const ort = counterparts("onnxruntime-web");
    ort.env.wasm.numThreads = threads;
    const session = await ort.InferenceSession.create(new Uint8Array(readFileSync(join(folder, "m.onnx"))), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
    });
    return onnx(ort, session);
  },
  async "tfjs-wasm"() {
    const tf = peers("@tensorflow/tfjs-core");
    const wasm = peers("@tensorflow/tfjs-backend-wasm");
    const { loadLayersModel } = peers("@tensorflow/tfjs-layers");
    wasm.setThreadsCount(threads);
    await tf.setBackend("wasm");
    await tf.ready();
    const { modelTopology, weightsManifest } = JSON.parse(
      readFileSync(join(folder, "tfjs/model.json"), "utf8"),
    );
    const parts = weightsManifest.flatMap(({ paths }) =>
      paths.map((path) => readFileSync(join(folder, "tfjs", path))),
    );
    const all = Buffer.concat(parts);
    const model = await loadLayersModel({
      load: async () => ({
        modelTopology,
        weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
        weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.length),
      }),
    });
    const x = tf.tensor(images, [batch, ...shape]);
    return async () => {
      const y = model.predict(x);
      const answers = await y.data();
      y.dispose();
      return answers;
    };
  },
};

function onnx(ort, session) {
  const x = new ort.Tensor("float32", images, [batch, ...shape]);
  return async () => Object.values(await session.run({ [session.inputNames[0]]: x }))[0].data;
}

const run = await ENGINES[engine]();
const answers = Array.from((await run()).slice(0, 5));
const until = async (end) => {
  let runs = 0;
  for (; performance.now() < end; runs++) await run();
  return runs;
};
await until(performance.now() + 300 * seconds);
const start = performance.now();
const runs = await until(start + 1000 * seconds);
const imagesPerSecond = (1000 * runs * batch) / (performance.now() - start);
console.log(JSON.stringify({ imagesPerSecond, answers }));
process.exit(0);
