import { checkOptions, optionProblem } from "../options/check.ts";
import { flag, optional, real, some, type Table } from "../options/kinds.ts";
import { written } from "../options/show.ts";
import type { LossData, LossName } from "./names.ts";

const share = () =>
  some<number>("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1, 0.1);

export const crossentropyTable = () => ({
  /** Share of each target that is spread evenly over the classes; of binary targets drawn towards 1/2. Default 0. */
  labelSmoothing: optional(share(), 0),
  /** The model ends without softmax or sigmoid, which the loss does then. Metrics are those of the probabilities. Default false. */
  fromLogits: optional(flag, false),
});

export const categoricalFocalTable = () => ({
  ...crossentropyTable(),
  /** What all is multiplied by. Default 0.25. */
  alpha: optional(real(0), 0.25),
  /** How little counts what is right already: 0 makes it the crossentropy. Default 2. */
  gamma: optional(real(0), 2),
});

export const binaryFocalTable = () => ({
  ...categoricalFocalTable(),
  /** What ones count where classes are balanced; zeros count 1 - alpha. Default 0.25. */
  alpha: optional(share(), 0.25),
  /** Default false. */
  applyClassBalancing: optional(flag, false),
});

export const huberTable = () => ({
  /** Where d^2 / 2 goes over into a line. Default 1. */
  delta: optional(real(0, undefined, true), 1),
});

const TABLES: { readonly [L in LossName]?: () => Table } = {
  categoricalCrossentropy: crossentropyTable,
  sparseCategoricalCrossentropy: crossentropyTable,
  binaryCrossentropy: crossentropyTable,
  categoricalFocalCrossentropy: categoricalFocalTable,
  binaryFocalCrossentropy: binaryFocalTable,
  huber: huberTable,
};

const tableOf = (name: LossName): Table => TABLES[name]?.() ?? {};

/** What is wrong with the options of a loss that is plain data, and what to write; undefined where nothing is. */
export function lossProblem({ name, ...options }: LossData): string | undefined {
  const problem = optionProblem(tableOf(name), options, (right) => written({ name, ...right }, true));
  return problem && `${name}: ${problem}`;
}

/** Throws RangeError on an option that the loss has not, or that is out of range. */
export function checkLossOptions(name: LossName, options: unknown): void {
  checkOptions({ call: `${name}(*)`, table: tableOf(name) }, options);
}
