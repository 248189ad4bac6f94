import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import type { Dataset } from "../../src/data/index.ts";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import { FORMATS } from "../../src/interchange/formats.ts";
import { WRITTEN } from "../../src/interchange/names.ts";
import {
  createModel,
  exportModel,
  loadModel,
  type Model,
  setOptimizerState,
  transferModel,
} from "../../src/node.ts";
import { decodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// A model file goes from pages to Node and its command line, and back, and predicts the same bits.
const run = promisify(execFile);
const CLI = fileURLToPath(new URL("../../dist/cli/index.js", import.meta.url));
const CLASSES = 10;

let digits: Dataset;
let folder = "";
beforeAll(async () => {
  digits = await generateDigits({ train: 640, test: 20 });
  folder = await mkdtemp(join(tmpdir(), "wasmgrad-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A compiled model, and its file. */
async function small(): Promise<{ model: Model; file: string }> {
  const model = createModel("lenet5", [28, 28, 1], CLASSES);
  await model.compile({ seed: 2, threads: 1 });
  return { model, file: Buffer.from(saveModel(model)).toString("base64") };
}

/** What Node predicts of the test images. */
async function predictInNode(file: Uint8Array): Promise<number[]> {
  const { model } = readModel(file);
  await model.compile({ threads: 2 });
  const outputs = await model.predict(digits.test);
  model.dispose();
  return [...outputs];
}

/** What the command line predicts of the first test images, as PNG files: probabilities in the order of the classes. */
async function predictByCommand(model: string, count: number): Promise<number[][]> {
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const data = digits.test.images.slice(784 * i, 784 * (i + 1));
    paths.push(join(folder, `${i}.png`));
    await writeFile(paths[i]!, encode({ width: 28, height: 28, channels: 1, data }));
  }
  const options = ["--no-invert", "--no-center", "--top", String(CLASSES), "--json"];
  const { stdout } = await run(process.execPath, [CLI, "predict", model, ...paths, ...options]);
  const { predictions } = JSON.parse(stdout) as {
    predictions: { top: { class: number; probability: number }[] }[];
  };
  return predictions.map(({ top }) =>
    [...top].sort((a, b) => a.class - b.class).map(({ probability }) => probability),
  );
}

describe.each(BROWSERS)("%s", (name) => {
  const reason = missing(name);
  const title = (text: string) => (reason ? `${text}: ${reason}` : text);
  let server: Server;
  let opened: OpenPage;
  beforeAll(async () => {
    if (reason) return;
    server = await serve();
    opened = await open(name, `${server.origin}/empty.html`);
  });
  afterAll(async () => {
    if (reason) return;
    await closePage(opened.page);
    await server.close();
  });
  const call = <T>(method: string, ...args: unknown[]): Promise<T> =>
    opened.page.evaluate(
      `import("/test/browser/pages/models.js").then((page) => page.${method}(...${JSON.stringify(args)}))`,
    ) as Promise<T>;

  test.skipIf(reason)(
    title("a model trained and saved in a page predicts the same bits in Node"),
    async () => {
      const { file, outputs } = await call<{ file: string; outputs: number[] }>("save");
      const bytes = Buffer.from(file, "base64");
      expect(await predictInNode(bytes)).toEqual(outputs);
      // Sealed as Node seals it, hash for hash.
      const { model, metadata } = readModel(bytes);
      await model.compile({ threads: 1 });
      const saved = saveModel(model, metadata);
      model.dispose();
      const { metadata: own } = decodeSafetensors(bytes);
      expect(own.weightsSha256).toBe(decodeSafetensors(saved).metadata.weightsSha256);
      expect(own.metadataSha256).toContain('"sha256"');
      const path = join(folder, `${name}.safetensors`);
      await writeFile(path, bytes);
      const fromCommand = await predictByCommand(path, 3);
      expect(fromCommand).toEqual([0, 1, 2].map((i) => outputs.slice(CLASSES * i, CLASSES * (i + 1))));
    },
  );

  test.skipIf(reason)(
    title("a model trained by the command line predicts the same bits in a page"),
    async () => {
      const out = join(folder, name);
      const options = ["--digits-count", "320", "--epochs", "1", "--model", "lenet5", "--out", out];
      await run(process.execPath, [CLI, "train", ...options]);
      const file = await readFile(join(out, "model.safetensors"));
      const { inWorker, onPage } = await call<Record<"inWorker" | "onPage", number[]>>(
        "predict",
        file.toString("base64"),
      );
      const outputs = await predictInNode(file);
      expect(inWorker).toEqual(outputs);
      expect(onPage).toEqual(outputs);
    },
  );

  test.skipIf(reason)(
    title("a head is trained on a frozen backbone, normalizations and all, to the bits of Node"),
    async () => {
      const base = createModel("resnet8", [28, 28, 1], CLASSES);
      await base.compile({ seed: 2, threads: 1 });
      const net = transferModel(base, { head: [4, CLASSES] });
      await net.compile({ seed: 3, threads: 1 });
      await net.fit(digits.train, { batchSize: 64 });
      const sha256 = await net.weightsSha256();
      const file = Buffer.from(saveModel(base)).toString("base64");
      for (const model of [base, net]) model.dispose();
      expect(await call("headOn", file)).toEqual({ inWorker: sha256, onPage: sha256 });
    },
  );

  test.skipIf(reason)(
    title("a model becomes the same files of other formats as in Node, and comes back out of them"),
    async () => {
      const { model, file } = await small();
      const loaded = await loadModel(Uint8Array.from(Buffer.from(file, "base64")));
      for (const format of WRITTEN) {
        const files = await exportModel(loaded, { format, name: "m" });
        const own = Object.fromEntries(
          Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]),
        );
        expect(await call("converted", file, format), format).toEqual(own);
        if (!FORMATS.some((entry) => entry.name === format && (entry.reader || format === "wasmgrad")))
          continue;
        const back = await call<{ data: number[] }[]>("weightsOf", own, file);
        expect(back.map(({ data }) => data.length)).toEqual(
          model.getWeights().map(({ data }) => data.length),
        );
      }
      model.dispose();
      expect(await call("refused")).toEqual({ own: true, code: "unknown-format" });
    },
  );

  test.skipIf(reason)(title("a training that Keras saved goes on to the same bits as in Node"), async () => {
    const fixtures = new URL("../fixtures/keras/training/", import.meta.url);
    const bytes = await readFile(new URL("adam.keras", fixtures));
    const { images, labels } = JSON.parse(await readFile(new URL("losses.json", fixtures), "utf8"));
    const samples = {
      images: Float32Array.from(images),
      labels: Uint8Array.from(labels),
      shape: [3],
      count: labels.length,
    };
    const { model, compileOptions, optimizerState } = await loadModel(new Uint8Array(bytes));
    const trained = async (begin: () => void) => {
      await model.compile({ ...compileOptions, threads: 1 });
      begin();
      await model.fit(samples, { batchSize: 4 });
      return model.weightsSha256();
    };
    const anew = await trained(() => {});
    const goneOn = await trained(() => setOptimizerState(model, optimizerState!));
    model.dispose();
    expect(goneOn).not.toBe(anew);
    expect(await call("wentOn", bytes.toString("base64"), images, labels)).toEqual({
      inWorker: anew,
      onPage: goneOn,
    });
  });

  test.skipIf(reason)(
    title("a model of others that is too large is refused with the package's error"),
    async () => {
      const model = createModel("vgg", [32, 32, 3], CLASSES);
      await model.compile({ seed: 2, threads: 1 });
      const files = await exportModel(model, { format: "keras", name: "m" });
      model.dispose();
      const texts = Object.entries(files).map(([name, bytes]) => [
        name,
        Buffer.from(bytes).toString("base64"),
      ]);
      expect(await call("tooLarge", Object.fromEntries(texts))).toMatchObject({
        own: true,
        message: expect.stringContaining(": "),
      });
    },
  );

  test.skipIf(reason)(
    title("a one-file predictor gives the same bits in a page and in a worker"),
    async () => {
      const { model, file } = await small();
      const expected = [...(await model.predict(digits.test))];
      model.dispose();
      expect(await call("predictedByModule", file)).toEqual({ onPage: expected, inWorker: expected });
    },
  );

  test.skipIf(reason)(title("leaves no error behind"), () => {
    expect(opened.errors).toEqual([]);
  });
});
