import { counted } from "../options/counted.ts";
import { nearest } from "../options/names.ts";
import { show } from "../options/show.ts";
import { type PlainSamples, SamplesError } from "../train/samples.ts";

/** A class for each image, by number or by name; or the numbers that each is to give. */
export type LabelsSource =
  | readonly number[]
  | Uint8Array
  | Uint16Array
  | Int32Array
  | readonly string[]
  | readonly (readonly number[])[]
  | Float32Array;

/** Labels are bytes. */
const MAX_CLASSES = 256;

export const wrong = (problem: string) => new SamplesError(`samplesFrom: ${problem}`);

type Answers = Pick<PlainSamples, "labels" | "targets"> & { readonly classNames?: readonly string[] };

/** Labels or targets of samples, and the names of the classes where the labels are names. Throws SamplesError. */
export function answersOf(
  labels: LabelsSource,
  count: number,
  names: readonly string[] | undefined,
): Answers {
  const { length } = Object(labels) as ArrayLike<unknown>;
  const perSample = labels instanceof Float32Array ? length / count : 1;
  if (!Number.isInteger(perSample) || (perSample === 1 && length !== count) || length === undefined)
    throw wrong(
      length === undefined
        ? `labels is ${show(labels)}, expected a class for each of ${counted(count, "image")}`
        : `got ${counted(length, "label")} for ${counted(count, "image")}: expected one each`,
    );
  if (labels instanceof Float32Array) return { targets: labels };
  if (Array.isArray(labels[0])) return { targets: targetsOf(labels as readonly (readonly number[])[]) };
  if (typeof labels[0] === "string") return named(labels as readonly string[], names);
  const ids = labels as ArrayLike<number>;
  const bytes = Uint8Array.from(ids);
  const odd = bytes.findIndex((id, i) => id !== ids[i] || id >= (names?.length ?? MAX_CLASSES));
  if (odd >= 0)
    throw wrong(
      `labels[${odd}] is ${show(ids[odd])}, expected a class: ${names ? `one of the ${names.length} of classNames, by its number from 0` : "a whole number from 0 to 255"}. For numbers that are no classes write: Float32Array.from(labels)`,
    );
  return { labels: bytes };
}

function targetsOf(rows: readonly (readonly number[])[]): Float32Array {
  const width = rows[0]!.length;
  const odd = rows.findIndex((row) => !Array.isArray(row) || row.length !== width);
  if (odd >= 0)
    throw wrong(
      `labels[${odd}] is ${show(rows[odd])}, expected a list of ${width} numbers, as those before it`,
    );
  const targets = Float32Array.from(rows.flat());
  const none = targets.findIndex((value) => !Number.isFinite(value));
  if (none >= 0)
    throw wrong(`labels[${Math.floor(none / width)}] holds ${targets[none]}, expected finite numbers`);
  return targets;
}

function named(labels: readonly string[], names: readonly string[] = [...new Set(labels)].sort()): Answers {
  const ids = new Map(names.map((name, id) => [name, id]));
  if (names.length > MAX_CLASSES)
    throw wrong(`labels name ${names.length} classes, expected at most ${MAX_CLASSES}`);
  const odd = labels.findIndex((name) => !ids.has(name));
  if (odd >= 0) {
    const near = nearest(String(labels[odd]), names);
    throw wrong(
      `labels[${odd}] is ${show(labels[odd])}, expected one of classNames${
        near
          ? `. Write: ${show(near)}`
          : ` (${names
              .slice(0, 10)
              .map((name) => show(name))
              .join(", ")})`
      }`,
    );
  }
  return { labels: Uint8Array.from(labels, (name) => ids.get(name)!), classNames: names };
}
