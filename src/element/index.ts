// `import "wasmgrad/element"` registers <wasmgrad-trainer>; on a server, where there are no elements, it does nothing.
import "../options/other-names.ts";
import { WasmgradTrainer } from "./element.ts";

export type {
  CompleteDetail,
  EpochDetail,
  ErrorDetail,
  ProgressDetail,
  ReadyDetail,
  TrainerEventMap,
  WarningDetail,
} from "./events.ts";
export type {
  TrainerElementEventMap,
  TrainerHandlers,
  TrainerProperties,
  TrainerProps,
} from "./properties.ts";
export { AttributeError } from "./settings.ts";
export type { TrainerElementState } from "./view.ts";
export { WasmgradTrainer };

const NAME = "wasmgrad-trainer";

/** Two copies of the module on a page are no error: the first one serves. */
if (globalThis.customElements && !customElements.get(NAME)) customElements.define(NAME, WasmgradTrainer);

declare global {
  interface HTMLElementTagNameMap {
    "wasmgrad-trainer": WasmgradTrainer;
  }
}
