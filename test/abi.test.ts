import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { abiSource } from "../scripts/abi.mjs";
import { dispatchSource } from "../scripts/dispatch.mjs";
import { CONTROL, FEW_BYTES, mapBytes, planeBytes, UPDATED } from "../src/engine/abi.ts";
import { KERNELS } from "../src/engine/kernel-table.ts";

/** A folder of AssemblyScript sources. */
function sources(files: Readonly<Record<string, string>>): URL {
  const folder = mkdtempSync(join(tmpdir(), "wasmgrad-abi-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return pathToFileURL(`${folder}/`);
}

test("src/engine/abi.ts is what the AssemblyScript sources declare", () => {
  expect(readFileSync(new URL("../src/engine/abi.ts", import.meta.url), "utf8")).toBe(abiSource());
});

test("assembly/dispatch.ts has a case for every kernel of the other files", () => {
  const dispatch = readFileSync(new URL("../assembly/dispatch.ts", import.meta.url), "utf8");
  expect(dispatch).toBe(dispatchSource());
  expect(dispatch).toMatch(/case \d+: pad2d\(changetype<PadArgs>\(args\), task, scratch\); break;/);
});

describe("of kernels, the switch refuses", () => {
  const CLASS = "export class FArgs {\n}\n";
  const kernel = (name: string, list = "s: FArgs, task: i32, scratch: usize") =>
    `export function ${name}(${list}): void {\n}\n`;
  test.each([
    ["two of one name", { "a.ts": CLASS + kernel("f"), "b.ts": kernel("f") }, "two kernels are called f"],
    [
      "one whose class is not there",
      { "a.ts": kernel("f") },
      "a kernel reads FArgs, which no exported class",
    ],
    [
      "one whose class is called otherwise",
      { "a.ts": kernel("f", "s: Other, task: i32, scratch: usize") },
      "a.ts: read 0 of 1 kernels",
    ],
    [
      "one of more arguments",
      { "a.ts": CLASS + kernel("f") + kernel("g", "s: FArgs, n: i32, task: i32, scratch: usize") },
      "a.ts: read 1 of 2 kernels",
    ],
  ])("%s", (_, files, message) => {
    expect(() => dispatchSource(sources(files))).toThrow(message);
  });

  test("nothing else: what is no kernel has no case", () => {
    const text = dispatchSource(
      sources({ "a.ts": `${CLASS + kernel("f")}export function help(s: FArgs): void {\n}\n` }),
    );
    expect(text.match(/case .*/g)).toEqual(["case 0: f(changetype<FArgs>(args), task, scratch); break;"]);
    expect(text).toContain('import { FArgs, f } from "./a";');
  });
});

test("the table that pages load has every kernel's id and fields", () => {
  const dispatch = readFileSync(new URL("../assembly/dispatch.ts", import.meta.url), "utf8");
  const cases = [...dispatch.matchAll(/case (\d+): (?:if \(TRAINING\) )?(\w+)\(/g)].map(([, id, name]) => [
    name,
    Number(id),
  ]);
  expect(Object.entries(KERNELS).map(([name, { id }]) => [name, id])).toEqual(expect.arrayContaining(cases));
  expect(Object.keys(KERNELS)).toHaveLength(cases.length);
  expect(KERNELS.pad2d).toEqual({
    id: 23,
    fields: ["out*", "x*", "H", "W", "C", "top", "bottom", "left", "right"].map((field) =>
      field.endsWith("*") ? [field.slice(0, -1), "pointer"] : [field, "i32"],
    ),
  });
  expect(KERNELS.fill.fields[2]).toEqual(["value", "f32"]);
  expect(KERNELS.packFilterTransposed.fields).toBe(KERNELS.packFilter.fields);
});

describe("what is marked // @host", () => {
  const host = (source: string) => abiSource(sources({ "sizes.ts": source, "dispatch.ts": "" }));

  test("constants, sizes and layouts are the host's, with their doc comments", () => {
    const text = host(
      "/** Wide. */\n// @host\nexport const WIDE: i32 = 4 * 8;\n\n" +
        "// @host\n// @ts-ignore: decorator\n@inline\nexport function padded(n: i32, C: i32): usize {\n" +
        "  return <usize>((n + WIDE - 1) / WIDE * WIDE) * (<usize>C + 1);\n}\n\n" +
        "// @host\n@unmanaged\nexport class TwoWords {\n  first: f32; // f32\n  second: f64;\n  unused0: u64;\n  third: usize;\n}\n",
    );
    expect(text).toContain("/** Wide. */\nexport const WIDE = 32;\n");
    expect(text).toContain(
      "export const padded = (n: number, C: number): number => Math.ceil(n / WIDE) * WIDE * (C + 1);\n",
    );
    expect(text).toContain(
      "export const TWO_WORDS = {\n  first: 0,\n  second: 8,\n  third: 24,\n  bytes: 32,\n} as const;",
    );
  });

  test.each([
    [
      "a shift, which JavaScript would cut",
      "// @host\nexport const A: i32 = 1 << 4;\n",
      "cannot turn '1 << 4'",
    ],
    ["a name that is not marked", "// @host\nexport const A: i32 = B;\n", "cannot turn 'B'"],
    [
      "a function of several statements",
      "// @host\nexport function f(n: i32): i32 {\n  n++;\n  return n;\n}\n",
      "marked // @host",
    ],
    [
      "a fraction, which a division would cut",
      "// @host\nexport const A: f32 = 5 / 2;\n",
      "cannot read what is marked",
    ],
    [
      "a function of fractions",
      "// @host\nexport function f(x: f32): f32 {\n  return x / 2;\n}\n",
      "cannot read what is marked",
    ],
    [
      "two fields in a line",
      "// @host\n@unmanaged\nexport class Two {\n  a: i32; b: i32;\n}\n",
      "Two: cannot read the field 'a: i32; b: i32;'",
    ],
    ["a mark before nothing", "// @host\n\nconst A = 1;\n", "cannot read what is marked"],
    [
      "a mark with words behind it",
      "// @host: a size\nexport const A: i32 = 1;\n",
      "read 0 of 1 declarations",
    ],
    ["a mark behind a declaration", "export const A: i32 = 1; // @host\n", "read 0 of 1 declarations"],
    ["a mark in a doc comment", "/** @host */\nexport const A: i32 = 1;\n", "read 0 of 1 declarations"],
    ["a mark that is indented", "  // @host\n  export const A: i32 = 1;\n", "read 0 of 1 declarations"],
    ["a constant of its own file's", "// @host\nconst A: i32 = 1;\n", "cannot read what is marked"],
    ["an enum", "// @host\nexport enum Kind {\n  A,\n}\n", "cannot read what is marked"],
    ["a constant of two lines", "// @host\nexport const A: i32 =\n  1;\n", "cannot read what is marked"],
    [
      "a sum of fractions",
      "// @host\nexport const A: f64 = 0.5 + 0.5;\n",
      "cannot read what is marked // @host: export const A: f64",
    ],
    [
      "a fraction of f32, which is another number in JavaScript",
      "// @host\nexport const A: f32 = 0.1;\n",
      "cannot read what is marked",
    ],
    [
      "a generic function",
      "// @host\nexport function f<T>(n: i32): i32 {\n  return n;\n}\n",
      "cannot read what is marked",
    ],
    [
      "an argument with a default",
      "// @host\nexport function f(n: i32 = 4): i32 {\n  return n;\n}\n",
      "cannot read what is marked",
    ],
    [
      "a struct that extends another",
      "// @host\n@unmanaged\nexport class B extends A {\n  a: i32;\n}\n",
      "cannot read what is marked",
    ],
    [
      "a field of a type whose size is not known",
      "// @host\n@unmanaged\nexport class B {\n  a: A;\n}\n",
      "B: cannot read the field 'a: A;'",
    ],
    [
      "a field with the name of an object's own",
      "// @host\n@unmanaged\nexport class B {\n  a: constructor;\n}\n",
      "B: cannot read the field 'a: constructor;'",
    ],
    [
      "two constants of one name",
      "// @host\nexport const A: i32 = 1;\n// @host\nexport const A: i32 = 2;\n",
      "A is declared twice for the host",
    ],
    [
      "a struct and a constant of one name",
      "// @host\nexport const TWO_WORDS: i32 = 1;\n// @host\n@unmanaged\nexport class TwoWords {\n  a: i32;\n}\n",
      "TWO_WORDS is declared twice for the host",
    ],
    ["a bitwise and", "// @host\nexport const A: i32 = 5 & 4;\n", "cannot turn '5 & 4'"],
    ["a negation", "// @host\nexport const A: i32 = -5;\n", "cannot turn '-5'"],
    [
      "a constant of itself",
      "// @host\nexport const A: i32 = B;\n// @host\nexport const B: i32 = A;\n",
      "A uses B uses A",
    ],
  ])("%s is refused", (_, source, message) => {
    expect(() => host(source)).toThrow(message);
  });

  test("constants are made of others, whatever file those are in", () => {
    const folder = sources({
      "a.ts": "// @host\nexport const A: i32 = twice(1);\n",
      "b.ts":
        "// @host\nexport const B: i32 = 2;\n// @host\nexport function twice(n: i32): i32 {\n  return n * B;\n}\n",
      "dispatch.ts": "",
    });
    expect(abiSource(folder)).toMatch(/export const A = 2;\n\nexport const B = 2;/);
  });

  test("what lies in a folder of its own is read, too", () => {
    const folder = sources({ "dispatch.ts": "" });
    mkdirSync(new URL("inner", folder));
    writeFileSync(new URL("inner/a.ts", folder), "// @host\nexport const A: i32 = 1;\n");
    expect(abiSource(folder)).toContain("export const A = 1;");
  });

  test("conditions, remainders, the lesser and the greater, a number that is no whole one", () => {
    const text = host(
      "// @host\nexport const HALF: f64 = 0.5;\n" +
        "// @host\nexport function odd(n: i32): bool {\n  return n % 2 != 0;\n}\n" +
        "// @host\nexport function f(n: i32, wide: bool): usize {\n  return (wide || odd(n) ? 4 * <usize>n : 0) + min(n, max(2, n - 4));\n}\n",
    );
    expect(text).toContain("export const HALF = 0.5;\n");
    expect(text).toContain("odd = (n: number): boolean => n % 2 !== 0;\n");
    expect(text).toContain(
      "f = (n: number, wide: boolean): number =>\n  (wide || odd(n) ? 4 * n : 0) + Math.min(n, Math.max(2, n - 4));\n",
    );
  });

  test("sizes are whole and large ones exact", () => {
    expect(mapBytes(4, 3, 2, 5)).toBe(64 * Math.ceil((3 * (4 * 2 * 5 + (2 * 4 + 2) * (5 * 4 + 6)) + 8) / 64));
    expect(planeBytes(2 ** 20, 2 ** 12)).toBe(2 ** 34 + 64);
    // Each word that threads wait on has a cache line apart from the gate's.
    expect(Math.floor(CONTROL.inside / 64)).toBeGreaterThan(Math.floor(CONTROL.stop / 64));
  });
});

describe("argument classes and cases", () => {
  const CASE = "case 0: f(changetype<FArgs>(args), task, scratch); break;\n";
  const CLASS = "@unmanaged\nexport class FArgs {\n  x: usize; // inout; f32[n]\n  n: i32;\n}\n";
  const abi = (f: string, dispatch = CASE) => abiSource(sources({ "dispatch.ts": dispatch, "f.ts": f }));

  test("are the table's", () => {
    expect(abi(CLASS)).toContain("`0f: x* n`");
    expect(abi(CLASS)).toContain('UPDATED: Pointers = {\n  f: ["x"],\n}');
  });

  test.each([
    ["two fields in a line", "  x: usize; n: i32;", "FArgs: cannot read the field 'x: usize; n: i32;'"],
    ["a field of 8 bytes", "  x: f64;", "FArgs: cannot read the field 'x: f64;'"],
    ["a field with a value", "  x: i32 = 4;", "FArgs: cannot read the field 'x: i32 = 4;'"],
    ["a field that may be written by no one", "  readonly x: i32;", "FArgs: cannot read the field"],
    ["two fields of one name", "  x: usize;\n  x: i32;", "FArgs has two fields 'x'"],
    [
      "inout where there is no pointer",
      "  n: i32; // inout",
      "FArgs: 'n: i32; // inout' is marked inout, but is no pointer",
    ],
    ["few bytes behind no pointer", "  n: i32; // few bytes", "is marked few bytes, but is no pointer"],
    ["inout after other words", "  x: usize; // f32[n]; inout", "read 0 of 1 marks"],
    ["inout in a line of its own", "  // inout\n  x: usize;", "read 0 of 1 marks"],
    ["inout without a space before it", "  x: usize; //inout", "FArgs: cannot read the field"],
  ])("%s is refused", (_, fields, message) => {
    expect(() => abi(`@unmanaged\nexport class FArgs {\n${fields}\n}\n`)).toThrow(message);
  });

  test.each([
    ["two classes of one name", CLASS + CLASS, CASE, "two classes are called FArgs"],
    [
      "a class that no kernel reads",
      CLASS + CLASS.replace("FArgs", "GArgs"),
      CASE,
      "GArgs is read by no kernel of dispatch.ts",
    ],
    [
      "a kernel without arguments",
      CLASS,
      "case 0: f(task, scratch); break;\n",
      "dispatch.ts: read 0 of 1 cases",
    ],
    ["a kernel whose class is not there", "", CASE, "dispatch.ts names FArgs, which no @unmanaged exported"],
    ["a class that is not unmanaged", CLASS.replace("@unmanaged\n", ""), CASE, "marks 'inout'"],
    ["one that is nothing of it", "export class FArgs {\n  x: usize;\n}\n", CASE, "dispatch.ts names FArgs"],
    [
      "a case of two lines",
      CLASS,
      `${CASE}case 1:\n  f(changetype<FArgs>(args), task, scratch); break;\n`,
      "read 1 of 2 cases",
    ],
    ["a case that falls through", CLASS, CASE.replace(" break;", ""), "dispatch.ts: read 0 of 1 cases"],
    ["two cases of one number", CLASS, CASE + CASE.replace(" f(", " g("), "dispatch.ts has two cases of 0"],
    ["two cases of one kernel", CLASS, CASE + CASE.replace("0", "1"), "dispatch.ts has two cases of f"],
  ])("%s is refused", (_, f, dispatch, message) => {
    expect(() => abi(f, dispatch)).toThrow(message);
  });
});

test("pointers marked inout are those that a kernel updates", () => {
  expect(UPDATED.adam).toEqual(["w", "m", "v"]);
  expect(UPDATED.addForward).toBeUndefined();
  expect(FEW_BYTES.adam).toEqual(["state"]);
});
