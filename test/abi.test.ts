import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { abiSource } from "../scripts/abi.mjs";

test("src/engine/abi.ts is what the AssemblyScript sources declare", () => {
  expect(readFileSync(new URL("../src/engine/abi.ts", import.meta.url), "utf8")).toBe(abiSource());
});
