import type { Callbacks } from "./callbacks.ts";
import type { Session } from "./session.ts";
import type { Prepared } from "./steps.ts";
import type { TrainingState } from "./training-state.ts";

/** A training's state but for its setting: what there is of it where the steps are made. */
export type KeptState = Omit<TrainingState, "setting">;

/** What there is of it of the model. */
export type KeptModel = Pick<KeptState, "weights" | "optimizer">;

/** Which callbacks give a state something. */
export const keepsState = ({ state }: Callbacks) => state;

export function keepModel(session: Session): KeptModel {
  const { optimizer, trained } = session;
  return {
    weights: session.getWeights(),
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
  };
}

/** Gives a model that; of what is not there of the optimizer's it keeps its own. */
export function putModel(session: Session, { weights, optimizer: kept }: KeptModel): void {
  const { optimizer, trained } = session;
  session.setWeights(weights);
  optimizer.step = kept.step;
  optimizer.rate = kept.learningRate;
  for (const [i, vector] of optimizer.vectors.entries()) {
    const named = new Map(kept.vectors[i]!.map(({ name, data }) => [name, data]));
    for (const { parameter, offset } of trained) vector.set(named.get(parameter.name) ?? [], offset);
  }
}

/** The state of a training as it is: history, and what callbacks gave, are still theirs. */
export function keepState({ session, meters, callbacks, place }: Prepared): KeptState {
  const { epoch, batch, begun, stopping, seconds, history, last } = place;
  const kept = keepModel(session);
  return {
    version: 1,
    weights: structuredClone(last) ?? kept.weights,
    optimizer: kept.optimizer,
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
  const { sums, callbacks: states, epoch, batch, begun, seconds, history } = state;
  // First, as they may throw: then the model is as it was.
  callbacks.filter(keepsState).forEach((callback, i) => {
    callback.restore?.(states[i]);
  });
  putModel(session, state);
  let at = 0;
  for (const own of meters.sums) {
    own.set(sums.slice(at, at + own.length));
    at += own.length;
  }
  delete history.diverged;
  Object.assign(place, { epoch, batch, begun, seconds, history });
}
