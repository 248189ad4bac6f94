// What pages that train need only now and then, in one module that they load then: errors, weights, files.
export { checkWeights } from "../train/check-weights.ts";
export { weightsSha256 } from "../train/weights.ts";
export { fromPlain } from "./errors.ts";
export { modelFile } from "./model-file.ts";
