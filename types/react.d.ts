// import "wasmgrad/element/react" registers <wasmgrad-trainer>, as "wasmgrad/element" does, and types it in React's JSX.
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { TrainerHandlers, TrainerProps, WasmgradTrainer } from "../dist/element/index.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "wasmgrad-trainer": DetailedHTMLProps<HTMLAttributes<WasmgradTrainer>, WasmgradTrainer> &
        TrainerProps &
        TrainerHandlers;
    }
  }
}

export * from "../dist/element/index.js";
