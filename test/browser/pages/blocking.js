// What blocking.test.ts does in a page, and counts there.
import {
  backupAndRestore,
  createTrainer,
  dense,
  flatten,
  loadDataset,
  namedModel,
  sequential,
} from "/dist/wasmgrad.js";

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Bytes of the arrays that each turn of the event loop, of those that post any message to a worker, posts. */
const turns = [];
/** WebAssembly that was started on this page's thread. */
let instances = 0;

function bytesOf(value) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return value && typeof value === "object"
    ? Object.values(value).reduce((sum, part) => sum + bytesOf(part), 0)
    : 0;
}

const { port1, port2 } = new MessageChannel();
let turn = false;
port1.onmessage = () => {
  turn = false;
};
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  if (!turn) {
    turn = true;
    turns.push(0);
    port2.postMessage(undefined);
  }
  turns[turns.length - 1] += bytesOf(message);
  return post.call(this, message, ...rest);
};
const { instantiate } = WebAssembly;
WebAssembly.instantiate = (...args) => {
  instances++;
  return instantiate.apply(WebAssembly, args);
};

/** What was counted since the last time. */
function counted() {
  const found = { turns: turns.splice(0), instances };
  instances = 0;
  return found;
}

let digits;
let samples;

export async function load() {
  digits = await loadDataset("digits", { train: 3000, test: 500 });
  return counted();
}

/** As many images as MNIST has, 47 MB, copied piece by piece. */
export async function prepare() {
  const { images, labels, count, shape } = digits.train;
  const copies = 60_000 / count;
  samples = {
    count: 60_000,
    shape,
    images: new Uint8Array(copies * images.length),
    labels: new Uint8Array(60_000),
  };
  for (let i = 0; i < copies; i++) {
    samples.images.set(images, i * images.length);
    samples.labels.set(labels, i * count);
    await soon(0);
  }
}

/** Trains the seed CNN for some seconds while the page draws, and uses all of the trainer meanwhile. */
export async function train() {
  const output = document.body.appendChild(document.createElement("output"));
  const trainer = await createTrainer(sequential(namedModel("keras-mnist", [28, 28, 1], 10)));
  let reports = 0;
  const fit = trainer.fit(samples, {
    validationSplit: 0.1,
    callbacks: {
      onBatchEnd(info, logs) {
        reports++;
        output.textContent = `${info.seen} images, loss ${logs.loss}, ${info.imagesPerSecond} images/s`;
      },
    },
  });
  while (reports < 20) await soon(20);
  await trainer.evaluate(digits.test);
  await trainer.activations(digits.test.images.slice(0, 784));
  await trainer.getWeights();
  await trainer.save();
  trainer.pause();
  await soon(100);
  trainer.resume();
  while (reports < 40) await soon(20);
  trainer.stop();
  const { trainedSamples } = await fit;
  trainer.dispose();
  return { ...counted(), trainedSamples };
}

/** Keeps a training of 2.7 million weights, 43 MB with what Adam and the best epoch have of them, again and again. */
export async function keep() {
  const trainer = await createTrainer(
    sequential([
      flatten({ inputShape: [28, 28, 1] }),
      dense({ units: 2048, activation: "relu" }),
      dense({ units: 512, activation: "relu" }),
      dense({ units: 10, activation: "softmax" }),
    ]),
  );
  let kept = 0;
  const backup = await backupAndRestore({
    everySeconds: 0.1,
    beside: () => {
      kept++;
    },
  });
  const fit = trainer.fit(digits.train, {
    epochs: 1000,
    batchSize: 128,
    validationSplit: 0.1,
    restoreBestWeights: "val_loss",
    callbacks: backup,
  });
  while (kept < 6) await soon(20);
  trainer.stop();
  await fit;
  trainer.dispose();
  backup.close();
  return { ...counted(), kept };
}

/** All that must not be. */
export async function misbehave() {
  const began = performance.now();
  while (performance.now() - began < 500);
  await soon(0);
  const worker = new Worker("data:text/javascript,");
  worker.postMessage(new Uint8Array(4 << 20));
  worker.terminate();
  await WebAssembly.instantiate(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  return counted();
}
