// What optimizers keep from step to step, in Keras's order: the count of batches, the rate, and of each parameter that is trained
// averages, sums of gradients and the vectors of the optimizer's own.

import { isTrained, type Parameter } from "../../compiler/graph.ts";
import type { Optimizer } from "../../optim/optimizer.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import type { OptimizerSnapshot } from "../../train/training-state.ts";
import type { Warn } from "../portable.ts";
import { plainNumber } from "./optimizers.ts";
import type { FoundModel } from "./read-model.ts";
import type { FileArray } from "./weights.ts";
import type { WrittenLayer } from "./write-model.ts";

/** What files of before Keras 3 call a vector, beside what Keras 3 calls it. */
const OLD_NAMES: Readonly<Record<string, readonly string[]>> = {
  momentum: ["m", "momentum"],
  velocity: ["v", "velocity", "rms"],
  norm: ["v", "u", "norm"],
  average_gradient: ["mg", "average_gradient"],
  accumulated_grad: ["accum_grad", "accumulated_grad"],
  accumulated_delta_var: ["accum_var", "accumulated_delta_var"],
};

const MOST_STEPS = 2 ** 32 - 1;
const OF_SCALING = 4;

interface Vector {
  /** Which of ours it is. */
  readonly slot: number;
  readonly name: string;
}

/** The optimizer's vectors in Keras's order; those of a group take turns, parameter by parameter. */
function groupsOf({ name, options, stateVectors }: Optimizer): Vector[][] {
  const { useEma, gradientAccumulationSteps = 1 } = options;
  const sums =
    gradientAccumulationSteps > 1 ? [[{ slot: stateVectors - 1, name: "gradient_accumulator" }]] : [];
  const averages = useEma ? [[{ slot: stateVectors - sums.length - 1, name: "average" }]] : [];
  return [...averages, ...sums, ...ownGroups(name, options as Readonly<Record<string, unknown>>)];
}

function ownGroups(name: string, { momentum, centered }: Readonly<Record<string, unknown>>): Vector[][] {
  const together = (...names: readonly string[]) => [names.map((one, slot) => ({ slot, name: one }))];
  switch (name) {
    case "sgd":
      return (momentum as number) > 0 ? together("momentum") : [];
    case "rmsprop":
      // The mean of gradients comes before the momentum here, and behind it there.
      return [
        ...together("velocity"),
        ...((momentum as number) > 0 ? [[{ slot: centered ? 2 : 1, name: "momentum" }]] : []),
        ...(centered ? [[{ slot: 1, name: "average_gradient" }]] : []),
      ];
    case "adagrad":
      return together("accumulator");
    case "adadelta":
      return together("accumulated_grad", "accumulated_delta_var");
    case "adamax":
      return together("momentum", "norm");
    case "lion":
      return together("momentum");
  }
  return together("momentum", "velocity");
}

/** Keras's Adagrad counts from that value on, ours from 0 and adds it. */
function begun({ name, options }: Optimizer): number {
  const { initialAccumulatorValue = 0 } = options as { readonly initialAccumulatorValue?: number };
  return name === "adagrad" ? Math.fround(initialAccumulatorValue) : 0;
}

/** What Nadam keeps: the product of its momenta, which hangs on the count of updates alone. */
function momentaOf({ options }: Optimizer, updates: number): number {
  const { beta1 } = options as unknown as { beta1: number };
  let [product, fading] = [1, 1];
  let i = 0;
  for (; i < updates && fading > 1e-20; i++) {
    fading *= 0.96;
    product *= beta1 * (1 - 0.5 * fading);
  }
  return product * beta1 ** (updates - i);
}

export interface OptimizerVariable {
  /** "adam/dense_kernel_momentum" */
  readonly name: string;
  readonly value: Pick<NamedTensor, "shape" | "data"> | number | bigint;
}

/**
 * The variables as Keras has them. Undefined, which is told, where the state is not that of the model's parameters.
 * @param rate what its learning rate is; undefined where that follows a schedule
 */
export function writeState(
  optimizer: Optimizer,
  { step, vectors }: OptimizerSnapshot,
  layers: readonly WrittenLayer[],
  rate: number | undefined,
  warn: Warn,
): readonly OptimizerVariable[] | undefined {
  const trained = layers.flatMap((layer) =>
    layer.weights
      .filter((weight) => weight.trained)
      .map(({ name, tensor }) => ({ here: tensor.name, there: `${layer.name}_${name}` })),
  );
  const slots = vectors.map((vector) => new Map(vector.map((tensor) => [tensor.name, tensor])));
  if (slots.some((slot) => slot.size !== trained.length || trained.some(({ here }) => !slot.has(here)))) {
    warn("the optimizer's state is of other parameters than the file has trained ones: it is left out");
    return undefined;
  }
  const { name, options } = optimizer;
  const first = begun(optimizer);
  const of = ({ slot, name: vector }: Vector, { here, there }: { here: string; there: string }) => {
    const { shape, data } = slots[slot]!.get(here)!;
    return {
      name: `${name}/${there}_${vector}`,
      value: { shape, data: vector === "accumulator" ? data.map((value) => value + first) : data },
    };
  };
  const updates = Math.floor(step / (options.gradientAccumulationSteps ?? 1));
  return [
    { name: `${name}/iteration`, value: BigInt(step) },
    ...(rate === undefined ? [] : [{ name: `${name}/learning_rate`, value: rate }]),
    ...groupsOf(optimizer).flatMap((group) =>
      trained.flatMap((parameter) => group.map((vector) => of(vector, parameter))),
    ),
    ...(name === "nadam" ? [{ name: `${name}/variable`, value: momentaOf(optimizer, updates) }] : []),
  ];
}

/** The parameters that are trained, in Keras's order: that of its layers. */
function trainedOf({ parameters, places }: FoundModel): Parameter[] {
  const position = ({ name }: Parameter) => places.get(name.slice(0, name.lastIndexOf("/")))?.position ?? 0;
  return parameters.filter(isTrained).sort((a, b) => position(a) - position(b));
}

/**
 * What the variables of a file say; undefined where there are none, or, which is told, they do not fit the optimizer.
 * @param arrays in the file's order; with names, where it has some, which tell vectors of before Keras 3
 */
export function readState(
  optimizer: Optimizer,
  arrays: readonly FileArray[],
  found: FoundModel,
  warn: Warn,
): OptimizerSnapshot | undefined {
  const trained = trainedOf(found);
  const first = arrays.findIndex(({ shape }) => shape.length > 0);
  const single = arrays.slice(0, first < 0 ? undefined : first);
  // In .h5 files an optimizer that scales losses has numbers of its own before those of the one in it.
  const scalars = single.slice(single.length > OF_SCALING ? OF_SCALING : 0).slice(0, 2);
  const step = scalars[0]?.values()[0] ?? 0;
  const { learningRate } = optimizer.options;
  const groups = groupsOf(optimizer);
  // One that was never called has no vectors yet.
  if (!Number.isSafeInteger(step) || step < 1 || step > MOST_STEPS) return undefined;
  const rest = arrays.slice(single.length);
  const vectors = byName(rest, groups, trained.length) ?? inOrder(rest, groups, trained.length);
  const unfitting = vectors?.some((vector) =>
    vector.some(({ shape }, i) => shape.join() !== trained[i]!.shape.join()),
  );
  if (!vectors || unfitting) {
    warn(
      `the state of the file's optimizer, ${arrays.length} arrays, is not that of ${optimizer.name}() for ${trained.length} parameters that are trained: it is left out`,
    );
    return undefined;
  }
  const initial = begun(optimizer);
  const rate = scalars[1]?.values()[0];
  const other =
    rate !== undefined &&
    Number.isFinite(rate) &&
    rate >= 0 &&
    typeof learningRate === "number" &&
    rate !== Math.fround(learningRate);
  return {
    step,
    learningRate: other ? plainNumber(rate) : undefined,
    vectors: vectors.map((vector) =>
      vector.map((array, i) => {
        const data = array.values();
        const { name, shape } = trained[i]!;
        return {
          name,
          shape,
          data: initial === 0 ? data : data.map((value) => Math.max(0, value - initial)),
        };
      }),
    ),
  };
}

/** By what they are called: files of before Keras 3 have them in orders of their own. */
function byName(
  arrays: readonly FileArray[],
  groups: readonly (readonly Vector[])[],
  count: number,
): FileArray[][] | undefined {
  const found: FileArray[][] = [];
  for (const { slot, name } of groups.flat()) {
    const old = OLD_NAMES[name] ?? [name];
    found[slot] = arrays.filter((array) => {
      const parts = array.name.replace(/:\d+$/, "").split("/");
      return parts.at(-1)!.endsWith(`_${name}`) || old.includes(parts.at(-1)!) || old.includes(parts[1]!);
    });
    if (found[slot].length !== count) return undefined;
  }
  return found;
}

function inOrder(
  arrays: readonly FileArray[],
  groups: readonly (readonly Vector[])[],
  count: number,
): FileArray[][] | undefined {
  if (arrays.length < count * groups.flat().length) return undefined;
  const found: FileArray[][] = [];
  let at = 0;
  for (const group of groups) {
    for (const [i, { slot }] of group.entries())
      found[slot] = Array.from({ length: count }, (_, k) => arrays[at + k * group.length + i]!);
    at += count * group.length;
  }
  return found;
}
