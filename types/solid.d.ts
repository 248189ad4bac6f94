// import "wasmgrad/element/solid" registers <wasmgrad-trainer>, as "wasmgrad/element" does, and types it in Solid's JSX:
// on:epoch={(event) => ...} listens.
import "solid-js";
import type { TrainerEventMap, TrainerProps, WasmgradTrainer } from "../dist/element/index.js";

type Listeners = {
  [K in keyof TrainerEventMap as `on:${K}`]?: ((event: TrainerEventMap[K]) => void) | undefined;
};

declare module "solid-js" {
  namespace JSX {
    interface IntrinsicElements {
      "wasmgrad-trainer": Omit<HTMLAttributes<WasmgradTrainer>, keyof TrainerProps | keyof Listeners> &
        TrainerProps &
        Listeners;
    }
  }
}

export * from "../dist/element/index.js";
