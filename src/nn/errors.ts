import { shown } from "./shown.ts";

/** A layer that does not fit its input, or an option out of range: thrown while the model is built. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Name of the layer at fault, where there is one. */
  readonly layer: string | undefined;

  constructor(message: string, layer?: string) {
    super(layer === undefined ? message : `layer '${layer}': ${message}`);
    this.layer = layer;
  }
}

/** Throws unless `value` is a whole number of at least `least`. */
export function requireInteger(
  layer: string,
  option: string,
  value: unknown,
  least = 1,
): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new ModelError(
      `${option} is ${typeof value === "number" ? value : shown(value)}, expected a whole number >= ${least}`,
      layer,
    );
}
