import type { Shape } from "../compiler/graph.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Checked } from "../options/check.ts";
import { callable, group, isObject, needed, oneOf, some, type TableOf, text } from "../options/kinds.ts";
import type { Model } from "../train/model.ts";
import type { LoadOptions, ModelMetadata } from "../train/model-entries.ts";
import { LOAD_MODEL } from "../train/options.ts";
import { SAVE } from "../train/save-options.ts";
import { WEIGHT_TYPES, type WeightType, WRITTEN } from "./names.ts";

export type FormatName = (typeof WRITTEN)[number];

export interface LoadModelOptions extends LoadOptions {
  /** For files of weights alone: the model that they are for, or its architecture. */
  readonly model?: Model | ModelConfig | undefined;
  /** For files of weights alone: names in the file, by the names of the model's parameters. Default: by name, else by order and shape. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  /** Where the file leaves sizes open: one sample's shape, [height, width, channels]. */
  readonly inputShape?: Shape | undefined;
  /** What the model was trained with: a byte pixel becomes pixel * scale + offset. Default: what the file says, else scale 1/255, offset 0. */
  readonly preprocessing?: ModelMetadata["preprocessing"];
  /** One name an output, where the file has none. */
  readonly classNames?: readonly string[] | undefined;
  /** Told, in a sentence, what of a file's training settings there is none of here. Default: console.warn. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** What a writer is told beside the format. */
export interface FileOptions {
  /** What files are called, without an ending. Default: the model's name. */
  readonly name?: string | undefined;
  /** For "js": how weights are kept. Default "f32", which gives the same bits; "f16" is half as large, "int8" a quarter. */
  readonly weights?: WeightType | undefined;
  /** Of "h5" and "h5-weights": whose files. Default 2 of whole models, which Keras 3 reads, too; 3 of weights alone. */
  readonly kerasVersion?: 2 | 3 | undefined;
}

export interface ExportOptions extends FileOptions {
  readonly format: FormatName;
  /** What a model that was trained here does not say itself: names of classes, the preprocessing, the loss. */
  readonly metadata?: ModelMetadata | undefined;
  /** Told, in a sentence, what of the model's training the format has no place for. Default: console.warn. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** What a card tells beside the model. */
export interface CardOptions {
  readonly format: FormatName;
  /** The file that it stands beside, or the folder. */
  readonly file: string;
  /** What result.json of the model's run holds. */
  readonly run?: unknown;
  /** Version of this package. */
  readonly version?: string;
}

const isShape = (value: unknown) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((size) => Number.isSafeInteger(size) && (size as number) >= 1);

const onWarning = /* @__PURE__ */ callable<(text: string) => void>("a function of a text");

/** What loadModel() takes. */
export const LOAD: Checked = {
  ...LOAD_MODEL,
  table: (): TableOf<LoadModelOptions> => {
    const { preprocessing, classNames } = (SAVE.table as () => TableOf<ModelMetadata>)();
    return {
      ...(LOAD_MODEL.table as () => TableOf<LoadOptions>)(),
      model: some<Model | ModelConfig>("a model, or its architecture as plain data", isObject),
      names: some<Record<string, string>>(
        "names in the file, by names of parameters",
        (value) => isObject(value) && Object.values(value).every((name) => typeof name === "string"),
        { "conv2d/kernel": "features.0.weight" },
      ),
      inputShape: some<Shape>("whole numbers >= 1, [height, width, channels]", isShape, [224, 224, 3]),
      preprocessing,
      classNames,
      onWarning,
    };
  },
};

export const EXPORT: Checked = {
  call: "exportModel(model, *)",
  table: (): TableOf<ExportOptions> => ({
    format: needed(oneOf<FormatName>(WRITTEN), "keras"),
    name: some<string>(
      "a file's name without an ending",
      (value) => typeof value === "string" && /^[^/\\:]+$/.test(value) && !/^\.+$/.test(value),
      "model",
    ),
    weights: oneOf<WeightType>(WEIGHT_TYPES),
    kerasVersion: some<2 | 3>("2 or 3", (value) => value === 2 || value === 3, 3),
    metadata: group<ModelMetadata>((SAVE.table as () => TableOf<ModelMetadata>)()),
    onWarning,
  }),
};

export const CARD: Checked = {
  call: "modelCard(model, *)",
  table: (): TableOf<CardOptions> => ({
    format: needed(oneOf<FormatName>(WRITTEN), "keras"),
    file: needed(text, "model.keras"),
    run: some<unknown>("what result.json holds", isObject),
    version: text,
  }),
};
