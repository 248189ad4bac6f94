const bits = new Int32Array(1);
const value = new Float32Array(bits.buffer);

/** The f32 with these bits. */
export function f32FromBits(pattern: number): number {
  bits[0] = pattern;
  return value[0]!;
}

/** Spacing of f32 numbers at |x|; that of the denormals near 0. */
export function ulp(x: number): number {
  value[0] = Math.abs(x);
  const exponent = Math.max(1, (bits[0]! >>> 23) & 0xff);
  return 2 ** (exponent - 150);
}

/** |actual - expected| in units of the last place of the f32 nearest to `expected`; 0 where both are NaN or equal. */
export function ulpError(actual: number, expected: number): number {
  if (Number.isNaN(expected)) return Number.isNaN(actual) ? 0 : Number.POSITIVE_INFINITY;
  const rounded = Math.fround(expected);
  if (actual === rounded) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(rounded)) return Number.POSITIVE_INFINITY;
  return Math.abs(actual - expected) / ulp(rounded);
}
