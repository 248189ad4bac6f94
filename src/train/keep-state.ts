import type { Callbacks } from "./callbacks.ts";
import type { Prepared } from "./steps.ts";
import type { TrainingState } from "./training-state.ts";

/** A training's state but for its setting: what there is of it where the steps are made. */
export type KeptState = Omit<TrainingState, "setting">;

/** Which callbacks give a state something. */
export const keepsState = ({ state }: Callbacks) => state;

/** The state of a training as it is: history, and what callbacks gave, are still theirs. */
export function keepState({ session, meters, callbacks, place }: Prepared): KeptState {
  const { optimizer, trained } = session;
  const { epoch, batch, begun, stopping, seconds, history, last } = place;
  return {
    version: 1,
    weights: structuredClone(last) ?? session.getWeights(),
    optimizer: {
      step: optimizer.step,
      learningRate: optimizer.rate,
      vectors: optimizer.vectors.map((vector) =>
        trained.map(({ parameter: { name, shape }, offset, length }) => ({
          name,
          shape,
          data: new Float32Array(vector.subarray(offset, offset + length)),
        })),
      ),
    },
    epoch,
    batch,
    begun,
    stopping,
    seconds,
    sums: meters.sums.flatMap((sums) => [...sums]),
    history,
    callbacks: callbacks.filter(keepsState).map((callback) => callback.state!()),
  };
}

/** Puts a training where that state was taken, which is known to fit; what it holds is the training's from then on. */
export function putState({ session, meters, callbacks, place }: Prepared, state: KeptState): void {
  const { optimizer, trained } = session;
  const { weights, optimizer: kept, sums, callbacks: states, epoch, batch, begun, seconds, history } = state;
  // First, as they may throw: then the model is as it was.
  callbacks.filter(keepsState).forEach((callback, i) => {
    callback.restore?.(states[i]);
  });
  session.setWeights(weights);
  optimizer.step = kept.step;
  optimizer.rate = kept.learningRate;
  for (const [i, vector] of optimizer.vectors.entries()) {
    const named = new Map(kept.vectors[i]!.map(({ name, data }) => [name, data]));
    for (const { parameter, offset } of trained) vector.set(named.get(parameter.name)!, offset);
  }
  let at = 0;
  for (const own of meters.sums) {
    own.set(sums.slice(at, at + own.length));
    at += own.length;
  }
  delete history.diverged;
  Object.assign(place, { epoch, batch, begun, seconds, history });
}
