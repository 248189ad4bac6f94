import { quoted } from "../options/show.ts";

/** A layer that does not fit its input, or an option out of range: thrown while the model is built. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Name of the layer at fault, where there is one. */
  readonly layer: string | undefined;

  constructor(message: string, layer?: string) {
    super(layer === undefined ? message : `layer ${quoted(layer)}: ${message}`);
    this.layer = layer;
  }
}
