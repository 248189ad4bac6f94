import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { abiSource } from "../scripts/abi.mjs";
import { CONTROL, mapBytes, planeBytes, UPDATED } from "../src/engine/abi.ts";
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

test("the table that pages load has every kernel's id and fields", () => {
  const dispatch = readFileSync(new URL("../assembly/dispatch.ts", import.meta.url), "utf8");
  const cases = [...dispatch.matchAll(/case (\d+): (\w+)\(/g)].map(([, id, name]) => [name, Number(id)]);
  expect(Object.entries(KERNELS).map(([name, { id }]) => [name, id])).toEqual(expect.arrayContaining(cases));
  expect(Object.keys(KERNELS)).toHaveLength(cases.length);
  expect(KERNELS.pad2d).toEqual({
    id: 3,
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
    expect(text).toContain("/** Wide. */\nexport const WIDE = 4 * 8;\n");
    expect(text).toContain("padded(n: number, C: number): number");
    expect(text).toContain("return Math.floor((n + WIDE - 1) / WIDE) * WIDE * (C + 1);");
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
  ])("%s is refused", (_, source, message) => {
    expect(() => host(source)).toThrow(message);
  });

  test("sizes are whole and large ones exact", () => {
    expect(mapBytes(4, 3, 2, 5)).toBe(64 * Math.ceil((3 * (4 * 2 * 5 + (2 * 4 + 2) * (5 * 4 + 6)) + 8) / 64));
    expect(planeBytes(2 ** 20, 2 ** 12)).toBe(2 ** 34 + 64);
    // Each word that threads wait on has a cache line apart from the gate's.
    expect(Math.floor(CONTROL.inside / 64)).toBeGreaterThan(Math.floor(CONTROL.stop / 64));
  });
});

test("two arguments in a line are refused", () => {
  const folder = sources({
    "dispatch.ts": "case 0: f(changetype<FArgs>(args), task, scratch); break;\n",
    "f.ts": "@unmanaged\nexport class FArgs {\n  x: usize; n: i32;\n}\n",
  });
  expect(() => abiSource(folder)).toThrow("FArgs: cannot read the field 'x: usize; n: i32;'");
});

test("pointers marked inout are those that a kernel updates", () => {
  expect(UPDATED.adam).toEqual(["w", "m", "v"]);
  expect(UPDATED.addForward).toBeUndefined();
});
