import { describe, expect, test } from "vitest";
import type { StreamedImageSet } from "../../src/data/streamed.ts";
import type { ImageSet } from "../../src/data/types.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import type { Asked } from "../../src/train/asked.ts";
import { NonFiniteError } from "../../src/train/errors.ts";
import { testModel } from "../../src/train/test-model.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";
import { type Asked as Reads, sourceOf } from "../support/sources.ts";

// A test asks twice about its images, for figures and for answers: those that are streamed are read and decoded once.

const COUNT = 333;
const held = halves(COUNT, 3) as unknown as ImageSet;
const all = Array.from({ length: COUNT }, (_, i) => i);

function streamed(fails?: ReadonlySet<number>): StreamedImageSet & { readonly asked: Reads } {
  const source = sourceOf(halves(COUNT, 3), fails);
  return { ...source, close: async () => source.close!(), some: () => expect.unreachable() } as never;
}

const ready = () =>
  modelOf([{ ...flatten(), inputShape: [6, 6, 1] }, dense({ units: 2, activation: "softmax" })]);

describe("a test on images that are streamed", () => {
  test.each([1, 50, 64, COUNT, 1000])("reads each of them once, in batches of %i", async (batchSize) => {
    const model = await ready();
    const set = streamed();
    expect(await testModel(model, set, 2, { batchSize })).toEqual(
      await testModel(model, held, 2, { batchSize }),
    );
    expect(set.asked.reads.flat()).toEqual(all);
    expect(set.asked.closed).toBe(1);
  });

  test("ends with the file that cannot be read", async () => {
    const set = streamed(new Set([200]));
    await expect(testModel(await ready(), set, 2)).rejects.toThrow("sample 200 has disappeared");
    expect(set.asked.closed).toBe(1);
  });

  test("ends with what the figures fail with, be it before the first image", async () => {
    const model = await ready();
    const set = streamed();
    const weights = model.getWeights();
    weights[0]!.data.fill(Number.NaN);
    model.setWeights(weights);
    const failed = testModel(model, set, 2);
    await expect(failed).rejects.toThrow(NonFiniteError);
    await expect(failed).rejects.toThrow(/not finite before evaluate\(\)/);
    expect(set.asked.reads.length).toBeLessThan(4);
    expect(set.asked.closed).toBe(1);
  });

  test.each(["evaluate", "predict"] as const)(
    "does not wait for ever where %s() fails half-way",
    async (call) => {
      const model = await ready();
      const set = streamed();
      const failing: Asked = {
        evaluate: (samples, options) => model.evaluate(samples, options),
        predict: (samples, options) => model.predict(samples, options),
        async [call](images: unknown): Promise<never> {
          await (images as StreamedImageSet).read(Uint32Array.of(0), new Uint8Array(36));
          throw new Error("half-way");
        },
      };
      await expect(testModel(failing, set, 2, { batchSize: 1 })).rejects.toThrow("half-way");
      // The figures are told of first, so they are counted to the end.
      const reads = set.asked.reads.length;
      if (call === "predict") expect(set.asked.reads.flat()).toEqual(all);
      else expect(reads).toBe(1);
      expect(set.asked.closed).toBe(1);
    },
  );

  test("ends when it is asked to", async () => {
    const set = streamed();
    const model = await ready();
    const stop = new AbortController();
    const read = set.read;
    let reads = 0;
    const stopping = {
      ...set,
      read(indices: Uint32Array, into: Uint8Array) {
        if (++reads === 20) stop.abort();
        return read(indices, into);
      },
    };
    await expect(testModel(model, stopping, 2, { batchSize: 1, signal: stop.signal })).rejects.toThrow(
      /abort/i,
    );
    expect(reads).toBeLessThan(30);
    expect(set.asked.closed).toBe(1);
  });
});
