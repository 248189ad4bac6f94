import { counted } from "../options/counted.ts";

/** What is wrong with names for a model's outputs, of which a single one has the names of class 0 and class 1. */
export function classNamesProblem(names: readonly string[] | undefined, outputs: number): string | undefined {
  if (!names || names.length === outputs || names.length === Math.max(outputs, 2)) return undefined;
  return `names ${counted(names.length, "class", "classes")}, but its model has ${counted(outputs, "output")}`;
}
