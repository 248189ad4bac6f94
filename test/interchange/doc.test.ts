import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

const text = readFileSync(new URL("../../docs/interchange.md", import.meta.url), "utf8");
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

test("the code of docs/interchange.md reads a model and writes it", async () => {
  const layers = [api.flatten({ inputShape: [2, 2, 1] }), api.dense({ units: 2, activation: "softmax" })];
  const model = api.sequential(layers);
  await model.compile({ threads: 1 });
  const bytes = api.saveModel(model);
  model.dispose();
  const [, code] = /^```js\n(.*?)^```/ms.exec(text)!;
  const body = code!.replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;");
  const files = await new AsyncFunction("api", "bytes", `${body}; return files;`)(api, bytes);
  expect(Object.keys(files)).toEqual(["digits.npz"]);
});
