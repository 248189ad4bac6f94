import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable, printableJson } from "../../src/cli/printable.ts";

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i));

describe("printable", () => {
  test.each([
    ["C0", range(0x00, 0x1f)],
    ["DEL and C1", range(0x7f, 0x9f)],
  ])("shows each of %s as two hexadecimal digits", (_, characters) => {
    for (const character of characters)
      expect(printable(`a${character}b`)).toBe(
        `a\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}b`,
      );
  });

  test("shows what turns text around, and separators, as four digits", () => {
    const controls = [
      ..."\u061c\u200e\u200f\u2028\u2029",
      ...range(0x202a, 0x202e),
      ...range(0x2066, 0x2069),
    ];
    for (const character of controls)
      expect(printable(`a${character}b`)).toBe(
        `a\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}b`,
      );
  });

  test("leaves the neighbours of each range, and every other character, alone", () => {
    const neighbours = " ~\u00a0\u00ff\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a";
    expect(printable(neighbours)).toBe(neighbours);
    const others = "naïve 日本語 عربي \u{1f431}\u200d\u{1f5a5} \\x1b";
    expect(printable(others)).toBe(others);
  });

  test("keeps line breaks where it is told to, and those alone", () => {
    expect(printable("a\nb\r\u0085", true)).toBe("a\nb\\x0d\\x85");
    expect(printable("a\nb")).toBe("a\\x0ab");
  });
});

test("printableJson means the same, and holds nothing that a terminal obeys", () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: "binary" }), (json) => {
      const safe = printableJson(JSON.stringify(JSON.parse(json), null, 2));
      expect(JSON.parse(safe)).toEqual(JSON.parse(json));
      expect(printable(safe, true)).toBe(safe);
    }),
  );
  expect(printableJson('{\n"a\u009b": "\u202e"}')).toBe('{\n"a\\u009b": "\\u202e"}');
});
