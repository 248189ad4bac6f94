// Types as users see them: compiled by package.test.ts against the installed package.
import {
  createTrainer,
  dense,
  type History,
  loadDataset,
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
