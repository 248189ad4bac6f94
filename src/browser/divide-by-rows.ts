import type { Graph } from "../compiler/graph.ts";
import { type Division, divide } from "../train/divide.ts";
import type { FitOptions } from "../train/fit.ts";
import type { Samples } from "../train/samples.ts";

/** As divide(), but that what validationSplit divides keeps its samples, which the worker may have already: parts are their rows. */
export function divideByRows(samples: Samples, options: FitOptions, graph: Graph, seed: number): Division {
  const division = divide(samples, options, graph, seed);
  if (!options.validationSplit) return division;
  const part = ({ rows, count }: Division["train"], first: number) => ({
    samples,
    count,
    rows: rows ?? Uint32Array.from({ length: count }, (_, i) => first + i),
  });
  const { train, validation } = division;
  return { ...division, train: part(train, 0), validation: part(validation!, train.count) };
}
