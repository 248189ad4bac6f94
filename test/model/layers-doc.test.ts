import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { layersDoc } from "../../scripts/layers-doc.mjs";
import { LAYERS } from "../../src/model/layers/index.ts";

test("docs/layers.md has every layer with its options: node scripts/layers-doc.mjs writes it", () => {
  const text = layersDoc(LAYERS);
  expect(readFileSync(new URL("../../docs/layers.md", import.meta.url), "utf8")).toBe(text);
  // What a reader looks for stands there, whatever the script makes of it.
  for (const type of Object.keys(LAYERS)) {
    const row = text.split("\n").find((line) => line.startsWith(`| \`${type}\` |`))!;
    expect(row.split(/(?<!\\)\|/)[4]!.trim().length, type).toBeGreaterThan(20);
  }
});
