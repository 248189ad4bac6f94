/** Where a runtime is, if it is there: $WASMGRAD_BUN, $WASMGRAD_DENO, or where scripts/runtimes.mjs put it. */
export declare function findRuntime(name: "bun" | "deno"): string | undefined;
