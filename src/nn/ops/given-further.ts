// What the script of training workers has in place of further.ts: what stands before it, where the page has put it there.
import type * as Further from "./further.ts";

/** Set by src/browser/host/further-main.ts. Without it none of these is asked for. */
export const { FURTHER, foldedFilter, sumMerger } = ((globalThis as { wasmgradFurther?: unknown })
  .wasmgradFurther ?? {}) as typeof Further;
