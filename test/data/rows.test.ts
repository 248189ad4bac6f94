import { expect, test } from "vitest";
import { rowsOf } from "../../src/data/rows.ts";

test.each([Uint8Array, Uint8ClampedArray, Uint32Array, Float32Array])(
  "rows of a %o are copied, in the order that is asked for, one twice too",
  (Kind) => {
    const array = Kind.from([1, 2, 3, 4, 5, 6]);
    const rows = rowsOf(array, Uint32Array.of(2, 0, 2), 2);
    expect(rows).toEqual(Kind.from([5, 6, 1, 2, 5, 6]));
    rows.fill(9);
    expect(array).toEqual(Kind.from([1, 2, 3, 4, 5, 6]));
  },
);

test("rows of what a file gave, which is a Buffer, are bytes", () => {
  const rows = rowsOf(Buffer.from([1, 2, 3, 4]), Uint32Array.of(1), 2);
  expect(Object.getPrototypeOf(rows)).toBe(Uint8Array.prototype);
  expect([...rows]).toEqual([3, 4]);
});
