// What saveModel() and a trainer's save() take.

import { INTERPOLATIONS, type PictureFit, RESIZES } from "../data/picture-options.ts";
import { isBuiltInLoss, LOSSES } from "../losses/names.ts";
import type { Checked } from "../options/check.ts";
import { flag, group, needed, oneOf, some, type TableOf, text } from "../options/kinds.ts";
import type { ModelMetadata } from "./model-entries.ts";
import { isOfEach, lossWeights } from "./outputs.ts";

const finite = () => some<number>("a finite number", Number.isFinite, 1);
const share = (expected: string, most: (value: number) => boolean) =>
  some<number>(expected, (value) => typeof value === "number" && value >= 0 && most(value), 0.2);

const isRange = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite) && value[0] <= value[1];

export const SAVE: Checked = {
  call: "saveModel(model, *)",
  table: (): TableOf<ModelMetadata> => ({
    preprocessing: group({ scale: needed(finite()), offset: needed(finite(), 0) }),
    classNames: some(
      "a list of names",
      (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
      ["no", "yes"],
    ),
    loss: {
      ...some<NonNullable<ModelMetadata["loss"]>>(
        `one of ${LOSSES.join(", ")}, or { name, … } with its options; of several outputs a list, or a record by their names`,
        (value) =>
          (isBuiltInLoss(value) || !isOfEach(value) ? [value] : Object.values(value as object)).every(
            isBuiltInLoss,
          ),
        LOSSES[0],
      ),
      names: LOSSES,
    },
    lossWeights: lossWeights(Number.isFinite),
    targets: oneOf(["images", "masks", "numbers"]),
    range: some("two numbers, the least first", isRange, [0, 1]),
    dataset: text,
    background: share("a number from 0 to 1", (value) => value <= 1),
    centred: flag,
    pictures: group<PictureFit>({ interpolation: oneOf(INTERPOLATIONS), resize: oneOf(RESIZES) }),
  }),
};
