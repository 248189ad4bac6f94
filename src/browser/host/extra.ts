// What finds users' own losses and metrics, which is loaded where there are some: see browser/host/given.ts.
import type { CompiledOptions } from "../../train/compiled-options.ts";
import type { InitRequest, Reference } from "../protocol.ts";

/** The loss and the metrics that a page means: what is not built-in is among what the modules export, by its name. */
export async function imported({
  modules,
  outputs,
}: Pick<InitRequest, "modules" | "outputs">): Promise<Pick<CompiledOptions, "outputs">> {
  const exported = await Promise.all(modules.map((url) => import(url) as Promise<Record<string, unknown>>));
  const values = exported.flatMap((module) => Object.values(module)) as ({ name?: unknown } | null)[];
  // biome-ignore lint/suspicious/noExplicitAny: a loss or a metric, by where it is looked for
  const find = (given: string | Reference, key: "compute" | "update"): any => {
    if (typeof given === "string" || given.type) return given;
    const found = values.find(
      (value) =>
        typeof value === "object" &&
        value?.name === given.name &&
        typeof Reflect.get(value, key) === "function",
    );
    if (found) return found;
    throw new TypeError(
      `no object with the name '${given.name}' and a function ${key}() is exported by ${modules.join(", ")}`,
    );
  };
  return {
    outputs: outputs.map((output) => ({
      ...output,
      loss: find(output.loss, "compute"),
      metrics: output.metrics.map((metric) => find(metric, "update")),
    })),
  };
}
