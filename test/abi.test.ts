import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { abiSource } from "../scripts/abi.mjs";
import { KERNELS } from "../src/engine/kernel-table.ts";

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
