// Who answers, in Node and in a worker of a page alike. What differs between the two the host does: read(path) of the net's files,
// and wasmgrad(), predictor(), native(), ort(), tfjs(), which resolve to modules.

/** Pictures of smooth waves, 0 to 1: of the same numbers for all. */
export function imagesOf(batch, shape) {
  const length = shape.reduce((product, n) => product * n, batch);
  return Float32Array.from({ length }, (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37 + (i % 11)));
}

const own =
  (backend) =>
  async (host, images, { shape, batch, threads }) => {
    const { loadModel } = await host.wasmgrad();
    const { model } = await loadModel(await host.read("m.safetensors"));
    await model.compile({ backend, threads, optimizer: "sgd" });
    return {
      threads: model.session.engine.threads,
      run: () => model.predict({ images, shape, count: batch }, { batchSize: batch }),
    };
  };

function onnx(ort, session, images, { shape, batch }) {
  const x = new ort.Tensor("float32", images, [batch, ...shape]);
  return async () => Object.values(await session.run({ [session.inputNames[0]]: x }))[0].data;
}

/** Each resolves to `{ run, threads }`: what gives the answers for all images, and on how many threads it does. */
const ENGINES = {
  simd: own("simd"),
  relaxed: own("relaxed"),
  wide: own("wide"),
  "relaxed-wide": own("relaxed-wide"),
  async "one file"(host, images) {
    const { predict } = await host.predictor();
    return { threads: 1, run: () => predict(images) };
  },
  async "onnxruntime-node"(host, images, job) {
    const ort = await host.native();
    const session = await ort.InferenceSession.create(await host.read("m.onnx"), {
      intraOpNumThreads: job.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
    });
    return { threads: job.threads, run: onnx(ort, session, images, job) };
  },
  async "onnxruntime-web"(host, images, job) {
    const ort = await host.ort();
    ort.env.wasm.numThreads = job.threads;
    const session = await ort.InferenceSession.create(await host.read("m.onnx"), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
    });
    // It sets that to 1 where it can have but one.
    return { threads: ort.env.wasm.numThreads, run: onnx(ort, session, images, job) };
  },
  async "tfjs-wasm"(host, images, { shape, batch, threads }) {
    const { tf, wasm, loadLayersModel } = await host.tfjs(threads);
    tf.enableProdMode();
    wasm.setThreadsCount(threads);
    await tf.setBackend("wasm");
    await tf.ready();
    const text = new TextDecoder().decode(await host.read("tfjs/model.json"));
    const { modelTopology, weightsManifest } = JSON.parse(text);
    const paths = weightsManifest.flatMap((group) => group.paths);
    const parts = await Promise.all(paths.map((path) => host.read(`tfjs/${path}`)));
    const model = await loadLayersModel({
      load: async () => ({
        modelTopology,
        weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
        weightData: await new Blob(parts).arrayBuffer(),
      }),
    });
    const x = tf.tensor(images, [batch, ...shape]);
    return {
      threads: wasm.getThreadsCount(),
      async run() {
        const y = model.predict(x);
        const answers = await y.data();
        y.dispose();
        return answers;
      },
    };
  },
};

/** Why some have fewer threads than they are asked for. */
const WHY = {
  "one file": "has one thread",
  "tfjs-wasm": "has one thread in Node",
  "onnxruntime-web": "could not start its threads",
};

/**
 * Images a second, and the answers for the first image; `{ reason }` where it cannot have so many threads.
 * @param {{ engine: string, shape: number[], batch: number, threads: number, seconds: number }} job
 */
export async function measure(host, job) {
  const { engine, shape, batch, threads, seconds } = job;
  const images = imagesOf(batch, shape);
  const opened = await ENGINES[engine](host, images, job);
  if (opened.threads !== threads)
    return { reason: WHY[engine] ?? `had ${opened.threads} threads, not ${threads}` };
  const answers = Array.from((await opened.run()).slice(0, 5));
  const until = async (end) => {
    let runs = 0;
    for (; performance.now() < end; runs++) await opened.run();
    return runs;
  };
  await until(performance.now() + 300 * seconds);
  const start = performance.now();
  const runs = await until(start + 1000 * seconds);
  return { imagesPerSecond: (1000 * runs * batch) / (performance.now() - start), answers };
}
