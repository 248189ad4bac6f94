import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

const text = readFileSync(new URL("../../docs/training.md", import.meta.url), "utf8");

test("the code of docs/training.md does what it says", async () => {
  const blocks = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code!);
  expect(blocks).toHaveLength(3);
  const body = blocks.join("\n").replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;");
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const { history, training, first, rest } = await new AsyncFunction(
    "api",
    "console",
    `${body}; return { history, training, first, rest };`,
  )(api, { log() {} });
  expect(history.history.val_loss.length).toBe(history.epoch.length);
  expect(history.bestEpoch).toBeGreaterThan(0);
  expect(training.steps).toBe(26);
  expect(first.steps).toBe(20);
  expect(rest.steps).toBe(39);
  expect(rest.epoch).toEqual([0, 1, 2]);
});
