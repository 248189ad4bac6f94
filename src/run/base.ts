import { ModelError } from "../compiler/errors.ts";
import type { Shape } from "../compiler/graph.ts";
import { TO_UNIT } from "../compiler/preprocessing.ts";
import type { Dataset } from "../data/types.ts";
import type { LoadedModel } from "../formats/model-file.ts";
import { dense } from "../model/layers/dense.ts";
import { globalAveragePooling2d } from "../model/layers/global-pooling2d.ts";
import { flatten } from "../model/layers/simple.ts";
import { isObject } from "../options/kinds.ts";
import { quoted, show } from "../options/show.ts";
import type { Model } from "../train/model.ts";
import { backboneOf, transferred } from "../train/transfer.ts";
import { type RunConfig, RunConfigError } from "./config.ts";
import type { Platform } from "./learner.ts";
import { wantedFor } from "./targets.ts";

/** A run's backbone, before there is a dataset. */
export interface RunBase {
  /** The settings, with what the backbone says of those that were left out. */
  readonly config: RunConfig;
  readonly summary: BackboneSummary;
  /** The model for a dataset. Throws ModelError where its images do not fit the backbone. */
  build(dataset: Dataset): Model;
}

/** What front ends tell of a backbone. */
export interface BackboneSummary {
  /** Its last layer. */
  readonly cut: string;
  readonly layers: number;
  readonly frozen: number;
}

/**
 * The backbone that settings name. Throws RunConfigError where there is none; ModelError where it has not the layer to cut at, or fewer layers than are to
 * be frozen.
 */
export async function baseOf(
  platform: Pick<Platform, "base" | "pictureKeys">,
  given: LoadedModel | undefined,
  config: RunConfig,
): Promise<RunBase | undefined> {
  const { base: place, freeze = "all", head = ["classes"], dataset } = config;
  if (place === undefined) {
    if (given)
      throw new RunConfigError(
        'the hook base is given, and the setting base is not, which says what the backbone is called. Write: run({ base: "mobilenet" }, { base })',
      );
    return undefined;
  }
  const loaded = given ?? (await opened(platform, config));
  const taker = `base ${quoted(place)}`;
  const { inputs, inputShape } = loaded.model;
  if (inputs.length > 1)
    throw new ModelError(
      `${taker}: the model has ${inputs.length} inputs, and datasets are of images, one each`,
    );
  const { cut, rows, frozen, outputShape } = backboneOf(loaded, { cut: config.cut, freeze }, taker);
  const filled: RunConfig = {
    ...config,
    ...{ cut, freeze, head },
    preprocessing: config.preprocessing ?? loaded.metadata.preprocessing ?? TO_UNIT,
    ...pictures(config, inputShape, (await platform.pictureKeys?.(dataset)) ?? []),
  };
  return {
    config: filled,
    summary: { cut, layers: rows.length, frozen },
    build(dataset) {
      const wanted = wantedFor(dataset);
      const { outputs } = wanted;
      if (outputs.length !== 1)
        throw new ModelError(
          `${taker}: the answers are of ${outputs.join("x")}, and the head's dense layers give lists of numbers`,
        );
      const { loss } = config;
      const logits = isObject(loss) && (loss as { fromLogits?: boolean }).fromLogits === true;
      const activation = logits ? "linear" : wanted.numbers ? (wanted.ending ?? "linear") : "softmax";
      const layers = head.map((units) =>
        units === "classes"
          ? dense({ units: outputs[0]!, activation })
          : dense({ units, activation: "relu" }),
      );
      if (outputShape.length > 1)
        layers.unshift(outputShape.length === 3 ? globalAveragePooling2d() : flatten());
      return transferred(loaded, { cut, freeze, inputShape: dataset.train.shape, head: layers }, taker);
    },
  };
}

async function opened({ base: open }: Pick<Platform, "base">, config: RunConfig): Promise<LoadedModel> {
  if (!open)
    throw new RunConfigError(
      `base is ${show(config.base)}, a path, which a page cannot open. Write: run(settings, { base: await loadModel(bytes) })`,
    );
  return open(config);
}

/** Pictures become images as the backbone takes them. */
function pictures(
  { imageSize, colorMode }: RunConfig,
  [height, width, channels]: Shape,
  keys: readonly string[],
): Partial<RunConfig> {
  if (!keys.includes("colorMode") || channels === undefined) return {};
  return {
    imageSize: imageSize ?? [height!, width!],
    ...(colorMode !== undefined
      ? { colorMode }
      : (channels === 1 || channels === 3) && { colorMode: channels === 1 ? "grayscale" : "rgb" }),
  } as Partial<RunConfig>;
}
