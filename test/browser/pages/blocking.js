// What blocking.test.ts does in a page.
import { createTrainer, loadDataset, namedModel, sequential } from "/dist/wasmgrad.js";

const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Long tasks of this page's thread, as the browser records them: those of 50 ms and more. */
function longTasks() {
  const tasks = [];
  const note = (list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  };
  const observer = new PerformanceObserver(note);
  observer.observe({ type: "longtask" });
  return {
    /** Those so far, in milliseconds. Records come late. */
    async take() {
      await soon(200);
      note({ getEntries: () => observer.takeRecords() });
      return tasks.splice(0);
    },
  };
}

/** As many images as MNIST has, 47 MB, copied piece by piece. */
async function manyImages({ images, labels, count, shape }) {
  const copies = 60_000 / count;
  const all = {
    count: 60_000,
    shape,
    images: new Uint8Array(copies * images.length),
    labels: new Uint8Array(60_000),
  };
  for (let i = 0; i < copies; i++) {
    all.images.set(images, i * images.length);
    all.labels.set(labels, i * count);
    await soon(0);
  }
  return all;
}

/** Loads data, trains the seed CNN for some seconds while the page draws, and uses all of the trainer meanwhile. */
export async function train() {
  const observed = longTasks();
  const digits = await loadDataset("digits", { train: 3000, test: 500 });
  const loading = await observed.take();
  const samples = await manyImages(digits.train);
  await observed.take();

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
  const training = await observed.take();
  // The browser does record them: here is one.
  for (const end = performance.now() + 90; performance.now() < end; );
  const known = await observed.take();
  return { loading, training, known, trainedSamples };
}
