import type { Hdf5Group } from "../hdf5/read-hdf5.ts";
import type { Written } from "../hdf5/write-hdf5.ts";
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

/** The weights' file of a model as Keras 3 has it. */
export function weightsGroups({ config, layers }: WrittenModel): Written {
  const vars = (name: string, arrays: Written["arrays"] = {}): Written => ({
    groups: { vars: { attributes: { name }, arrays } },
  });
  const groups = layers.map(({ name, path, weights }) => [
    path.slice("layers/".length),
    vars(name, Object.fromEntries(weights.map(({ tensor }, i) => [String(i), tensor]))),
  ]);
  return {
    groups: { layers: { groups: Object.fromEntries(groups) }, ...vars(String(config.name)).groups },
  };
}
