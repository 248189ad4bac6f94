import type { Shape } from "../compiler/graph.ts";
import type { Ending } from "../model/image-models.ts";
import { findNamed } from "../model/models.ts";
import { model } from "./functional.ts";
import type { Model } from "./model.ts";
import { sequential } from "./sequential.ts";

/**
 * A model by name, one of MODELS or IMAGE_MODELS, for inputs of a shape and so many classes; of those of images so many channels, or
 * classes, for each pixel. `activation`: what it ends with, "linear" for any numbers; default "softmax", of an autoencoder, and of a unet of one
 * class, "sigmoid".
 * Throws ModelError naming the models there are, or those that take inputs of this shape where this one does not.
 */
export function createModel(name: string, inputShape: Shape, classes: number, activation?: Ending): Model {
  const found = findNamed(name, inputShape, classes, undefined, activation);
  return Array.isArray(found) ? sequential(found, { name }) : model({ ...found, name });
}
