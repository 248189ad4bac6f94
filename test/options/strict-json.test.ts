import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/options/strict-json.ts";

describe("parseJson", () => {
  test("is JSON.parse where no key is there twice, whatever strings hold", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary", maxDepth: 6 }), fc.nat(3), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(parseJson(spaced)).toEqual(JSON.parse(spaced));
      }),
      { numRuns: 500 },
    );
    expect(parseJson('{"a":{"a":[{"a":"\\"a\\":{"},{"a":1}]},"b":"}"}')).toEqual({
      a: { a: [{ a: '"a":{' }, { a: 1 }] },
      b: "}",
    });
  });

  test("refuses a key that was added a second time, anywhere", () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 2 })), {
      selector: ([key]) => key,
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(entries, fc.nat(), fc.jsonValue({ maxDepth: 1 }), (list, which, value) => {
        const again = [...list, [list[which % list.length]![0], value] as const];
        const text = `[[],{"x":{${again.map(([key, own]) => `${JSON.stringify(key)} : ${JSON.stringify(own)}`).join(" , ")}}}]`;
        expect(() => parseJson(text)).toThrow(SyntaxError);
        expect(() => parseJson(text)).toThrow(/twice: leave one of them out/);
      }),
      { numRuns: 300 },
    );
  });

  test("takes any depth, and refuses what is no JSON", () => {
    const deep = `${"[".repeat(2e5)}${"]".repeat(2e5)}`;
    expect(Array.isArray(parseJson(deep))).toBe(true);
    for (const text of ["", "{", '{"a"}', "{'a':1}", '{"a":1,}'])
      expect(() => parseJson(text)).toThrow(SyntaxError);
  });
});
