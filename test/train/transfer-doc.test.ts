import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as api from "../../src/node.ts";

const text = readFileSync(new URL("../../docs/transfer.md", import.meta.url), "utf8");
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

test("the code of docs/transfer.md makes a model of digits tell odd ones from even ones", async () => {
  const { train: digits } = await api.loadDataset("digits", { digits: { train: 300, test: 1 } });
  const model = api.createModel("conv-gap", [28, 28, 1], 10);
  await model.compile();
  await model.fit(digits, { epochs: 3 });
  const bytes = api.saveModel(model);
  const before = model.getWeights();
  model.dispose();
  const train = { ...digits, labels: digits.labels.map((label) => label % 2) };
  const [, code] = /^```js\n(.*?)^```/ms.exec(text)!;
  const body = code!
    .replace(/import (\{[^}]*\}) from "wasmgrad";/g, "const $1 = api;")
    .replace("net.summary();", "net.summary(() => {});")
    .replace("await net.fit", "const { history } = await net.fit");
  const { file, history, net } = await new AsyncFunction(
    "api",
    "bytes",
    "train",
    `${body}; return { file, history, net };`,
  )(api, bytes, train);
  net.dispose();
  expect(history.loss.at(-1)).toBeLessThan(history.loss[0]);
  const { model: saved, metadata, tensors } = await api.loadModel(file);
  expect(saved.outputShape).toEqual([2]);
  expect(metadata.classNames).toEqual(["even", "odd"]);
  for (const { name, data } of tensors.filter(({ name }) => name.startsWith("conv2d")))
    expect(data).toEqual(before.find((tensor) => tensor.name === name)!.data);
});
