// What models.test.ts does in pages.
import {
  createTrainer,
  exportModel,
  generateDigits,
  loadModel,
  MemoryError,
  ModelFileError,
  namedModel,
  sequential,
  setOptimizerState,
  transferModel,
} from "/dist/wasmgrad.js";

const { train, test } = await generateDigits({ train: 640, test: 20 });
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Trains and saves: the file, and what the model predicts. */
export async function save() {
  const model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
  const trainer = await createTrainer(model, { seed: 4 });
  await trainer.fit(train, { batchSize: 64 });
  const file = await trainer.save({
    classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    dataset: "digits",
    background: 0,
  });
  const outputs = Array.from(await trainer.predict(test));
  trainer.dispose();
  return { file: toBase64(file), outputs };
}

/** What a model file predicts here: by a Trainer, and on the page. */
export async function predict(file) {
  const { model } = await loadModel(fromBase64(file));
  const trainer = await createTrainer(model);
  const inWorker = Array.from(await trainer.predict(test));
  trainer.dispose();
  await model.compile({ threads: 1 });
  const onPage = Array.from(await model.predict(test));
  model.dispose();
  return { inWorker, onPage };
}

/** Weights of a head on a file's backbone, trained by a Trainer, and on the page. */
export async function headOn(file) {
  const net = transferModel(await loadModel(fromBase64(file)), { head: [4, 10] });
  const trainer = await createTrainer(net, { seed: 3 });
  await trainer.fit(train, { batchSize: 64 });
  const inWorker = await trainer.weightsSha256();
  trainer.dispose();
  await net.compile({ threads: 1, seed: 3 });
  await net.fit(train, { batchSize: 64 });
  const onPage = await net.weightsSha256();
  net.dispose();
  return { inWorker, onPage };
}

/** What a file's training comes to: gone on with on the page, and begun anew with its optimizer by a Trainer. */
export async function wentOn(file, images, labels) {
  const { model, compileOptions, optimizerState } = await loadModel(fromBase64(file));
  const samples = {
    images: Float32Array.from(images),
    labels: Uint8Array.from(labels),
    shape: [3],
    count: labels.length,
  };
  const trainer = await createTrainer(model, compileOptions);
  await trainer.fit(samples, { batchSize: 4 });
  const inWorker = await trainer.weightsSha256();
  trainer.dispose();
  await model.compile({ ...compileOptions, threads: 1 });
  setOptimizerState(model, optimizerState);
  await model.fit(samples, { batchSize: 4 });
  const onPage = await model.weightsSha256();
  model.dispose();
  return { inWorker, onPage };
}

/** The files that a model of a file becomes in a format of others, and what errors are instances of. */
export async function converted(file, format) {
  const loaded = await loadModel(fromBase64(file));
  const files = await exportModel(loaded, { format, name: "m" });
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, toBase64(bytes)]));
}

/** The weights of files of a format, for the model of another file where they are weights alone. */
export async function weightsOf(files, file) {
  const bytes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, fromBase64(text)]));
  const { model } = await loadModel(fromBase64(file));
  const { tensors } = await loadModel(bytes, { model });
  return tensors.map(({ name, shape, data }) => ({ name, shape, data: Array.from(data) }));
}

/** What loadModel() says of bytes that are no model: an error of the package's own class. */
export async function refused() {
  try {
    await loadModel(new TextEncoder().encode("hello"));
  } catch (error) {
    return { own: error instanceof ModelFileError, code: error.code };
  }
}

/** What loadModel() says of a model that needs more memory than it may take. */
export async function tooLarge(files) {
  const bytes = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, fromBase64(text)]));
  try {
    await loadModel(bytes, { maxMemory: 2 ** 20 });
  } catch (error) {
    return { own: error instanceof MemoryError, allow: error.allow, message: error.message };
  }
}

/** What a one-file predictor gives for the test images: imported in the page, and in a worker. */
export async function predictedByModule(file) {
  const loaded = await loadModel(fromBase64(file));
  const { "m.js": bytes } = await exportModel(loaded, { format: "js", name: "m" });
  const url = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
  const { predict } = await import(url);
  const onPage = Array.from(await predict(test.images));
  const code = `onmessage = async ({ data }) => postMessage((await (await import(${JSON.stringify(url)})).predict(data)));`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), {
    type: "module",
  });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(Array.from(data));
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  worker.postMessage(test.images);
  const inWorker = await answer;
  worker.terminate();
  return { onPage, inWorker };
}
