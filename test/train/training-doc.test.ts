import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as api from "../../src/node.ts";
import { splitSamples } from "../../src/train/split.ts";

const text = await readFile(new URL("../../docs/training.md", import.meta.url), "utf8");

test("the code of docs/training.md does what it says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-doc-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const modules = {
    wasmgrad: api,
    "node:fs/promises": {
      readFile: (name: string) => readFile(join(folder, name)),
      writeFile: (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes),
    },
  };
  const blocks = Array.from(text.matchAll(/^```js\n(.*?)^```/gms), ([, code]) => code!);
  expect(blocks).toHaveLength(6);
  const body = blocks.join("\n").replace(/import (\{[^}]*\}) from ("[^"]+");/g, "const $1 = modules[$2];");
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
  const { history, training, first, rest, half, train, done, told } = await new AsyncFunction(
    "modules",
    "console",
    `${body}; return { history, training, first, rest, half, train, done, told: { taken, kept, unused } };`,
  )(modules, { log() {} });
  expect(history.history.val_loss.length).toBe(history.epoch.length);
  expect(history.bestEpoch).toBeGreaterThan(0);
  expect(training.steps).toBe(26);
  expect(first.steps).toBe(20);
  expect(rest.steps).toBe(39);
  expect(rest.epoch).toEqual([0, 1, 2]);

  const comment = /\/\/ taken: (.*); kept: (.*); unused: (.*)/.exec(text)!.slice(1);
  expect([told.taken, told.kept, told.unused].map((names) => names.join(", "))).toEqual(comment);

  const files = ["best", ...[0, 1, 2, 3].map((epoch) => `epoch-${epoch}`)];
  expect((await readdir(folder)).sort()).toEqual(files.map((name) => `${name}.safetensors`));
  const whole = api.modelFromConfig(half.toConfig());
  await whole.compile({ seed: 1 });
  const straight = await whole.fit(train, { epochs: 4, validationSplit: 0.25 });
  expect(done.history).toEqual(straight.history);
  expect(await half.weightsSha256()).toBe(await whole.weightsSha256());
  expect(done.epoch).toEqual([0, 1, 2, 3]);
  const { tensors } = api.decodeSafetensors(await readFile(join(folder, "best.safetensors")));
  half.setWeights(tensors);
  const [, validation] = splitSamples(train, 0.25);
  const { loss } = await half.evaluate(validation);
  expect(loss).toBe(Math.min(...done.history.val_loss));
});
