import * as v from "valibot";
import { ModelError } from "../compiler/errors.ts";
import { requireRoom } from "../compiler/footprint.ts";
import { preprocessingProblem, TO_UNIT } from "../compiler/preprocessing.ts";
import { INTERPOLATIONS, RESIZES } from "../data/picture-options.ts";
import { DEFAULT_FILE_MEMORY } from "../engine/memory-sizes.ts";
import { isBuiltInLoss, LOSSES, type LossData, type LossName } from "../losses/names.ts";
import { lossProblem } from "../losses/options.ts";
import type { ModelConfig } from "../model/model-json.ts";
import { checkOptions } from "../options/check.ts";
import { counted } from "../options/counted.ts";
import { quoted, show } from "../options/show.ts";
import { parseJson } from "../options/strict-json.ts";
import { metadataDamage, sealed, weightsDamage } from "../safetensors/integrity.ts";
import {
  bytesOf,
  decodeSafetensors,
  encodeSafetensors,
  MAX_HEADER,
  type NamedTensor,
  SafetensorsError,
} from "../safetensors/safetensors.ts";
import type { Entries } from "../safetensors/seal.ts";
import { classNamesProblem } from "../train/class-names.ts";
import type { CompileOptions, Loaded } from "../train/compiled-options.ts";
import { buildModel } from "../train/functional.ts";
import { isModel, type Model } from "../train/model.ts";
import type { LoadOptions } from "../train/model-entries.ts";
import {
  MODEL_FORMAT,
  MODEL_FORMAT_VERSION,
  type ModelMetadata,
  modelEntries,
} from "../train/model-entries.ts";
import { LOAD_MODEL } from "../train/options.ts";
import { SAVE } from "../train/save-options.ts";
import type { OptimizerSnapshot } from "../train/training-state.ts";
import { ModelFileError } from "./model-file-error.ts";

export { MODEL_FORMAT_VERSION, type ModelMetadata } from "../train/model-entries.ts";
export { ModelFileError, type ModelFileErrorCode } from "./model-file-error.ts";

/** A model read from a file. `await model.compile()` makes it ready, with the file's weights, preprocessing and loss. */
export interface LoadedModel {
  readonly model: Model;
  /** The weights that compile() gives the model: it keeps them, so do not change them. */
  readonly tensors: readonly NamedTensor[];
  readonly metadata: ModelMetadata & {
    readonly preprocessing: { readonly scale: number; readonly offset: number };
  };
  /** What compile() takes to train it as the file's model was: optimizer, losses, metrics. Undefined where the file does not say. */
  readonly compileOptions?: CompileOptions | undefined;
  /** What that optimizer keeps, where it had done steps: for setOptimizerState(). */
  readonly optimizerState?: OptimizerSnapshot | undefined;
}

const finite = v.pipe(v.number(), v.finite());
/** A loss with its options. */
const LOSS_DATA = v.pipe(
  v.custom<LossData>(isBuiltInLoss),
  v.check(
    (loss) => lossProblem(loss) === undefined,
    ({ input }) => lossProblem(input)!,
  ),
);
/** Keys of the safetensors metadata: all values are JSON, but for `format`. */
const METADATA = {
  architecture: v.looseObject({
    name: v.optional(v.string()),
    layers: v.array(v.unknown()),
    inputs: v.optional(v.array(v.string())),
    outputs: v.optional(v.array(v.string())),
  }),
  preprocessing: v.optional(
    v.pipe(
      v.strictObject({ scale: finite, offset: finite }),
      v.check(
        (preprocessing) => preprocessingProblem(preprocessing) === undefined,
        ({ input }) => preprocessingProblem(input)!,
      ),
    ),
    TO_UNIT,
  ),
  classNames: v.optional(v.pipe(v.array(v.string()), v.minLength(1))),
  loss: v.optional(
    v.lazy((loss): v.GenericSchema<NonNullable<ModelMetadata["loss"]>> => {
      const one = v.lazy(
        (given): v.GenericSchema<LossName | LossData> =>
          isBuiltInLoss(given) && typeof given === "object" ? LOSS_DATA : v.picklist(LOSSES),
      );
      if (Array.isArray(loss)) return v.pipe(v.array(one), v.minLength(1));
      return typeof loss === "object" && !isBuiltInLoss(loss) ? v.record(v.string(), one) : one;
    }),
  ),
  lossWeights: v.optional(
    v.lazy((weights): v.GenericSchema<NonNullable<ModelMetadata["lossWeights"]>> => {
      if (Array.isArray(weights)) return v.pipe(v.array(finite), v.minLength(1));
      return typeof weights === "object" ? v.record(v.string(), finite) : finite;
    }),
  ),
  targets: v.optional(v.picklist(["images", "masks", "numbers"])),
  range: v.optional(v.pipe(v.array(finite), v.length(2))),
  dataset: v.optional(v.string()),
  background: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  centred: v.optional(v.boolean()),
  pictures: v.optional(
    v.object({
      interpolation: v.optional(v.picklist(INTERPOLATIONS)),
      resize: v.optional(v.picklist(RESIZES)),
    }),
  ),
};

/**
 * Reads what saveModel() wrote, for loadModel(), which reads other formats, too. The model comes uncompiled; compile() gives it the weights of the file, which are known to
 * fit it, and the preprocessing that it was trained with.
 * Throws ModelFileError; MemoryError where the model would need too much memory; TypeError where the file is no bytes.
 */
export function readModel(file: Uint8Array | ArrayBuffer, options: LoadOptions = {}): LoadedModel {
  checkOptions(LOAD_MODEL, options);
  const { tensors, metadata: raw } = decode(bytesOf(file, "loadModel"));
  checkFormat(raw);
  refuseDamage(metadataDamage(raw));
  const { model, metadata } = modelOf(raw, tensors);
  requireModelRoom(model, options);
  refuseDamage(weightsDamage(raw, checkTensors(model, tensors)));
  checkClassNames(model, metadata);
  return { model, tensors, metadata };
}

/**
 * A model of a file of another format, brought into layers and weights of here. Throws as readModel() does.
 * @param config checked here
 * @param tensors those of the model's parameters, by their names
 */
export function modelOfParts(
  config: ModelConfig,
  tensors: readonly NamedTensor[],
  metadata: ModelMetadata,
  options: LoadOptions,
): LoadedModel {
  const { preprocessing = TO_UNIT, loss, lossWeights } = metadata;
  const model = build(config, { tensors, loss, lossWeights, preprocessing });
  requireModelRoom(model, options);
  const ordered = checkTensors(model, tensors);
  checkClassNames(model, metadata);
  return { model, tensors: ordered, metadata: { ...metadata, preprocessing } };
}

function requireModelRoom({ graph }: Model, { maxMemory = DEFAULT_FILE_MEMORY }: LoadOptions): void {
  requireRoom(graph, maxMemory, (bytes) => `loadModel(file, { maxMemory: ${bytes} })`);
}

/**
 * A model's weights, architecture and metadata as a safetensors file, which other tools can read, too.
 * Throws ModelFileError where loadModel() would refuse the file; TypeError on what is no model; Error where it is not compiled.
 */
export function saveModel(model: Model, metadata: ModelMetadata = {}): Uint8Array<ArrayBuffer> {
  if (!isModel(model))
    throw new TypeError(
      `saveModel: got ${show(model)}, expected a compiled model. Write: saveModel(model); in a page: await trainer.save()`,
    );
  return saved("saveModel", model, metadata, ({ tensors }, entries) => {
    const file = encodeSafetensors(tensors, sealed(entries, tensors));
    checkHeader(file);
    return file;
  });
}

/** What loadModel() would read of the file that saveModel() would write, for `call`. Throws as saveModel() does. */
export function readSaved(call: string, model: Model, metadata: ModelMetadata): LoadedModel {
  return saved(call, model, metadata, (read) => read);
}

/** What `use` makes of a model as it would be read back. */
function saved<T>(
  call: string,
  model: Model,
  metadata: ModelMetadata,
  use: (read: LoadedModel, entries: Entries) => T,
): T {
  checkOptions(SAVE, metadata);
  const tensors = model.getWeights();
  const entries = modelEntries(model.toConfig(), metadata);
  try {
    const read = modelOf(entries, tensors);
    checkTensors(read.model, tensors);
    checkClassNames(read.model, read.metadata);
    return use({ ...read, tensors }, entries);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    const finite = tensors.every(({ data }) => data.every(Number.isFinite));
    const line = finite ? "" : ". Set finite weights with model.setWeights() before";
    const message = `${call}: loadModel() would refuse the file: ${error.message}${line}`;
    throw new ModelFileError(error.code, message, { cause: error });
  }
}

/** The model that a file's metadata describes, with these tensors to begin with, which are yet to be checked. */
function modelOf(
  raw: Entries,
  tensors: readonly NamedTensor[],
): Pick<LoadedModel, "metadata"> & { readonly model: Model } {
  const { architecture, ...metadata } = parseMetadata(raw);
  const { loss, lossWeights, preprocessing } = metadata;
  const model = build(architecture as ModelConfig, { tensors, loss, lossWeights, preprocessing });
  return { model, metadata: metadata as LoadedModel["metadata"] };
}

function checkClassNames(model: Model, { classNames }: ModelMetadata): void {
  const problem = classNamesProblem(classNames, model.outputShape.at(-1)!);
  if (problem) throw new ModelFileError("metadata", `the model file ${problem}`);
}

function checkHeader(file: Uint8Array<ArrayBuffer>): void {
  const bytes = Number(new DataView(file.buffer).getBigUint64(0, true));
  if (bytes > MAX_HEADER)
    throw new ModelFileError(
      "not-safetensors",
      `its names, shapes and metadata take ${counted(bytes, "byte")}, expected at most ${MAX_HEADER.toLocaleString("en-US")}`,
    );
}

function decode(file: Uint8Array): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(file);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new ModelFileError("not-safetensors", error.message, { cause: error });
  }
}

function checkFormat({ format, formatVersion }: Entries): void {
  if (format !== MODEL_FORMAT)
    throw new ModelFileError(
      "not-wasmgrad",
      `a safetensors file of another origin: its metadata has format ${show(format)}, expected "${MODEL_FORMAT}". Only files that wasmgrad saved carry the architecture`,
    );
  const version = Number(formatVersion);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new ModelFileError(
      "metadata",
      `the model file's formatVersion is ${show(formatVersion)}, expected a whole number`,
    );
  if (version > MODEL_FORMAT_VERSION)
    throw new ModelFileError(
      "version",
      `the model file has format version ${version}, this wasmgrad reads up to ${MODEL_FORMAT_VERSION}: use a later wasmgrad`,
    );
}

/** A file has as many faults as its maker likes, and values of any length. */
const MOST_ISSUES = 3;
const shortened = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

function parseMetadata(raw: Entries): v.InferOutput<v.ObjectSchema<typeof METADATA, undefined>> {
  const values: Record<string, unknown> = {};
  for (const key of Object.keys(METADATA)) {
    if (!Object.hasOwn(raw, key)) continue;
    try {
      values[key] = parseJson(raw[key]!);
    } catch (error) {
      throw new ModelFileError(
        "metadata",
        `the model file's ${key} is no JSON: ${shortened((error as Error).message)}`,
        {
          cause: error,
        },
      );
    }
  }
  const result = v.safeParse(v.object(METADATA), values);
  if (result.success) return result.output;
  const issues = result.issues
    .slice(0, MOST_ISSUES)
    .map(
      ({ path, message }) =>
        `${shortened(path?.map(({ key }) => key).join(".") ?? "it")}: ${shortened(message)}`,
    );
  const more = result.issues.length > MOST_ISSUES ? "; …" : "";
  throw new ModelFileError("metadata", `the model file's metadata does not fit: ${issues.join("; ")}${more}`);
}

function build(architecture: ModelConfig, loaded: Loaded): Model {
  try {
    return buildModel(architecture, loaded);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelFileError(
      "architecture",
      `the model file's architecture makes no model: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

function refuseDamage(damage: string | undefined): void {
  if (damage !== undefined)
    throw new ModelFileError(
      "damaged",
      `the model file is damaged: ${damage}. Get it again; or if it was changed on purpose, take weightsSha256 and metadataSha256 out of its metadata`,
    );
}

/** The tensors in the order of the model's parameters. */
function checkTensors(model: Model, tensors: readonly NamedTensor[]): NamedTensor[] {
  const given = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const ordered = model.graph.parameters.map(({ name, shape }) => {
    const tensor = given.get(name);
    if (!tensor) throw wrongWeights(`${quoted(name)} is missing`);
    if (tensor.shape.join() !== shape.join())
      throw wrongWeights(`${quoted(name)} has shape ${show(tensor.shape)}, expected ${show(shape)}`);
    const at = tensor.data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0)
      throw wrongWeights(`${quoted(name)} holds ${tensor.data[at]} at index ${at}, expected finite numbers`);
    given.delete(name);
    return tensor;
  });
  for (const name of given.keys()) throw wrongWeights(`${quoted(name)} is no parameter of the model`);
  return ordered;
}

function wrongWeights(what: string): ModelFileError {
  return new ModelFileError("weights", `the model file's weights do not fit: ${what}`);
}
