import { checkMetrics } from "../metrics/check-metrics.ts";
import type { Metric } from "../metrics/metric.ts";
import type { Checked } from "../options/check.ts";
import type { OutputOptions } from "../train/compiled-options.ts";
import type { Model } from "../train/model.ts";
import { checkCompile } from "../train/outputs.ts";
import type { InitRequest, Reference } from "./protocol.ts";
import type { TrainerOptions } from "./types.ts";

/** What a model's outputs are trained for, as the page has it and as its worker is sent it. */
export interface Outputs {
  readonly outputs: readonly OutputOptions[];
  readonly sent: Pick<InitRequest, "outputs" | "modules">;
  /** Whether the worker needs what files called extra.ts do. */
  readonly extra?: boolean;
}

/**
 * Of a model that is compiled otherwise than most are. Throws as Model.compile(), and TypeError on a loss or a metric that is code where there
 * are no modules that export it.
 */
export function sentOutputs(
  model: Model,
  options: Pick<TrainerOptions, "loss" | "lossWeights" | "metrics" | "preprocessing" | "modules">,
  taker: Checked,
): Outputs {
  const { modules = [] } = options;
  const outputs = checkCompile(model, options, taker);
  checkMetrics(outputs);
  const reference = (what: string, given: OutputOptions["loss"] | Metric): string | Reference => {
    if (typeof given === "string") return given;
    const { name } = given;
    // Built-in, with options: plain data.
    if (!("compute" in given || "update" in given)) return { type: name, ...given };
    if (modules.length === 0)
      throw new TypeError(
        `createTrainer: ${what} '${name}' is code, which cannot be sent to the worker: give the URL of a module that exports it. Write: modules: [new URL("mine.js", import.meta.url)]`,
      );
    return { name };
  };
  const sent = {
    outputs: outputs.map((output) => ({
      ...output,
      loss: reference("loss", output.loss),
      metrics: output.metrics.map((metric) => reference("metric", metric)),
    })),
    modules: modules.map(
      (module) => new URL(module, globalThis.document?.baseURI ?? globalThis.location.href).href,
    ),
  };
  const extra =
    modules.length > 0 || outputs.some(({ metrics }) => metrics.some((metric) => metric !== "accuracy"));
  return { outputs, sent, extra };
}
