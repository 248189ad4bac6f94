// What Keras's files have no place for goes into them under this name, which Keras passes over.

import { optionProblem } from "../../options/check.ts";
import type { TableOf } from "../../options/kinds.ts";
import { isObject } from "../../options/kinds.ts";
import type { ModelMetadata } from "../../train/model-entries.ts";
import { SAVE } from "../../train/save-options.ts";

export const BESIDE = "wasmgrad";

/** What was written beside; of what does not fit nothing. */
export function readBeside(value: unknown): ModelMetadata {
  if (!isObject(value)) return {};
  const table = (SAVE.table as () => TableOf<ModelMetadata>)();
  const fitting = Object.entries(value).filter(
    ([key, one]) => optionProblem(table, { [key]: one }, () => "") === undefined,
  );
  return Object.fromEntries(fitting);
}

/** The metadata without what has a place; undefined where nothing is left. */
export function writeBeside({
  loss: _,
  lossWeights: __,
  ...metadata
}: ModelMetadata): ModelMetadata | undefined {
  const entries = Object.entries(metadata).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
