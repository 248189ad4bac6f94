export { run } from "./program";
export { runParallel, work } from "./parallel";

/** First byte of linear memory that the host may use: static data ends here. */
export function heapBase(): usize {
  return __heap_base;
}

/** Square root for the host's use in what touches training: JavaScript's own is not bound to round correctly. */
export function squareRoot(x: f64): f64 {
  return sqrt<f64>(x);
}
// Not for the host: what is exported is not inlined, and in the midst of a large function V8 would spill this loop's counters.
export { narrowRows, panelRows } from "./tile";
// So that they leave the loops of most steps alone.
export { adamFlush, flushes, rmspropFlush, sgdFlush } from "./optimizer";
