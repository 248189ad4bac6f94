import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

test("the code of docs/losses.md runs", async () => {
  const text = await readFile(new URL("../../docs/losses.md", import.meta.url), "utf8");
  const blocks = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code!);
  expect(blocks.length).toBeGreaterThan(0);
  const body = blocks
    .map(
      (code) =>
        `{ ${code.replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;")}\nmodel.dispose(); }`,
    )
    .join("\n");
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction("api", "console", body)(api, { log() {} });
});
