// The entry of the builds called predict: forward passes on one thread, in memory of their own.
export { run } from "./program";

/** First byte of linear memory that the host may use: static data ends here. */
export function heapBase(): usize {
  return __heap_base;
}
