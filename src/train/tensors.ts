import type { NamedTensor } from "./safetensors.ts";
import type { View } from "./session.ts";

/** Copies of the numbers of each parameter. */
export function tensorsOf(views: Iterable<View>): NamedTensor[] {
  return Array.from(views, ({ parameter: { name, shape }, data }) => ({
    name,
    shape,
    data: new Float32Array(data),
  }));
}

/** Puts tensors, which are known to fit, where the views of their names are. */
export function setTensors(views: Iterable<View>, tensors: readonly NamedTensor[]): void {
  const named = new Map(tensors.map(({ name, data }) => [name, data]));
  for (const { parameter, data } of views) data.set(named.get(parameter.name)!);
}
