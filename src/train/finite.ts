import { elements } from "../nn/graph.ts";
import { quoted } from "../options/show.ts";
import { NonFiniteError, type NonFiniteSource } from "./errors.ts";
import { isBytes, type Pixels, type Samples } from "./samples.ts";
import type { Session } from "./session.ts";

/**
 * Throws NonFiniteError where a weight is NaN or infinite: a training that begins so has no good weights to go back to, and
 * answers mean nothing, also where relu or a pooling window hides the weight from them.
 */
export function requireFiniteWeights(session: Session, when: string): void {
  const found = inWeights(session);
  if (!found) return;
  throw new NonFiniteError(
    "weights",
    `the weights were not finite before ${when}: ${found}. Set finite ones with model.setWeights(), or compile() the model to begin anew`,
  );
}

/** The error for a result that is not finite, of samples first .. first + count - 1: `what` it is, and where it comes from. */
export function nonFinite(
  session: Session,
  samples: Samples,
  what: string,
  first: number,
  count: number,
): NonFiniteError {
  // Set while it was asked: they were finite when it began.
  requireFiniteWeights(session, "the answer");
  const [source, reason] = sourceOf(session, samples, first, count);
  return new NonFiniteError(source, `${what} is not finite: ${reason}`);
}

function sourceOf(
  session: Session,
  { images, shape, targets, count: all }: Samples,
  first: number,
  count: number,
): [NonFiniteSource, string] {
  const size = elements(shape);
  const input = inPart(images, first * size, (first + count) * size);
  if (input >= 0)
    return [
      "inputs",
      `input ${input % size} of sample ${Math.floor(input / size)} is ${images[input]}, expected finite numbers`,
    ];
  const outputs = targets ? targets.length / all : 0;
  const target = targets ? inPart(targets, first * outputs, (first + count) * outputs) : -1;
  if (target >= 0)
    return [
      "targets",
      `target ${target % outputs} of sample ${Math.floor(target / outputs)} is ${targets![target]}, expected finite numbers`,
    ];
  const { scale, offset } = session.options.preprocessing;
  const pixels = isBytes(images) ? ` (pixels become pixel * ${scale} + ${offset})` : "";
  return [
    "range",
    `weights and inputs are finite, but numbers on the way grew beyond the range of f32, 3.4e38. Scale inputs to about 0 to 1${pixels}, and look for large weights`,
  ];
}

/** The first number of values[first .. last - 1] that is not finite, by its index in values; -1 where there is none. */
function inPart(values: Pixels, first: number, last: number): number {
  if (isBytes(values)) return -1;
  for (let i = first; i < last; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

/** Which weights are not finite, in words; undefined where all are. */
function inWeights(session: Session): string | undefined {
  let first = "";
  let more = 0;
  for (const { parameter, data } of session.weights())
    for (let i = 0; i < data.length; i++) {
      if (Number.isFinite(data[i])) continue;
      if (first === "") first = `${quoted(parameter.name)} holds ${data[i]} at index ${i}`;
      else more++;
    }
  if (first === "") return undefined;
  return more === 0 ? first : `${first}, and ${more} more number${more === 1 ? " is" : "s are"} not finite`;
}
