/**
 * Numbers that the fixtures name by a formula instead of storing them: the twin, bit for bit, of
 * test/fixtures/make_models.py, where the formula is documented. Elements count in Keras layout
 * (NHWC, HWIO, [in, units]). Seeds are integers in [0, 2^32).
 */

/** Mixes 32 bits: `lowbias32` of Chris Wellons' hash-prospector. Takes any integer modulo 2^32, returns a uint32. */
export function hash32(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** `count` float32 values, uniform in [-scale, scale): 24 bits, scaled in float64, rounded once. */
export function fixtureValues(count: number, seed: number, scale: number): Float32Array {
  const start = hash32(seed);
  return Float32Array.from({ length: count }, (_, i) => ((hash32(start + i) >>> 8) * 2 ** -23 - 1) * scale);
}

/** `count` class ids, each in [0, classes), classes <= 256. */
export function fixtureLabels(count: number, seed: number, classes: number): Uint8Array {
  const start = hash32(seed);
  return Uint8Array.from({ length: count }, (_, i) => hash32(start + i) % classes);
}

/** How many elements of a tensor of more than 2,000 a fixture stores. */
export const SAMPLE_SIZE = 500;

/** The sampled elements of a tensor of `size >= SAMPLE_SIZE` elements: distinct, ascending, one from each of 500 equal stretches. */
export function fixtureIndices(size: number, seed: number): Int32Array {
  const start = hash32(seed);
  const width = Math.floor(size / SAMPLE_SIZE);
  return Int32Array.from(
    { length: SAMPLE_SIZE },
    (_, j) => Math.floor((j * size) / SAMPLE_SIZE) + (hash32(start + j) % width),
  );
}
