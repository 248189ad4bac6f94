// JavaScript's own may round differently on another engine: a series of + - * / alone, to some 1e-15.

/** Natural logarithm of x > 0. */
export function ln(x: number): number {
  let twos = 0;
  for (; x > 1.5; x /= 2) twos++;
  for (; x < 0.75; x *= 2) twos--;
  const z = (x - 1) / (x + 1);
  let sum = 0;
  for (let n = 33; n > 0; n -= 2) sum = sum * z * z + 1 / n;
  return 2 * z * sum + twos * Math.LN2;
}
