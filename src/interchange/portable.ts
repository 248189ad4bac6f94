import { ModelFileError } from "../formats/model-file-error.ts";
import type { ModelConfig } from "../model/model-config.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { adviceOn } from "../options/names.ts";
import { quoted } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { CompileOptions } from "../train/compiled-options.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import type { OptimizerSnapshot } from "../train/training-state.ts";
import type { FileOptions, LoadModelOptions } from "./options.ts";

/** Files by their names: of most formats one, of some a model and its weights in several. */
export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** Is told, in a sentence, what a format has no place for, or the model that is read no counterpart of here. */
export type Warn = (text: string) => void;

/** Where callers do not want to be told, their console is. */
export function warnBy({ onWarning }: { readonly onWarning?: Warn | undefined }): Warn {
  return onWarning ?? ((text) => console.warn(`wasmgrad: ${text}`));
}

/** What a model is trained with, beside the losses of its metadata. */
export interface PortableTraining {
  readonly optimizer?: Optimizer | undefined;
  readonly metrics?: CompileOptions["metrics"];
  /** What the optimizer keeps, where it has done steps. */
  readonly state?: OptimizerSnapshot | undefined;
  /** Of a compiled model, where its metadata says nothing of them. */
  readonly loss?: CompileOptions["loss"];
  readonly lossWeights?: CompileOptions["lossWeights"];
}

/** A model between formats: layers and weights as they are here, whatever the file that they come from or go to. */
export interface PortableModel {
  readonly config: ModelConfig;
  /** The model's parameters by their names here, in the layouts that they have here: channels last. */
  readonly tensors: readonly NamedTensor[];
  readonly metadata: ModelMetadata;
  /** Where the file, or the compiled model, tells of it. */
  readonly training?: PortableTraining | undefined;
}

/** What a file of weights alone holds, for a model that is given. */
export interface PortableWeights {
  /** In the file's order, by the file's names. */
  readonly tensors: readonly NamedTensor[];
  /** How kernels lie: Keras's as here; PyTorch's [out, in, height, width], and [out, in]. */
  readonly layout: "keras" | "torch";
  /** Whether the file has them sorted by name, so that their order says nothing of the model's. Default false. */
  readonly sorted?: boolean;
  /** What they were under in the file, for messages: "state_dict". Default: it holds nothing else. */
  readonly from?: string;
}

/** A format's reader, loaded when there is a file for it. Throws ModelFileError on what it cannot read. */
export interface Reader {
  read(files: Files, options: LoadModelOptions): Promise<PortableModel | PortableWeights>;
}

/** A format's writer, loaded when a model is written so. Throws ModelFileError where the format lacks what the model uses. */
export interface Writer {
  write(model: PortableModel, options: FileOptions & { readonly warn: Warn }): Promise<Files>;
}

/** What a model uses that the other side has not. */
export interface Lack {
  /** The layer's name in the model that is read or written. */
  readonly layer: string;
  /** Its type there, and the option or form of it that is meant. */
  readonly uses: string;
  /** What comes nearest, in words. Default: a type of layer of about that name, where there is one. */
  readonly nearest?: string;
}

/** Lists all that is lacking, layer by layer. */
export function unsupported(lacks: readonly Lack[], known: readonly string[], lacking = "wasmgrad") {
  const lines = lacks.map(({ layer, uses, nearest }) => {
    const advice = nearest === undefined ? adviceOn(uses, known) : `nearest: ${nearest}`;
    return `layer ${quoted(layer)} is ${uses} (${advice})`;
  });
  return new ModelFileError("unsupported", `the model uses what ${lacking} lacks: ${lines.join("; ")}`);
}

/** The only file of a format that has one; of several the one that names the others. */
export function onlyFile(files: Files): Uint8Array<ArrayBuffer> {
  const main = Object.keys(files).find((name) => /(^|[/\\])model\.json$/.test(name));
  return main === undefined ? Object.values(files)[0]! : files[main]!;
}
