import type { NamedTensor } from "../safetensors/safetensors.ts";
import { checkWeights, type SetWeightsOptions, type WeightsTaken } from "../train/check-weights.ts";
import type { Model } from "../train/model.ts";

/** Gives a trainer's worker weights. Throws as Model.setWeights(). */
export async function setWeights(
  { graph }: Model,
  client: { call(method: "setWeights", tensors: readonly NamedTensor[]): Promise<undefined> },
  tensors: readonly NamedTensor[],
  options?: SetWeightsOptions,
): Promise<WeightsTaken> {
  const given = checkWeights(tensors, graph.parameters, options);
  await client.call("setWeights", given.tensors);
  return given.told;
}
