import { checkOptions } from "../../options/check.ts";
import { flag, type OptionsOf, optional, withDefaults } from "../../options/kinds.ts";
import type { OwnCallbacks } from "../callbacks.ts";

export const TERMINATE_ON_NAN = {
  /** Whether fit() rejects with TrainingDivergedError, as it does without this callback. Default false: it resolves. */
  raiseError: optional(flag, false),
};

export interface TerminateOnNaNOptions extends OptionsOf<typeof TERMINATE_ON_NAN> {}

/**
 * A callback with which training ends quietly where the loss or a weight is NaN or infinite: Keras's TerminateOnNaN. The model
 * has its last good weights then, `history.stopped` is true, and `history.diverged` tells epoch and batch.
 *
 * Throws RangeError on options out of range.
 */
export function terminateOnNaN(options: TerminateOnNaNOptions = {}): OwnCallbacks {
  checkOptions({ call: "terminateOnNaN(*)", table: TERMINATE_ON_NAN }, options);
  return { terminatesOnNaN: !withDefaults(TERMINATE_ON_NAN, options).raiseError };
}
