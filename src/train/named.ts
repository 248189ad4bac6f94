import type { Shape } from "../compiler/graph.ts";
import { findNamed } from "../model/models.ts";
import { model } from "./functional.ts";
import type { Model } from "./model.ts";
import { sequential } from "./sequential.ts";

/**
 * A model by name, one of MODELS, for inputs of a shape and so many classes. Throws ModelError naming the models there are,
 * or those that take inputs of this shape where this one does not.
 */
export function createModel(name: string, inputShape: Shape, classes: number): Model {
  const found = findNamed(name, inputShape, classes);
  return Array.isArray(found) ? sequential(found, { name }) : model({ ...found, name });
}
