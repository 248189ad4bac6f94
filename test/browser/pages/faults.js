// What faults.test.ts does in pages: each function runs in a page and returns plain data.
import { conv2d, createTrainer, dense, flatten, generateDigits, sequential } from "/dist/wasmgrad.js";

const model = () =>
  sequential([
    conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ]);
const { train, test } = await generateDigits({ train: 300, test: 50 });

/** The error's message, and how long it took to come, in milliseconds. */
async function failure(promise) {
  const began = performance.now();
  try {
    await promise;
    return { message: "no error" };
  } catch (error) {
    return { message: error.message, soon: performance.now() - began < 10_000 };
  }
}

/** Every Worker that the page starts, as a debugger would see them. */
const workers = [];
globalThis.Worker = class extends globalThis.Worker {
  constructor(url, options) {
    super(url, options);
    workers.push({ worker: this, name: options.name });
  }
};

/** The training worker is killed in its third epoch: by nobody that the trainer knows of. */
export async function killedWorker() {
  const trainer = await createTrainer(model(), { threads: 2 });
  const evaluation = {};
  const fit = failure(
    trainer.fit(train, {
      epochs: 10_000,
      callbacks: {
        onEpochBegin(epoch) {
          if (epoch !== 3) return;
          evaluation.promise = failure(trainer.evaluate(test));
          workers.find(({ name }) => name === "wasmgrad trainer").worker.terminate();
        },
      },
    }),
  );
  const result = { fit: await fit, evaluation: await evaluation.promise, state: trainer.state };
  result.after = await failure(trainer.predict(test.images));
  trainer.pause();
  trainer.stop();
  // Nothing lost: the last epoch's weights are on the page.
  const { epoch, tensors } = trainer.lastWeights;
  const again = await createTrainer(model(), { threads: 2 });
  await again.setWeights(tensors);
  const history = await again.fit(train, { epochs: epoch + 2, initialEpoch: epoch + 1 });
  trainer.dispose();
  again.dispose();
  return { ...result, epoch, states: [trainer.state, again.state], wentOn: history.epoch };
}

/** A kernel thread is killed half a second after training began. */
export async function killedThread() {
  const trainer = await createTrainer(model(), { threads: 3 });
  const thread = () => workers.find(({ name }) => name === "wasmgrad thread 2").worker;
  const fit = failure(
    trainer.fit(train, {
      epochs: 100_000,
      callbacks: { onTrainBegin: () => void setTimeout(() => thread().terminate(), 500) },
    }),
  );
  const result = { fit: await fit, state: trainer.state, after: await failure(trainer.fit(train)) };
  trainer.dispose();
  return result;
}

/** The worker script of this URL is one that goes wrong in a certain way. */
export async function sabotagedThreads(workerUrl) {
  const trainer = await createTrainer(model(), { threads: 3, workerUrl });
  const fit = await failure(trainer.fit(train, { epochs: 100_000 }));
  const result = { threads: trainer.info.threads, fit, state: trainer.state };
  result.after = await failure(trainer.fit(train));
  trainer.dispose();
  return result;
}

export const cannotStart = (workerUrl) => failure(createTrainer(model(), workerUrl ? { workerUrl } : {}));

/** Trains under whatever policy the page has. */
export async function works(workerUrl) {
  const trainer = await createTrainer(model(), { threads: 2, ...(workerUrl && { workerUrl }) });
  const { epoch } = await trainer.fit(train, { epochs: 2 });
  const result = { info: trainer.info, epoch };
  trainer.dispose();
  return result;
}

/** Kernels of one's own, in every form, and what is none. */
export async function kernels() {
  const bytes = await (await fetch("/build/simd.wasm")).arrayBuffer();
  const sources = {
    url: "/build/simd.wasm",
    object: new URL("/build/simd.wasm", location.href),
    buffer: bytes,
    view: new Uint8Array(bytes.byteLength + 8).subarray(4, 4 + bytes.byteLength),
    module: await WebAssembly.compile(bytes),
  };
  sources.view.set(new Uint8Array(bytes));
  const hashes = {};
  for (const [name, wasm] of Object.entries(sources)) {
    const trainer = await createTrainer(model(), { threads: 1, wasm });
    await trainer.fit(train);
    hashes[name] = await trainer.weightsSha256();
    trainer.dispose();
  }
  const plain = model();
  await plain.compile({ threads: 1, backend: "scalar", wasm: "/build/scalar.wasm" });
  const scalar = plain.session.engine.backend;
  plain.dispose();
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  return {
    hashes: [...new Set(Object.values(hashes))].length,
    scalar,
    missing: await failure(createTrainer(model(), { wasm: "/build/none.wasm" })),
    page: await failure(createTrainer(model(), { wasm: "/empty.html" })),
    foreign: await failure(createTrainer(model(), { wasm: empty })),
  };
}
