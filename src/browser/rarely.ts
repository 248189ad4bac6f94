// What pages that train need only now and then, in one module that they load then: errors, validation, weights, files, callbacks' hand on a training.

export { checkMetrics } from "../metrics/check-metrics.ts";
export { checkWeights } from "../train/check-weights.ts";
export { weightsSha256 } from "../train/weights.ts";
export { divideByRows } from "./divide-by-rows.ts";
export { fromPlain } from "./errors.ts";
export { handleOf } from "./handle.ts";
export { modelFile } from "./model-file.ts";
