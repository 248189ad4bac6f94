import type { Graph } from "../compiler/graph.ts";
import { probabilitiesOf } from "../losses/probabilities.ts";
import type { CompileOptions, Loaded, OutputOptions } from "./compiled-options.ts";
import type { Port } from "./samples.ts";

/**
 * What is lost at the output of a model of classes that is compiled as most are; undefined where it is another, or something else is
 * asked for: of that checkCompile() tells, which a page loads then.
 */
export function usualOutputs(
  { graph, outputs, loaded }: { graph: Graph; outputs: readonly Port[]; loaded: Loaded | undefined },
  { loss = "categoricalCrossentropy", lossWeights, metrics, preprocessing }: CompileOptions,
): OutputOptions[] | undefined {
  const [{ name, shape }] = outputs as [Port];
  const usual =
    outputs.length === 1 &&
    shape.length === 1 &&
    shape[0]! > 1 &&
    loss === "categoricalCrossentropy" &&
    [lossWeights, metrics, preprocessing, loaded].every((other) => other === undefined) &&
    probabilitiesOf(graph, graph.outputs[0]!) === "softmax";
  return usual ? [{ name, loss, weight: 1, metrics: ["accuracy"] }] : undefined;
}
