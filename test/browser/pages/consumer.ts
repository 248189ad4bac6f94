// Types as users see them: compiled by package.test.ts against the installed package.
import {
  createReport,
  createTrainer,
  DATA_ENV,
  defaultCacheDir,
  dense,
  type History,
  loadDataset,
  loadFolder,
  loadPicture,
  preparePicture,
  sequential,
  type Trainer,
  type TrainerState,
} from "wasmgrad";

const trainer: Trainer = await createTrainer(sequential([dense({ units: 1, inputShape: [2] })]), {
  loss: "meanSquaredError",
  threads: 2,
  workerUrl: new URL("https://example.org/worker.js"),
});
const { train } = await loadDataset("digits");
const history: History = await trainer.fit(train, {
  callbacks: { onBatchEnd: ({ seen }, { loss }) => void [seen, loss] },
});
export const state: TrainerState = trainer.state;
export const losses: number[] = history.history.loss;
// @ts-expect-error: a misspelt option
await createTrainer(trainer.model, { thread: 2 });

// What Node has more than a page, and a page more than Node, whatever the resolution: at run time it says where it runs.
export const folders: string[] = [DATA_ENV, defaultCacheDir()];
const own = await loadFolder("path/to/idx-folder");
export const dataDir = await loadDataset("mnist", { dataDir: "data", offline: true, storage: false });
export const report: string = await createReport(trainer, { dataset: own, history });
const { pixels } = preparePicture(await loadPicture(new Uint8Array()), trainer.model.inputShape);
export const outputs: Float32Array = await trainer.predict(pixels);
// @ts-expect-error: a misspelt option of a layer
dense({ units: 1, activaton: "relu" });
