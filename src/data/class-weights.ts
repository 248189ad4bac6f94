import { DataError } from "./errors.ts";

/**
 * A weight for each class, so that all classes count the same, however many samples each has: samples / (classes * samples of
 * the class), as scikit-learn's "balanced". They average 1 over the samples. A class without samples has none.
 * Throws DataError `label-range` on a label that is none of the classes.
 * @param labels class ids, one a sample
 * @param classes how many there are, all of them. Default: those up to the largest label
 * @returns weights by class: what fit() takes as `classWeight`
 */
export function balancedClassWeights(labels: ArrayLike<number>, classes?: number): Record<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isSafeInteger(label) || label < 0 || (classes !== undefined && label >= classes))
      throw new DataError(
        "label-range",
        `balancedClassWeights: label ${i} is ${label}; expected a class id, ${classes === undefined ? "a whole number from 0" : `0 to ${classes - 1}`}.`,
      );
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const ids = [...counts.keys()].sort((a, b) => a - b);
  return Object.fromEntries(ids.map((id) => [id, labels.length / (ids.length * counts.get(id)!)]));
}
