import fc from "fast-check";
import { expect, test } from "vitest";
import { permutation } from "../../src/train/shuffle.ts";

const seed = fc.maxSafeNat();
const epoch = fc.nat(1000);

test("every number once, the same for the same seed and epoch", () => {
  fc.assert(
    fc.property(fc.nat(300), seed, epoch, (n, s, e) => {
      const order = permutation(n, s, e);
      expect(order.slice().sort()).toEqual(Uint32Array.from({ length: n }, (_, i) => i));
      expect(permutation(n, s, e)).toEqual(order);
    }),
    { numRuns: 200 },
  );
});

test("another order for another seed or epoch, high words of the seed included", () => {
  fc.assert(
    fc.property(seed, epoch, (s, e) => {
      const order = permutation(50, s, e);
      expect(permutation(50, s, e + 1)).not.toEqual(order);
      expect(permutation(50, s + 1, e)).not.toEqual(order);
      expect(permutation(50, s + 2 ** 32, e)).not.toEqual(order);
    }),
    { numRuns: 200 },
  );
});

test("is even: every number at every place, equally often", () => {
  const [n, rounds] = [6, 6000];
  const counts = new Float64Array(n * n);
  for (let e = 0; e < rounds; e++)
    for (const [place, value] of permutation(n, 1, e).entries()) counts[place * n + value]!++;
  // 5 standard deviations of a binomial.
  const limit = 5 * Math.sqrt(rounds * (1 / n) * (1 - 1 / n));
  for (const count of counts) expect(Math.abs(count - rounds / n)).toBeLessThan(limit);
  // Which of 0 and 1 comes first is a fair coin.
  let first = 0;
  for (let e = 0; e < rounds; e++) {
    const order = permutation(n, 2, e);
    if (order.indexOf(0) < order.indexOf(1)) first++;
  }
  expect(Math.abs(first - rounds / 2)).toBeLessThan(5 * Math.sqrt(rounds / 4));
});

test("is the same on every machine", () => {
  expect([...permutation(12, 1, 0)]).toEqual([3, 1, 6, 10, 11, 7, 4, 0, 5, 8, 2, 9]);
  expect([...permutation(12, 2 ** 53 - 1, 7)]).toEqual([5, 6, 0, 11, 7, 2, 9, 4, 1, 3, 10, 8]);
});
