// import "wasmgrad/element/preact" registers <wasmgrad-trainer>, as "wasmgrad/element" does, and types it in Preact's JSX.
import type { HTMLAttributes } from "preact";
import type { TrainerHandlers, TrainerProps, WasmgradTrainer } from "../dist/element/index.js";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "wasmgrad-trainer": Omit<HTMLAttributes<WasmgradTrainer>, keyof TrainerProps | keyof TrainerHandlers> &
        TrainerProps &
        TrainerHandlers;
    }
  }
}

export * from "../dist/element/index.js";
