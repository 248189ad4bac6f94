// Functions that JavaScript's own may round differently on another engine, by series of + - * / alone, to some 1e-15.
import { ln } from "../../options/ln.ts";

/** x ** y for x > 0, y >= 0: the whole part of y by multiplication alone. */
export function power(x: number, y: number): number {
  let product = 1;
  let whole = y - (y % 1);
  for (let square = x; whole > 0; square *= square, whole = (whole - (whole % 2)) / 2)
    if (whole % 2 === 1) product *= square;
  const rest = ((y % 1) * ln(x)) / 64;
  let sum = 1;
  for (let n = 20; n > 0; n--) sum = 1 + (rest / n) * sum;
  for (let n = 0; n < 6; n++) sum *= sum;
  return product * sum;
}

/** (1 + cos(pi x)) / 2 for x from 0 to 1: 1 at 0, 0 at 1, both exactly. */
export function halfCosine(x: number): number {
  if (x > 0.5) return 1 - halfCosine(1 - x);
  const square = Math.PI * x * Math.PI * x;
  let sum = 1;
  for (let n = 24; n > 0; n -= 2) sum = 1 - (square / (n * (n - 1))) * sum;
  return (1 + sum) / 2;
}
