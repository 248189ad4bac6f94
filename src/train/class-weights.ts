import type { Graph } from "../compiler/graph.ts";
import { balancedClassWeights } from "../data/class-weights.ts";
import { rowsOf } from "../data/rows.ts";
import { show } from "../options/show.ts";
import type { FitOptions } from "./fit.ts";
import { listed, type Samples } from "./samples.ts";
import type { Part } from "./validation.ts";

/**
 * A part for training, whose samples count what their classes do; of outputs that are images each pixel what its class does. Throws TypeError where samples have weights already, or the model
 * has several outputs; RangeError on a class that it has not.
 */
export function weighClasses(
  part: Part,
  { classWeight }: Pick<FitOptions, "classWeight">,
  { outputs }: Graph,
): Part {
  if (classWeight === undefined) return part;
  const { samples, rows } = part;
  if (outputs.length > 1)
    throw new TypeError(
      "classWeight is for models of one output, but this one has several: give samples weights by output. Write: { images, labels, weights: [first, second], count, shape }",
    );
  if (samples.weights)
    throw new TypeError("both classWeight and weights of samples are given: expected one of them");
  const { shape } = outputs[0]!;
  const cols = shape.at(-1)!;
  const classes = Math.max(cols, 2);
  const labels = labelsOf(samples, cols, classes);
  const own =
    classWeight === "balanced"
      ? balancedClassWeights(rows ? rowsOf(labels, rows, labels.length / samples.count) : labels, classes)
      : classWeight;
  const stray = Object.keys(own).find((id) => !(/^\d+$/.test(id) && Number(id) < classes));
  if (stray !== undefined)
    throw new RangeError(`classWeight: no class is ${show(stray)}, expected ids from 0 to ${classes - 1}`);
  const weights = Float32Array.from(labels, (label) => own[label] ?? 1);
  return { ...part, samples: { ...samples, weights: [weights] } };
}

/** Class ids; of targets the place of the greatest, of one output 1 above 0.5. */
function labelsOf({ labels, targets }: Samples, cols: number, classes: number): Uint32Array {
  const [ids] = listed<Uint8Array | undefined>(labels);
  if (ids) return Uint32Array.from(ids);
  const numbers = listed<Float32Array | undefined>(targets)[0]!;
  return Uint32Array.from({ length: numbers.length / cols }, (_, r) => {
    if (cols === 1) return Math.min(Number(numbers[r]! > 0.5), classes - 1);
    const row = numbers.subarray(r * cols, (r + 1) * cols);
    return row.indexOf(Math.max(...row));
  });
}
