// import "wasmgrad/element/vue" registers <wasmgrad-trainer>, as "wasmgrad/element" does, and types it in Vue's templates.
import type { HTMLAttributes, ReservedProps } from "vue";
import type { TrainerEventMap, TrainerProps } from "../dist/element/index.js";

type Listeners = {
  [K in keyof TrainerEventMap as `on${Capitalize<K>}`]?: ((event: TrainerEventMap[K]) => void) | undefined;
};

declare module "vue" {
  interface GlobalComponents {
    "wasmgrad-trainer": new () => {
      $props: Omit<HTMLAttributes, keyof TrainerProps | keyof Listeners> &
        ReservedProps &
        TrainerProps &
        Listeners;
    };
  }
}

export * from "../dist/element/index.js";
