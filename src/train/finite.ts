import { NonFiniteError, type NonFiniteSource } from "./errors.ts";
import { isBytes, listed, type Pixels, type Samples } from "./samples.ts";
import type { Session } from "./session.ts";
import { trainWords } from "./words.ts";

/**
 * Throws NonFiniteError where a weight is NaN or infinite: a training that begins so has no good weights to go back to, and
 * answers mean nothing, also where relu or a pooling window hides the weight from them. Looks at weights once, until they may be others.
 */
export function requireFiniteWeights(session: Session, when: string): void {
  if (session.finite) return;
  let first: [name: string, value: string, index: number] | undefined;
  let more = 0;
  for (const { parameter, data } of session.weights())
    for (let i = 0; i < data.length; i++) {
      if (Number.isFinite(data[i])) continue;
      if (first) more++;
      else first = [parameter.name, String(data[i]), i];
    }
  if (first) throw new NonFiniteError("weights", trainWords.weightsNotFinite(when, ...first, more));
  session.finite = true;
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
  { images, targets, count: all }: Samples,
  first: number,
  count: number,
): [NonFiniteSource, string] {
  for (const [what, arrays] of [
    ["input", listed<Pixels>(images)],
    ["target", listed<Float32Array | undefined>(targets)],
  ] as const)
    for (const [i, array] of arrays.entries()) {
      if (!array) continue;
      const size = array.length / all;
      for (let at = first * size; at < (first + count) * size; at++)
        if (!Number.isFinite(array[at]))
          return [
            `${what}s`,
            trainWords.numberNotFinite(
              what,
              at % size,
              Math.floor(at / size),
              String(array[at]),
              ...(arrays.length > 1 ? [i] : []),
            ),
          ];
    }
  const bytes = listed(images).some(isBytes);
  return ["range", trainWords.outOfRange(bytes ? session.options.preprocessing : undefined)];
}
