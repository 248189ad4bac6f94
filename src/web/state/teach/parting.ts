// A model with a new head, in two: what is frozen is asked about each picture once, and the head alone is trained on what that gives. The numbers
// are those of training the whole with its first part frozen, to the bit.

import { ModelError } from "../../../compiler/errors.ts";
import { elements } from "../../../compiler/graph.ts";
import type { LoadedModel } from "../../../formats/model-file.ts";
import type { NamedTensor } from "../../../safetensors/safetensors.ts";
import { buildModel } from "../../../train/functional.ts";
import type { Model } from "../../../train/model.ts";
import { backboneOf, transferred } from "../../../train/transfer.ts";

/** A model to take a backbone of, with its weights and what its file says. */
export type Base = Pick<LoadedModel, "model" | "tensors" | "metadata">;

export interface Parted {
  /** Backbone and head. Compiled, it has the base's weights, and a head that is drawn from the seed. */
  readonly whole: Model;
  /** What is frozen: gives for an image so many numbers. */
  readonly features: Model;
  readonly size: number;
  /** Takes these numbers. Its weights have the names that they have in the whole. */
  readonly head: Model;
}

/**
 * A base cut behind a layer, by default before its classifier, with a head of these numbers of units. Throws ModelError where that cannot be.
 */
export function part(base: Base, units: readonly number[], behind?: string): Parted {
  const taker = "the base";
  const whole = transferred(base, { freeze: "all", head: units, cut: behind }, taker);
  const config = whole.toConfig();
  const [first, ...others] = config.layers.slice(-units.length);
  const cut =
    (first!.from as readonly string[] | undefined)?.[0] ?? config.layers.at(-units.length - 1)!.name;
  const still = backboneOf({ ...base, model: whole }, { cut: cut as string }, taker);
  const size = elements(still.outputShape);
  const { tensors, preprocessing } = still;
  return {
    whole,
    features: buildModel(still.config, { tensors, preprocessing }),
    size,
    head: buildModel(
      {
        name: "head",
        layers: [{ ...first!, inputShape: [size] }, ...others].map(({ from: _, ...layer }) => layer),
      },
      undefined,
    ),
  };
}

/**
 * Where a base is cut where nothing else is said: before its classifier, or where there is nothing to learn from before that, as in a net of dense
 * layers alone, before its last layer. Throws ModelError where there is no such place.
 */
export function usualCut(base: Base): string {
  const cutBehind = (cut: string | undefined) => backboneOf(base, { cut }, "the base").cut;
  try {
    return cutBehind(undefined);
  } catch (error) {
    const { rows } = base.model;
    const last = rows.findLastIndex(({ parameters }) => parameters > 0);
    const weighs = rows.slice(0, Math.max(0, last)).some(({ parameters }) => parameters > 0);
    if (!(error instanceof ModelError) || !weighs) throw error;
    return cutBehind(rows[last]!.from[0]!);
  }
}

/** Those of the whole's weights that are the head's. */
export function headWeights({ head }: Parted, weights: readonly NamedTensor[]): NamedTensor[] {
  const names = new Set(head.graph.parameters.map(({ name }) => name));
  return weights.filter(({ name }) => names.has(name));
}

/** All weights of the whole: the base's, and the head's. */
export function wholeWeights(
  { whole }: Parted,
  base: readonly NamedTensor[],
  head: readonly NamedTensor[],
): NamedTensor[] {
  // The head's names are none of the backbone's, but the base's own classifier may have had them.
  const all = new Map([...base, ...head].map((tensor) => [tensor.name, tensor]));
  return whole.graph.parameters.map(({ name }) => all.get(name)!);
}
