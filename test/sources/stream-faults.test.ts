import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { inMemory } from "../../src/data/streamed.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { run } from "../../src/run/node.ts";
import { loadDataset } from "../../src/sources/load.ts";
import type { SampleSource } from "../../src/train/source.ts";
import { dataErrorOf, tempFolder } from "../data/helpers.ts";
import { modelOf } from "../support/sessions.ts";
import { sourceOf } from "../support/sources.ts";
import { uniform } from "../support/values.ts";
import { fillTree } from "./pictures.ts";

const picture = (side: number, shade: number) =>
  encode({ width: side, height: side, channels: 1, data: new Uint8Array(side * side).fill(shade) });
const folderOf = (count = 12) =>
  tempFolder().then((folder) =>
    fillTree(
      folder,
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`${["cat", "dog"][i % 2]}/${i}.png`, picture(6, 20 * i)]),
      ),
    ),
  );
const told = { stream: true, imageSize: [6, 6], colorMode: "grayscale" } as const;
const modelOfPictures = () =>
  modelOf([{ ...flatten(), inputShape: [6, 6, 1] }, dense({ units: 2, activation: "softmax" })]);

test.skipIf(process.platform === "win32")(
  "a named pipe in place of a file is refused at once",
  { timeout: 5000 },
  async () => {
    const folder = await folderOf();
    execFileSync("mkfifo", [join(folder, "cat", "zz.png")]);
    expect((await dataErrorOf(loadDataset(folder, told))).message).toContain("zz.png: not a regular file");
  },
);

test("a picture that becomes another is told of, not trained on", async () => {
  const folder = await folderOf();
  const { train } = await loadDataset(folder, told);
  const path = join(folder, "dog", "1.png");
  await writeFile(path, picture(9, 0));
  const model = await modelOfPictures();
  await expect(model.fit(train, { batchSize: 4 })).rejects.toThrow(
    /1\.png: has \d+ bytes, and had \d+ when the dataset was opened: it was changed meanwhile/,
  );
});

test("a run that a bad picture ended goes on when it is mended, to the end", async () => {
  const folder = await folderOf(24);
  const path = join(folder, "dog", "5.png");
  await writeFile(path, (await readFile(path)).subarray(0, 50));
  const settings = {
    dataset: folder,
    model: [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }],
    ...told,
    epochs: 3,
    batchSize: 4,
    checkpointEvery: "1steps",
  };
  let last: Uint8Array | undefined;
  const onCheckpoint = (bytes: Uint8Array) => {
    last = bytes;
  };
  await expect(run(settings as never, { onCheckpoint })).rejects.toThrow("5.png");
  expect(last).toBeDefined();
  await writeFile(path, picture(6, 100));
  // As many, of the same size: but what they show is told otherwise.
  const other = await tempFolder().then((empty) =>
    fillTree(
      empty,
      Object.fromEntries(
        Array.from({ length: 24 }, (_, i) => [`${["cat", "dog"][Number(i > 9)]}/${i}.png`, picture(6, i)]),
      ),
    ),
  );
  await expect(run({ dataset: other, stream: true } as never, { resume: last! })).rejects.toThrow(
    /are not those that the run to go on with has: give it those/,
  );
  const { result, learner } = await run({ stream: true } as never, { resume: last! });
  expect(result.epochsCompleted).toBe(3);
  learner.dispose();
});

test("a run that a bad picture ended is held to its test images, too", async () => {
  const folder = await tempFolder();
  const tree = (testDogs: number) =>
    Object.fromEntries(
      ["train", "test"].flatMap((part) =>
        Array.from({ length: 12 }, (_, i) => {
          const dog = part === "test" ? i < testDogs : i % 2 === 0;
          return [`${part}/${dog ? "dog" : "cat"}/${i}.png`, picture(6, 20 * i)];
        }),
      ),
    );
  await fillTree(folder, tree(6));
  const path = join(folder, "train", "dog", "4.png");
  await writeFile(path, (await readFile(path)).subarray(0, 50));
  let last: Uint8Array | undefined;
  const settings = {
    dataset: folder,
    model: [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }],
    ...told,
    epochs: 2,
    batchSize: 3,
    checkpointEvery: "1steps",
  };
  const onCheckpoint = (bytes: Uint8Array) => {
    last = bytes;
  };
  await expect(run(settings as never, { onCheckpoint })).rejects.toThrow("4.png");
  const other = await fillTree(await tempFolder(), tree(5));
  await expect(run({ dataset: other, stream: true } as never, { resume: last! })).rejects.toThrow(
    /are not those that the run to go on with has/,
  );
  const mended = await fillTree(await tempFolder(), tree(6));
  const { result, learner } = await run({ dataset: mended, stream: true } as never, { resume: last! });
  expect(result.epochsCompleted).toBe(2);
  learner.dispose();
});

test("a training that a bad sample ended goes on with those labels alone", async () => {
  const samples = (flipped = -1, shift = 0) => ({
    images: uniform(24 * 4, 1 + shift),
    shape: [4],
    count: 24,
    labels: Uint8Array.from({ length: 24 }, (_, i) => Number(i % 2 === 0) ^ Number(i === flipped)),
  });
  const layers = () => [{ ...dense({ units: 2, activation: "softmax" as const }), inputShape: [4] }];
  const given = (flipped?: number, mark = "first", fails?: Set<number>) => ({
    ...sourceOf(samples(flipped), fails),
    mark,
  });
  const validation = (shift = 0) => ({ validationData: samples(-1, shift), batchSize: 4, epochs: 2 });
  const model = await modelOf(layers());
  const training = model.training(given(-1, "first", new Set([9])), validation());
  await expect(training.run()).rejects.toThrow("sample 9 has disappeared");
  const initialState = training.state();
  const goOn = async (source: SampleSource, shift = 0) =>
    (await modelOf(layers())).fit(source, { ...validation(shift), initialState });
  const refused = "the state is of a training on other samples, which are as many";
  await expect(goOn(given(3, "mended"))).rejects.toThrow(refused);
  // Its validation was read, and is to be the same.
  await expect(goOn(given(-1, "mended"), 1)).rejects.toThrow(refused);
  expect((await goOn(given(-1, "mended"))).epoch).toEqual([0, 1]);
});

test("a picture that ends a run is named also where the checkpoint cannot be kept", async () => {
  const folder = await folderOf(24);
  for (let i = 0; i < 24; i++) await writeFile(join(folder, ["cat", "dog"][i % 2]!, `${i}.png`), "x");
  const model = [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }];
  const onCheckpoint = () => {
    throw new Error("no room");
  };
  await expect(
    run({ dataset: folder, model, ...told, epochs: 1 } as never, { onCheckpoint }),
  ).rejects.toThrow(/\.png: /);
});

test("a run whose test pictures cannot be read keeps what it trained, and says why it is not tested", async () => {
  const folder = await folderOf(24);
  let cut = false;
  const onTrained = async ({ dataset }: { dataset: { test: { labels: Uint8Array } } }) => {
    expect(dataset.test.labels.length).toBeGreaterThan(0);
    for (let i = 0; i < 24; i++) await writeFile(join(folder, ["cat", "dog"][i % 2]!, `${i}.png`), "x");
    cut = true;
  };
  const model = [{ type: "flatten" }, { type: "dense", units: 2, activation: "softmax" }];
  const outcome = await run({ dataset: folder, model, ...told, epochs: 1 } as never, { onTrained } as never);
  expect(cut).toBe(true);
  expect(outcome.failure?.message).toMatch(/\.png: /);
  expect(outcome.test).toBeUndefined();
  expect(outcome.result.epochsCompleted).toBe(1);
  outcome.learner.dispose();
});

test("reading some images does not disturb who else reads from the set", async () => {
  const { train } = await loadDataset(await folderOf(), told);
  const model = await modelOfPictures();
  const rows = Uint32Array.of(0, 3, 1);
  const [history, ...some] = await Promise.all([
    model.fit(train, { epochs: 6, batchSize: 3 }),
    ...Array.from({ length: 6 }, () => inMemory(train, rows)),
  ]);
  expect(history.epoch).toHaveLength(6);
  for (const { images } of some) expect(images).toEqual(some[0]!.images);
});

test("read() says what it wants; a set with weights is a source, too", async () => {
  const { train } = await loadDataset(await folderOf(), told);
  const set = train as typeof train & SampleSource;
  await expect(set.read(Uint32Array.of(2, 12), new Uint8Array(72))).rejects.toThrow(
    "read: got index 12, expected those of 9 images, from 0",
  );
  await expect(set.read(Uint32Array.of(2, 1), new Uint8Array(71))).rejects.toThrow(
    "read: got an array of 71 bytes, expected 72, 36 for each image",
  );
  const model = await modelOfPictures();
  const weights = new Float32Array(set.count).fill(0.5);
  const whole = await model.evaluate(set);
  const half = await model.evaluate({ ...set, weights } as SampleSource);
  expect(half.loss).toBeCloseTo(whole.loss / 2, 6);
  await set.close!();
});

describe("a source", () => {
  const samples = () => ({
    images: uniform(24 * 4, 1),
    shape: [4],
    count: 24,
    labels: Uint8Array.from({ length: 24 }, (_, i) => i % 2),
  });
  const layers = () => [{ ...dense({ units: 2, activation: "softmax" as const }), inputShape: [4] }];

  test("is let go of by a training that is left: closed by hand, by the next, and with its model", async () => {
    const source = sourceOf(samples());
    const model = await modelOf(layers());
    const training = model.training(source, { batchSize: 4 });
    await training.step();
    await training.close();
    expect(source.asked.closed).toBe(1);
    await training.step();
    await model.fit(source, { batchSize: 4 });
    expect(source.asked.closed).toBe(2);
    await model.training(source, { batchSize: 4 }).step();
    model.dispose();
    await expect.poll(() => source.asked.closed).toBe(3);
  });

  test("whose close() throws loses no error, and lets all others go", async () => {
    const failing = (fails?: Set<number>) => ({
      ...sourceOf(samples(), fails),
      close() {
        throw new Error("cannot close");
      },
    });
    const model = await modelOf(layers());
    const other = sourceOf(samples());
    const training = model.training(failing(), { batchSize: 4, validationData: other });
    await expect(training.run()).rejects.toThrow("cannot close");
    expect(training.history.epoch).toEqual([0]);
    expect(other.asked.closed).toBeGreaterThan(0);
    await expect(model.fit(failing(new Set([9])), { batchSize: 4 })).rejects.toThrow(
      "sample 9 has disappeared",
    );
    await expect(model.evaluate(failing(new Set([9])))).rejects.toThrow("sample 9 has disappeared");
  });
});
