import { splitForValidation } from "../train/validation.ts";

/**
 * Divides items, of which each has a class, by the seed: the last share of them, the same of each class.
 * Throws SamplesError where a part would be empty.
 */
export function divide<T extends { readonly label: number }>(
  items: readonly T[],
  share: number,
  seed: number,
): [first: T[], last: T[]] {
  const labels = Uint8Array.from(items, ({ label }) => label);
  const samples = { images: labels, labels, count: items.length, shape: [1] };
  const { train, validation } = splitForValidation(samples, share, "stratified", seed);
  const of = (rows: Uint32Array) => Array.from(rows, (row) => items[row]!);
  return [of(train.rows!), of(validation.rows!)];
}
