import type { Hdf5Group } from "../hdf5/read-hdf5.ts";
import type { Written } from "../hdf5/write-hdf5.ts";
import type { OptimizerVariable } from "./optimizer-state.ts";
import type { Asked, FileArray } from "./weights.ts";
import type { WrittenModel } from "./write-model.ts";

/** The array of a parameter in Keras 3's weights: layers/conv2d_1/vars/0. */
export function arrayIn(root: Hdf5Group): (asked: Asked) => FileArray | undefined {
  // As Keras 2.12 and 2.13 called it.
  const old = root.group("_layer_checkpoint_dependencies") !== undefined;
  return ({ index, place }) => {
    const path = `${old ? place.path.replaceAll("layers", "_layer_checkpoint_dependencies") : place.path}/vars/${index}`;
    const array = root.array(path);
    return array && { name: path, shape: array.shape(), values: () => array.values() };
  };
}

/** The variables of the optimizer, in their order; of one in an optimizer that scales losses its own. */
export function variablesIn(root: Hdf5Group): FileArray[] {
  const vars = root.group("optimizer/inner_optimizer/vars") ?? root.group("optimizer/vars");
  const found: FileArray[] = [];
  for (let i = 0; ; i++) {
    const array = vars?.array(String(i));
    if (!array) return found;
    found.push({ name: String(i), shape: array.shape(), values: () => array.values() });
  }
}

/** The weights' file of a model as Keras 3 has it, and with it what its optimizer keeps. */
export function weightsGroups(
  { config, layers }: WrittenModel,
  variables?: readonly OptimizerVariable[] | undefined,
): Written {
  const vars = (name: string, arrays: Written["arrays"] = {}): Written => ({
    groups: { vars: { attributes: { name }, arrays } },
  });
  const groups = layers.map(({ name, path, weights }) => [
    path.slice("layers/".length),
    vars(name, Object.fromEntries(weights.map(({ tensor }, i) => [String(i), tensor]))),
  ]);
  return {
    groups: {
      layers: { groups: Object.fromEntries(groups) },
      ...(variables && {
        optimizer: vars(
          variables[0]!.name.split("/")[0]!,
          Object.fromEntries(variables.map(({ value }, i) => [String(i), value])),
        ),
      }),
      ...vars(String(config.name)).groups,
    },
  };
}
