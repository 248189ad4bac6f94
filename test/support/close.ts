/** How far `actual` may lie from `expected`: |actual - expected| <= atol + rtol |expected|. */
export interface Closeness {
  readonly atol: number;
  readonly rtol: number;
  /** For the message; the product of its sizes must be the length. */
  readonly shape?: readonly number[];
}

/**
 * Throws unless all values are close. NaN passes only where NaN is expected, an infinity only where the same one is.
 * The message names the worst value: the one farthest beyond its own tolerance.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol, shape = [expected.length] }: Closeness,
): void {
  const size = shape.reduce((a, b) => a * b, 1);
  const shapeText = `shape [${shape.join(", ")}]`;
  if (actual.length !== expected.length || size !== expected.length)
    throw new Error(`expected ${expected.length} values of ${shapeText}, got ${actual.length}`);
  let worst = -1;
  let worstExcess = 1;
  let failures = 0;
  for (let i = 0; i < expected.length; i++) {
    const excess = excessOf(actual[i]!, expected[i]!, atol, rtol);
    if (excess <= 1) continue;
    failures++;
    if (worst < 0 || excess > worstExcess) [worst, worstExcess] = [i, excess];
  }
  if (worst < 0) return;
  const [got, wanted] = [actual[worst]!, expected[worst]!];
  const allowed = atol + rtol * Math.abs(wanted);
  throw new Error(
    `${failures} of ${size} values differ; worst at [${unravel(worst, shape).join(", ")}] (flat ${worst}) of ${shapeText}: ` +
      `got ${got}, expected ${wanted}, |difference| ${Math.abs(got - wanted)} > ${allowed} (atol ${atol}, rtol ${rtol})`,
  );
}

/** Throws unless all values are the same numbers: -0 is not 0, NaN is NaN whatever its bits. */
export function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (actual.length !== expected.length)
    throw new Error(`expected ${expected.length} values, got ${actual.length}`);
  for (let i = 0; i < expected.length; i++)
    if (!Object.is(actual[i], expected[i]))
      throw new Error(
        `values differ at ${i} of ${expected.length}: got ${actual[i]}, expected ${expected[i]}`,
      );
}

/** |difference| in units of what is allowed; infinite where no tolerance can help. */
function excessOf(actual: number, expected: number, atol: number, rtol: number): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  const difference = Math.abs(actual - expected);
  if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
  const allowed = atol + rtol * Math.abs(expected);
  return allowed > 0 ? difference / allowed : Number.POSITIVE_INFINITY;
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let d = shape.length - 1; d >= 0; d--) {
    index.unshift(flat % shape[d]!);
    flat = Math.floor(flat / shape[d]!);
  }
  return index;
}
