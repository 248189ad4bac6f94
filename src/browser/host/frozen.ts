// What keeps what frozen layers give: pages load it where a model has some, see browser/host/given.ts.
import type { Division } from "../../train/divide.ts";
import { featured } from "../../train/features.ts";
import type { Session } from "../../train/session.ts";

/** The parts of a training as the rest of the model takes them. */
export interface Featuring {
  readonly division: Division;
  /** Weights of frozen layers may have changed, or nothing is trained any more. */
  forget(): void;
}

/** See featured(). undefined: the whole model is trained at every step. */
export function withFeatures(session: Session, division: Division): Featuring | undefined {
  const { train, validation } = division;
  const made = featured(session, [train.samples, validation?.samples]);
  if (!made) return undefined;
  const [first, second] = made.samples;
  return {
    division: {
      ...division,
      train: { ...train, samples: first! },
      validation: validation && { ...validation, samples: second! },
    },
    forget: made.forget,
  };
}
