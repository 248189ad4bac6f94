import { expect, test, vi } from "vitest";
import type { StreamedImageSet } from "../../src/data/streamed.ts";
import { dense, flatten, randomErasing, randomRotation } from "../../src/model/layers/index.ts";
import { piecewiseConstantDecay, sgd } from "../../src/optim/index.ts";
import { checkRunConfig } from "../../src/run/config.ts";
import { partsOf } from "../../src/run/run.ts";
import { seenInTraining } from "../../src/run/seen.ts";
import { sequential } from "../../src/train/sequential.ts";
import { Session } from "../../src/train/session.ts";
import { hash32 } from "../support/fixture-values.ts";

const SHAPE = [6, 5, 1] as const;
const SIZE = 30;
/** Of which a fifth validate; three steps an epoch, the last one with half a batch. */
const COUNT = 12;
const BATCH = 4;
const images = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => hash32(i) % 256);
const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 3);
const train = { images, labels, count: COUNT, shape: SHAPE };
const dataset = { name: "own", classNames: ["a", "b", "c"], train, test: train };
const seed = 5;
const layers = () => [randomRotation({ factor: 0.3, inputShape: SHAPE }), randomErasing({ factor: 0.5 })];

/**
 * What fit() gives the layer behind in one of its steps, by image: that is a dense layer of zeros with a unit for each image, whose targets
 * are 1 for its image and 0 else, so that a step of the right rate makes its weights that image, exactly.
 */
async function seenByFit(step: number, split: number) {
  const units = 16;
  const net = sequential([
    ...layers(),
    flatten(),
    dense({ units, useBias: false, kernelInitializer: "zeros" }),
  ]);
  const whole = (BATCH * units) / 2;
  const learningRate =
    step === 0
      ? piecewiseConstantDecay({ boundaries: [0], values: [whole, 0] })
      : piecewiseConstantDecay({ boundaries: [step - 1, step], values: [0, whole, 0] });
  await net.compile({ optimizer: sgd({ learningRate }), loss: "meanSquaredError", seed, threads: 1 });
  const targets = new Float32Array(COUNT * units);
  for (let i = 0; i < COUNT; i++) targets[i * units + i] = 1;
  const { training } = partsOf(
    dataset,
    checkRunConfig({ validationSplit: split, validationFrom: "last", seed }),
  );
  expect(training.count).toBe(COUNT - Math.round(COUNT * split));
  await net.fit(
    { images, shape: SHAPE, count: COUNT, targets },
    { batchSize: BATCH, epochs: 3, validationSplit: split },
  );
  const { data } = net.getWeights().at(-1)!;
  net.dispose();
  return Array.from({ length: COUNT }, (_, i) =>
    Float32Array.from({ length: SIZE }, (_, k) => data[k * units + i]!),
  );
}

test("is what each epoch's step sees of each image, wherever the shuffle puts it", async () => {
  const model = sequential([...layers(), flatten(), dense({ units: 3 })]);
  const split = 0.25;
  const config = checkRunConfig({ batchSize: BATCH, validationSplit: split, validationFrom: "last", seed });
  const rows = [0, 2, 3, 5, 7, 8];
  const seen = (await seenInTraining(model, dataset, config, rows, 3))!;
  expect(seen).toMatchObject({ mixes: false, shape: SHAPE });
  expect(seen.layers).toEqual(["randomRotation", "randomErasing"]);

  const steps = Math.ceil((COUNT * (1 - split)) / BATCH);
  expect(steps).toBe(3);
  const found = rows.map(() => 0);
  for (let step = 0; step < 3 * steps; step++) {
    const epoch = Math.floor(step / steps);
    const weights = await seenByFit(step, split);
    for (const [i, row] of rows.entries()) {
      const sums = weights[row]!;
      const last = step % steps === steps - 1;
      // The last batch has one image: the mean is over it alone.
      const share = last ? 1 / BATCH : 1;
      const pixels = Float32Array.from(seen.pictures[i]![epoch]!, (byte) => byte / 255);
      if (sums.every((sum, k) => Math.abs(sum * share - pixels[k]!) < 1 / 255)) found[i]!++;
    }
  }
  expect(found).toEqual(rows.map(() => 3));
});

test("where no layer varies pictures there is nothing to see", async () => {
  const plain = sequential([flatten({ inputShape: SHAPE }), dense({ units: 3 })]);
  const config = checkRunConfig({ batchSize: BATCH, validationSplit: 0 });
  expect(await seenInTraining(plain, dataset, config, [0], 1)).toBeUndefined();
});

test("one engine, and one start of what reads, see all epochs", async () => {
  const model = sequential([...layers(), flatten(), dense({ units: 3 })]);
  const config = checkRunConfig({ batchSize: BATCH, validationSplit: 0.25, validationFrom: "last", seed });
  const rows = [0, 2, 3, 5, 7, 8];
  const expected = await seenInTraining(model, dataset, config, rows, 3);
  const calls: string[] = [];
  const streamed: StreamedImageSet = {
    ...{
      images: new Uint8Array(),
      labels,
      count: COUNT,
      shape: SHAPE,
      pixels: "bytes",
      shared: false,
      mark: "",
    },
    async read(indices, into) {
      calls.push("read");
      for (const [i, row] of indices.entries())
        into.set(images.subarray(row * SIZE, (row + 1) * SIZE), i * SIZE);
    },
    close: async () => void calls.push("close"),
    some: () => streamed,
  };
  const created = vi.spyOn(Session, "create");
  const disposed = vi.spyOn(Session.prototype, "dispose");
  expect(await seenInTraining(model, { train: streamed }, config, rows, 3)).toEqual(expected);
  expect([created, disposed].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  expect(calls.filter((call) => call === "read").length).toBeGreaterThan(3);
  expect(calls.indexOf("close")).toBe(calls.length - 1);

  const failing = { ...streamed, read: () => Promise.reject(new Error("gone")) };
  await expect(seenInTraining(model, { train: failing }, config, rows, 3)).rejects.toThrow("gone");
  expect(disposed).toHaveBeenCalledTimes(2);
  expect(calls.filter((call) => call === "close")).toHaveLength(2);
  vi.restoreAllMocks();
});
