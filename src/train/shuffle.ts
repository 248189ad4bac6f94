/**
 * A permutation of 0 .. n - 1, fixed by (seed, epoch) and the same on every machine: Fisher and Yates's shuffle
 * driven by sfc32 (Chris Doty-Humphrey, PractRand), all in integer arithmetic.
 */
export function permutation(n: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(n).map((_, i) => i);
  const next = sfc32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, epoch >>> 0);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((next() * (i + 1)) / 2 ** 32);
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}

/** Uniform whole numbers from 0 to 2^32 - 1. */
function sfc32(a: number, b: number, c: number): () => number {
  let counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}
