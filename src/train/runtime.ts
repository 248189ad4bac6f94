// What a compiled model runs on. Sequential loads it when it is compiled: a page that only describes a model, and trains
// it in a worker, never does.
export { evaluate, predict } from "./evaluate.ts";
export { fit } from "./fit.ts";
export { Session } from "./session.ts";
