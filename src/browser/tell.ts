import { checkRate } from "../optim/check-rate.ts";
import type { TrainingHandle } from "../train/callbacks.ts";
import { requireOwn } from "../train/check-state.ts";
import { inTurn } from "../train/in-turn.ts";
import { type KeptState, keepsState } from "../train/keep-state.ts";
import type { TrainingState } from "../train/training-state.ts";
import { settingOfFit } from "./begin.ts";
import type { Fitting } from "./fitting.ts";
import type { Note, Report } from "./protocol.ts";
import type { Trainer } from "./types.ts";

/** A worker's training, as the page has it. */
interface Told {
  readonly trainer: Trainer;
  readonly client: { note(note: Note): void; call(method: "state", within: boolean): Promise<KeptState> };
  readonly fitting: Fitting;
}

/** Tells callbacks what the worker reports, with a hand on the training. */
export async function tell(
  { callback: name, args }: Extract<Report, { callback: unknown }>,
  told: Told,
): Promise<void> {
  const { fitting } = told;
  fitting.handle ??= handleOf(told);
  const waits = name !== "onBatchEnd";
  for (const callback of inTurn(fitting.callbacks)) {
    const hook = callback[name] as ((...args: unknown[]) => void | Promise<void>) | undefined;
    if (!hook) continue;
    if (waits) fitting.waits = true;
    try {
      await hook.call(callback, ...args, fitting.handle);
    } finally {
      if (waits) fitting.waits = false;
    }
  }
}

/**
 * What callbacks get of a worker's training: what they set reaches the worker before its next step, as it waits for them.
 */
function handleOf({ trainer, client, fitting }: Told): TrainingHandle {
  const { made } = fitting;
  const { optimizer } = made;
  const { learningRate: own } = optimizer.options;
  return {
    model: trainer.model,
    get learningRate() {
      return made.rate ?? (typeof own === "number" ? own : Number.NaN);
    },
    set learningRate(rate) {
      checkRate(optimizer, rate);
      made.rate = rate;
      client.note({ note: "rate", rate });
    },
    stop() {
      if (made.last !== fitting) return;
      fitting.stopping = true;
      trainer.stop();
    },
    getWeights: () => trainer.getWeights(),
    setWeights: (tensors) => trainer.setWeights(tensors),
    async state() {
      requireOwn(made.last === fitting, "trainer.fit()");
      return stateOf(fitting, await client.call("state", fitting.waits === true));
    },
  };
}

/** What the worker keeps, and what there is of it on the page. */
function stateOf(fitting: Fitting, kept: KeptState): TrainingState {
  const { callbacks, history = kept.history, stopping = false } = fitting;
  // What the worker sent is the page's own: copies of best weights would keep it waiting.
  const own = structuredClone({
    history,
    states: callbacks.filter(keepsState).map((callback) => callback.state!()),
  });
  return {
    ...kept,
    history: own.history,
    callbacks: [...kept.callbacks, ...own.states],
    stopping,
    setting: settingOfFit(fitting),
  };
}
