// import "wasmgrad/element/svelte" registers <wasmgrad-trainer>, as "wasmgrad/element" does, and types it in Svelte's
// templates: onepoch={(event) => ...} listens.
import type { HTMLAttributes } from "svelte/elements";
import type { TrainerHandlers, TrainerProps, WasmgradTrainer } from "../dist/element/index.js";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "wasmgrad-trainer": Omit<HTMLAttributes<WasmgradTrainer>, keyof TrainerProps | keyof TrainerHandlers> &
      TrainerProps &
      TrainerHandlers;
  }
}

export * from "../dist/element/index.js";
