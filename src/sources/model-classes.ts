import { DataError } from "../data/errors.ts";
import type { Dataset } from "../data/types.ts";
import { show } from "../options/show.ts";
import { WHITE } from "./masks.ts";

/** Names that a message lists. */
const NAMED = 20;

const isValue = (name: string) => /^(\d+|#[\da-f]{6})$/.test(name);
/** Whether classes are called by their numbers. */
const areIds = (names: readonly string[]) => names.every((name, id) => name === String(id));

/**
 * One set of a dataset of masks with the classes of a model, by their names: those of a folder are the colours that it happens to have.
 * Throws DataError where it has pixels of classes that the model does not know.
 */
export function withModelClasses(
  dataset: Dataset,
  split: "train" | "test",
  classNames: readonly string[],
): Dataset {
  const white = areIds(dataset.classNames) && WHITE.has(dataset.answers!);
  // Greys and colours that a model was trained on, in their order; else ids, with names or without.
  const ranked = classNames.every(isValue) && !areIds(classNames);
  const asTheyAre = white ? classNames.length === 2 : areIds(dataset.classNames);
  if (dataset.classNames.join("\n") === classNames.join("\n") && !(white && classNames.length > 2))
    return dataset;
  if (asTheyAre && !ranked) return dataset;
  const own = white ? ["0", "255"] : dataset.classNames;
  const places = own.map((name) => placeOf(name, classNames));
  const set = dataset[split];
  const there = new Set(set.labels);
  const unknown = own.filter((_, id) => there.has(id) && places[id]! < 0);
  if (unknown.length > 0)
    throw new DataError(
      "bad-classes",
      `${dataset.name}: its masks have ${listed(unknown)}, but the model knows ${listed(classNames)}. Draw masks as those that it was trained on, or name their classes as the model does, in classes.txt, one a line in the order of ${listed(own)}.`,
    );
  return { ...dataset, classNames, [split]: { ...set, labels: set.labels.map((id) => places[id]!) } };
}

/** Where a name is among others, of which a grey may be a colour. */
function placeOf(name: string, names: readonly string[]): number {
  const at = names.indexOf(name);
  if (at >= 0) return at;
  if (/^\d+$/.test(name)) return names.indexOf(`#${Number(name).toString(16).padStart(2, "0").repeat(3)}`);
  const [, grey] = /^#(..)\1\1$/.exec(name) ?? [];
  return grey === undefined ? -1 : names.indexOf(String(Number.parseInt(grey, 16)));
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, NAMED).map((name) => show(name));
  return `${some.join(", ")}${names.length > NAMED ? " …" : ""}`;
}
