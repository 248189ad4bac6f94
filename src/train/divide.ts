import type { Graph } from "../compiler/graph.ts";
import { weighClasses } from "./class-weights.ts";
import type { FitOptions } from "./fit.ts";
import type { Held } from "./source.ts";
import { classesOf, countsOf, type Part, splitForValidation, warningsOf, wholePart } from "./validation.ts";

/** What a training trains on, and what it is validated on. */
export interface Division {
  readonly train: Part;
  readonly validation?: Part | undefined;
  /** What is odd about them, in a sentence each. */
  readonly warnings: string[];
}

/** Divides samples as fit()'s options ask for. Pages do this themselves, and load it where a training has validation. */
export function divide(
  samples: Held,
  {
    validationSplit = 0,
    validationFrom = "last",
    validationData,
    classWeight,
  }: Pick<FitOptions, "validationSplit" | "validationFrom" | "validationData" | "classWeight">,
  graph: Graph,
  seed: number,
): Division {
  if (validationSplit !== 0 && validationData)
    throw new TypeError("both validationSplit and validationData are given: expected one of them");
  const { train, validation } =
    validationSplit === 0
      ? { train: wholePart(samples), validation: validationData && wholePart(validationData as Held) }
      : splitForValidation(samples, validationSplit, validationFrom, seed);
  const classes = classesOf(samples, graph);
  const counts = (part: Part | undefined) => part && countsOf(part, classes);
  const source = validationSplit === 0 ? "data" : validationFrom;
  return {
    train: weighClasses(train, { classWeight }, graph),
    validation,
    warnings: warningsOf(counts(train), counts(validation), source),
  };
}
