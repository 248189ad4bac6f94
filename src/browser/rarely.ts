// What pages that train need only now and then, in one module that they load then: errors, validation, states, weights, files, callbacks' hand on a training.

export { checked } from "../train/check-samples.ts";
export { weightsSha256 } from "../train/weights.ts";
export { begin } from "./begin.ts";
export { fromPlain } from "./errors.ts";
export { saved } from "./model-file.ts";
export { notStarted } from "./not-started.ts";
export { ratesOf } from "./rates-of.ts";
export { retrained } from "./retrained.ts";
export { sentOutputs } from "./sent-outputs.ts";
export { setWeights } from "./set-weights.ts";
export { tell } from "./tell.ts";
