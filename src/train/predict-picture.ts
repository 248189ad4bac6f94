import type { Shape } from "../compiler/graph.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { type TableOf, whole } from "../options/kinds.ts";
import { type Picture, PictureError } from "../picture/picture.ts";
import { type PrepareOptions, preparePicture, prepareTable } from "../picture/prepare.ts";
import { predictedClasses } from "../report/metrics.ts";
import type { ModelMetadata } from "./model-entries.ts";
import type { Pixels } from "./samples.ts";

/** A class, and how sure the model is of it. */
export interface PictureClass {
  readonly class: number;
  /** By the metadata's classNames; its number where there are none. */
  readonly name: string;
  /** The output; a probability where the model ends with softmax or sigmoid. */
  readonly probability: number;
}

/** What a model says of a picture: its answer, and what was done to the picture. */
export interface PredictedPicture extends PictureClass {
  /** The answer and those after it, the surest first: as many as `top` asked for. */
  readonly top: readonly PictureClass[];
  /** Light and dark were swapped. */
  readonly inverted: boolean;
  /** The ink was placed as MNIST's. */
  readonly centred: boolean;
  /** What is doubtful about the answer, in a sentence. */
  readonly notice?: string;
}

export interface PredictPictureOptions extends PrepareOptions {
  /** What loadModel() gave beside the model: names of the classes, and how pictures are made. */
  readonly metadata?: ModelMetadata | undefined;
  /** Classes in `top`. Default: all. */
  readonly top?: number | undefined;
}

/** What can be asked about pictures: a compiled Model, or in a page the Trainer. */
export type PictureModel = { predict(images: Pixels): Promise<Float32Array> } & (
  | { readonly inputShape: Shape; readonly outputShape?: Shape }
  | { readonly model: { readonly inputShape: Shape; readonly outputShape?: Shape } }
);

const PREDICT_PICTURE: Checked = {
  call: "predictPicture(model, picture, *)",
  table: (): TableOf<PredictPictureOptions> => ({
    ...(prepareTable() as TableOf<Omit<PredictPictureOptions, "top">>),
    top: { ...whole(1), example: 3 },
  }),
};

/**
 * Asks a classifier about a picture: what preparePicture(), predict() and the names of the classes come to.
 * Throws PictureError where nothing is drawn in it, or the model takes no pictures, or gives some; NonFiniteError; RangeError on an option that is none.
 */
export async function predictPicture(
  model: PictureModel,
  picture: Picture,
  options: PredictPictureOptions = {},
): Promise<PredictedPicture> {
  checkOptions(PREDICT_PICTURE, options);
  const { top: most, ...preparing } = options;
  const { inputShape: shape, outputShape = [] } = "inputShape" in model ? model : model.model;
  if (outputShape.length > 1)
    throw new PictureError(
      `the model gives an image of ${outputShape.join("x")}, and no class. Write: model.predict(preparePicture(picture, model.inputShape).pixels)`,
    );
  const { pixels, inverted, centred, drawings } = preparePicture(picture, shape, preparing);
  const outputs = await model.predict(pixels);
  const top = answersOf(outputs, options.metadata?.classNames).slice(0, most);
  return {
    ...top[0]!,
    top,
    inverted,
    centred,
    ...(drawings > 1 && {
      notice: `${drawings} drawings lie side by side in it, and the model knows pictures of one: the answer is for all of them together. Cut them into a picture each`,
    }),
  };
}

/** Classes, the surest first. */
function answersOf(outputs: Float32Array, names: readonly string[] | undefined): PictureClass[] {
  const shares = outputs.length === 1 ? Float32Array.of(1 - outputs[0]!, outputs[0]!) : outputs;
  const answers = Array.from(
    shares,
    (probability, i): PictureClass => ({ class: i, name: names?.[i] ?? String(i), probability }),
  );
  // The engine's own choice among equals comes first.
  const first = predictedClasses(outputs, 1).classes[0]!;
  return answers.sort(
    (a, b) => b.probability - a.probability || Number(b.class === first) - Number(a.class === first),
  );
}
