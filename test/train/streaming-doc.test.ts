import * as files from "node:fs/promises";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as api from "../../src/node.ts";

const text = await readFile(new URL("../../docs/streaming.md", import.meta.url), "utf8");

test("the source of docs/streaming.md trains to the bits of the same samples in memory", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-doc-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { train: digits } = await api.loadDataset("digits", { digits: { train: 120, test: 1 } });
  const at = (name: string) => join(folder, name);
  await writeFile(at("images.bin"), digits.images);
  await writeFile(at("labels.bin"), digits.labels);

  const [, own, use] = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code!) as [
    string,
    string,
    string,
  ];
  let opened = 0;
  const counting = {
    stat: files.stat,
    readFile: files.readFile,
    open: async (path: string) => {
      const handle = await files.open(path);
      opened++;
      const close = handle.close.bind(handle);
      handle.close = () => {
        opened--;
        return close();
      };
      return handle;
    },
  };
  const imports = /import (\{[^}]*\}) from "node:fs\/promises";/;
  const code = `${own.replace(imports, "const $1 = files;").replace("export ", "")}
    return (async () => {
      ${use.replace(/"(\w+\.bin)"/g, 'at("$1")')}
      return { train, history, figures };
    })();`;
  const net = () =>
    api.sequential([
      api.flatten({ inputShape: [28, 28, 1] }),
      api.dense({ units: 10, activation: "softmax" }),
    ]);
  const [streamed, whole] = [net(), net()];
  for (const model of [streamed, whole]) await model.compile({ threads: 1 });
  const { train, history, figures } = await new Function("files", "net", "at", code)(counting, streamed, at);
  expect(opened).toBe(0);
  const plain = await whole.fit(digits, { epochs: 2, validationSplit: 0.2, validationFrom: "stratified" });
  expect(history.history).toEqual(plain.history);
  expect(await streamed.weightsSha256()).toBe(await whole.weightsSha256());
  expect(figures).toEqual(await whole.evaluate(digits));

  await truncate(at("images.bin"), 100 * 784 + 5);
  await expect(streamed.evaluate(train)).rejects.toThrow(/images\.bin ends within image 100/);
  expect(opened).toBe(0);
  streamed.dispose();
  whole.dispose();
});
