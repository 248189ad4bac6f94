// What backup.test.ts does in pages: each function runs in a page and returns plain data.
import * as wasmgrad from "/dist/wasmgrad.js";

const { backupAndRestore, conv2d, createTrainer, dense, dropout, flatten, sequential } = wasmgrad;
const digits = await wasmgrad.generateDigits({ train: 1200, test: 10 });

/** With dropout, so that every step counts. */
const model = () =>
  sequential([
    conv2d({ filters: 16, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
    dropout({ rate: 0.25 }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ]);
const FIT = { epochs: 4, batchSize: 5, validationSplit: 0.2, restoreBestWeights: "val_loss" };

async function withTrainer(use, learningRate = 0.001) {
  const trainer = await createTrainer(model(), {
    threads: 1,
    seed: 3,
    optimizer: wasmgrad.adam({ learningRate }),
  });
  try {
    return await use(trainer);
  } finally {
    trainer.dispose();
  }
}

/** What a training ends with, clocks left out. */
const ended = async (trainer, { trainSeconds: _, ...figures }) => ({
  figures,
  sha256: await trainer.weightsSha256(),
});

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The frames that the browser keeps, by their names. */
export function frames() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("wasmgrad-trainings");
    opening.onupgradeneeded = () => opening.result.createObjectStore("pieces");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const found = {};
      const cursor = opening.result.transaction("pieces").objectStore("pieces").openCursor();
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (!at) {
          opening.result.close();
          return resolve(found);
        }
        const [name, piece] = at.key;
        if (piece === 0) {
          const { state, beside, version } = at.value.value;
          found[name] = { version, beside, epoch: state.epoch, batch: state.batch, pieces: at.value.pieces };
        }
        at.continue();
      };
    };
  });
}

/** A training that nobody interrupts. */
export function whole() {
  return withTrainer(async (trainer) => ended(trainer, await trainer.fit(digits.train, FIT)));
}

/** Begins a training, and resolves once it is kept from within its second epoch; the training goes on. */
export async function begin(options = {}) {
  const notices = [];
  const trainer = await createTrainer(model(), { threads: 1, seed: 3, optimizer: wasmgrad.adam() });
  const backup = await backupAndRestore({
    beside: (state) => ({ at: state.epoch, note: "mine" }),
    onNotice: (text) => notices.push(text),
    ...options,
  });
  const { promise: second, resolve } = Promise.withResolvers();
  const onBatchEnd = ({ epoch, batch }) => {
    if (epoch === 1 && batch > 5) resolve();
  };
  trainer.fit(digits.train, { ...FIT, callbacks: [backup, { onBatchEnd }] });
  await second;
  trainer.pause();
  await backup.save();
  return { owned: backup.owned, notices, before: backup.initialState?.epoch, frames: await frames() };
}

/** Goes on with what there is, to the end. */
export async function goOn(options = {}) {
  const notices = [];
  const backup = await backupAndRestore({ onNotice: (text) => notices.push(text), ...options });
  const { initialState, beside, owned } = backup;
  const result = await withTrainer(async (trainer) =>
    ended(trainer, await trainer.fit(digits.train, { ...FIT, callbacks: backup, initialState })),
  );
  backup.close();
  const kept = globalThis.indexedDB ? await frames() : {};
  return { ...result, owned, notices, from: initialState?.epoch, beside, frames: kept };
}

/** Storage that has no room: transactions are aborted as browsers do it. */
export function fill() {
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...args) {
    if (args[1][1] === 1) throw new DOMException("full", "QuotaExceededError");
    return put.apply(this, args);
  };
}

/** Storage that cannot be read until unblock(). */
export function block() {
  const get = IDBObjectStore.prototype.get;
  IDBObjectStore.prototype.get = () => {
    throw new DOMException("busy", "UnknownError");
  };
  globalThis.unblock = () => {
    IDBObjectStore.prototype.get = get;
  };
}

/** Storage that there is none of. */
export function blockStorage() {
  Object.defineProperty(globalThis, "indexedDB", { value: undefined });
}

/** A training whose rate is set to a folly after its first epoch. */
export async function diverge() {
  const backup = await backupAndRestore({ name: "diverges" });
  const errors = [];
  await withTrainer(async (trainer) => {
    const folly = {
      onEpochBegin(epoch, training) {
        if (epoch === 1) training.learningRate = 1e30;
      },
      onBatchEnd: () => soon(0),
    };
    await trainer
      .fit(digits.train, { ...FIT, callbacks: [folly, backup] })
      .catch(({ name }) => errors.push(name));
    await backup.save();
  });
  backup.close();
  const again = await backupAndRestore({ name: "diverges" });
  const { epoch, weights } = again.initialState;
  const kept = await frames();
  await again.discard();
  return {
    errors,
    epoch,
    finite: weights.every(({ data }) => data.every(Number.isFinite)),
    kept,
    left: await frames(),
  };
}

/** Makes the record that of another version, or damaged. */
export function spoil(change) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("wasmgrad-trainings");
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("pieces", "readwrite");
      const objects = transaction.objectStore("pieces");
      if (change !== "piece") {
        const got = objects.get(["training", 0]);
        got.onsuccess = () => {
          got.result.value.version = change === "newer version" ? 99 : 0;
          objects.put(got.result, ["training", 0]);
        };
      } else objects.delete(["training", 1]);
      transaction.oncomplete = () => {
        opening.result.close();
        resolve();
      };
      transaction.onerror = () => reject(transaction.error);
    };
  });
}
