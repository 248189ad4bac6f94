import { createModel, type Model } from "../browser.ts";
import type { Shape } from "../compiler/graph.ts";
import { modelOfData } from "../run/build-model.ts";
import type { ModelSource } from "./settings.ts";

/** What a model is to classify. */
export interface ModelInput {
  readonly shape: Shape;
  readonly classes: number;
}

/**
 * The model for images of a shape. A configuration may be `{ layers: [...] }` or the list alone, and its first layer may
 * leave inputShape out. Throws ModelError where it does not fit.
 */
export function buildModel(
  source: Exclude<ModelSource, { kind: "url" }>,
  { shape, classes }: ModelInput,
): Model {
  return source.kind === "name"
    ? createModel(source.name, shape, classes)
    : modelOfData(source.config)(shape, classes);
}
