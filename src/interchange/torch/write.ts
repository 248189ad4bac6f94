import { elements } from "../../compiler/graph.ts";
import type { ModelFileError } from "../../formats/model-file-error.ts";
import { LAYERS } from "../../model/layers/index.ts";
import { encodeSafetensors } from "../../safetensors/safetensors.ts";
import { modelFromConfig } from "../../train/functional.ts";
import type { FileOptions } from "../options.ts";
import { type Files, type Lack, type PortableModel, unsupported } from "../portable.ts";
import { formsOf, toTorch } from "./forms.ts";
import { moduleOf } from "./module.ts";
import { pythonName } from "./names.ts";

/**
 * A model's weights as a state_dict, in safetensors, and its layers as a module of PyTorch that loads them. Images are as
 * PyTorch has them: (batch, channels, height, width).
 */
export async function write(
  { config, tensors, metadata }: PortableModel,
  { name }: FileOptions,
): Promise<Files> {
  const own = config.layers.filter(({ type }) => !Object.hasOwn(LAYERS, type));
  refuse(own.map(({ name, type }) => ({ layer: String(name), uses: type })));
  const model = modelFromConfig(config);
  const weights = new Map(tensors.map((tensor) => [tensor.name, tensor.data]));
  const state = formsOf(model).map((form) => ({
    name: form.name,
    shape: form.shape,
    data: form.parameter
      ? toTorch(form, weights.get(form.parameter.name)!)
      : new Float32Array(elements(form.shape)).fill(form.constant as number),
  }));
  const { preprocessing, classNames } = metadata;
  const entries = {
    format: "pt",
    ...(preprocessing && { preprocessing: JSON.stringify(preprocessing) }),
    ...(classNames && { classNames: JSON.stringify(classNames) }),
  };
  const file = pythonName(name!);
  const { text, lacks } = moduleOf(model, metadata, name!, file);
  refuse(lacks);
  return {
    [`${name}.safetensors`]: encodeSafetensors(state, entries),
    [`${file}.py`]: new TextEncoder().encode(text),
  };
}

function refuse(lacks: readonly Lack[]): void {
  if (lacks.length > 0) throw unsupported(lacks, Object.keys(LAYERS), "PyTorch's module") as ModelFileError;
}
