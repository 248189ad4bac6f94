// What models.test.ts does in pages.
import { createTrainer, generateDigits, loadModel, namedModel, sequential } from "/dist/wasmgrad.js";

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
