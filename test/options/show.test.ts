import { expect, test } from "vitest";
import { counted } from "../../src/options/counted.ts";
import { show, written } from "../../src/options/show.ts";

class Thing {}
const deep = JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`);

test.each<[unknown, string]>([
  ["a\u001b[31m", '"a\\u001b[31m"'],
  ["x".repeat(1e6), `"${"x".repeat(40)}…"`],
  [Number.NaN, "NaN"],
  [undefined, "undefined"],
  [null, "null"],
  [2n, "2n"],
  [Symbol("s"), "Symbol(s)"],
  [show, "the function show"],
  [() => {}, "a function"],
  [new Thing(), "a Thing"],
  [new Float32Array(1e6), "a Float32Array"],
  [Object.create(null), "an object"],
  [{ constructor: "no function" }, "an object"],
  [{ a: 1 }, "an object"],
  [[1, "a", [2]], '[1, "a", […]]'],
  [new Array(1e6).fill(1), "[1, 1, 1, 1, 1, 1, …]"],
  [deep, "[[…]]"],
])("a value in a message, case %#", (value, text) => {
  expect(show(value)).toBe(text);
});

test("options are written as in code and as in JSON; what cannot be is a variable", () => {
  const options = { n: 3, name: "a", size: [3, 3], on: true, signal: new AbortController().signal };
  expect(written(options)).toBe('{ n: 3, name: "a", size: [3, 3], on: true, signal }');
  expect(written(options, true)).toBe('{"n": 3, "name": "a", "size": [3, 3], "on": true, "signal": …}');
  expect(written({ preprocessing: { scale: 1, offset: 0 }, "odd name": 1 })).toBe(
    '{ preprocessing: { scale: 1, offset: 0 }, "odd name": 1 }',
  );
  expect(written({})).toBe("{}");
  expect(written({ ["x".repeat(1e6)]: 1 })).toBe(`{ "${"x".repeat(40)}…": 1 }`);
  const many = Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`n${i}`, i]));
  expect(written(many)).toMatch(/ n19: 19, … }$/);
});

test("a number of things: one is one, thousands are grouped", () => {
  expect([0, 1, 2, 60_000].map((n) => counted(n, "image"))).toEqual([
    "0 images",
    "1 image",
    "2 images",
    "60,000 images",
  ]);
  expect([1, 10].map((n) => counted(n, "class", "classes"))).toEqual(["1 class", "10 classes"]);
});
