import { describe, expect, it } from "vitest";
import { BENCHMARK_IMAGES, benchmarkModel, Measurement } from "../../src/bench/measure.ts";
import type { BenchmarkProgress, Configuration, OpenSubject, Subject } from "../../src/bench/types.ts";
import { generateDigits } from "../../src/data/digits.ts";
import type { PlainSamples } from "../../src/train/samples.ts";

const SIMD: Configuration = { build: "simd", threads: 1 };
const SCALAR: Configuration = { build: "scalar", threads: 1 };
const samples: PlainSamples = {
  images: new Uint8Array(BENCHMARK_IMAGES),
  labels: new Uint8Array(BENCHMARK_IMAGES),
  count: BENCHMARK_IMAGES,
  shape: [1],
};

/** A model that needs exactly so long for an image, and writes down what it is asked to do. */
class Paced implements Subject {
  disposed = false;
  readonly calls: { what: string; count: number; batch: number }[] = [];
  readonly #log: string[];

  constructor(
    readonly name: string,
    readonly secondsPerImage: number,
    log: string[] = [],
  ) {
    this.#log = log;
  }

  async fit({ count }: PlainSamples, { epochs, batchSize }: { epochs: number; batchSize: number }) {
    this.calls.push({ what: "fit", count: count * epochs, batch: batchSize });
    this.#log.push(this.name);
    return { trainSeconds: count * epochs * this.secondsPerImage, trainedSamples: count * epochs };
  }

  async predict({ count }: PlainSamples, { batchSize }: { batchSize: number }) {
    this.calls.push({ what: "predict", count, batch: batchSize });
    await new Promise((resolve) => setTimeout(resolve, 2));
    return new Float32Array(count);
  }

  dispose() {
    this.disposed = true;
  }
}

describe("Measurement", () => {
  const training = [{ what: "training", batch: 32 }] as const;

  it("gives the images a second of each configuration, and the median of its turns", async () => {
    const subjects = { scalar: new Paced("scalar", 1 / 1000), simd: new Paced("simd", 1 / 4000) };
    const measurement = new Measurement({ tasks: training, rounds: 3 });
    await measurement.open([SCALAR, SIMD], async ({ build }) => subjects[build as "simd"], samples);
    const { rows, skipped } = await measurement.run();
    expect(skipped).toEqual([]);
    expect(rows.map(({ build, imagesPerSecond }) => [build, Math.round(imagesPerSecond)])).toEqual([
      ["scalar", 1000],
      ["simd", 4000],
    ]);
    expect(rows.map((row) => row.samples.length)).toEqual([3, 3]);
  });

  it("takes the median, not the mean, of turns that differ", async () => {
    const paces = [0, 0, 0, 1 / 100, 1 / 1000, 1 / 1000, 1 / 1000];
    const subject: Subject = {
      fit: async ({ count }, { epochs }) => ({
        trainSeconds: count * epochs * (paces.shift() || 1 / 1000),
        trainedSamples: count * epochs,
      }),
      predict: async () => new Float32Array(),
      dispose() {},
    };
    const measurement = new Measurement({ tasks: training, rounds: 4 });
    await measurement.open([SIMD], async () => subject, samples);
    const [row] = (await measurement.run()).rows;
    expect(row!.samples.map(Math.round)).toEqual([100, 1000, 1000, 1000]);
    expect(Math.round(row!.imagesPerSecond)).toBe(1000);
  });

  it("goes round: one turn of each, then the next", async () => {
    const log: string[] = [];
    const measurement = new Measurement({ tasks: training, rounds: 3 });
    await measurement.open([SCALAR, SIMD], async ({ build }) => new Paced(build, 1e-3, log), samples);
    log.length = 0;
    await measurement.run();
    expect(log).toEqual(["scalar", "simd", "scalar", "simd", "scalar", "simd"]);
  });

  it("takes a turn of one configuration alone, for whoever lets runtimes take turns", async () => {
    const log: string[] = [];
    const measurement = new Measurement({ tasks: training });
    await measurement.open([SCALAR, SIMD], async ({ build }) => new Paced(build, 1e-3, log), samples);
    log.length = 0;
    await measurement.turn(SIMD);
    expect(log).toEqual(["simd"]);
    await measurement.turn({ build: "simd", threads: 2 });
    expect(log).toEqual(["simd"]);
    expect(measurement.report.rows.map(({ build, samples }) => [build, samples.length])).toEqual([
      ["simd", 1],
    ]);
  });

  it("trains a hundred steps before it times, then whole batches for about the time given", async () => {
    const subject = new Paced("simd", 1 / 4000);
    const measurement = new Measurement({ rounds: 1, milliseconds: 100 });
    await measurement.open([SIMD], async () => subject, samples);
    expect(subject.calls[0]).toEqual({ what: "fit", count: 3200, batch: 32 });
    const before = subject.calls.length;
    await measurement.run();
    const timed = subject.calls.slice(before);
    expect(timed.map(({ what, batch }) => [what, batch])).toEqual([
      ["fit", 32],
      ["fit", 128],
      ["predict", 100],
    ]);
    for (const { count, batch } of timed) expect(count % batch).toBe(0);
    expect(timed[0]!.count).toBe(416);
    expect(timed[1]!.count).toBe(384);
  });

  it("leaves out what can't be opened, with the reason, and counts no work for it", async () => {
    const seen: BenchmarkProgress[] = [];
    const measurement = new Measurement({ tasks: training, rounds: 2, onProgress: (p) => seen.push(p) });
    const open: OpenSubject = async ({ build }) => {
      if (build === "scalar") throw new Error("no such luck");
      return new Paced(build, 1e-3);
    };
    await measurement.open([SCALAR, SIMD], open, samples);
    const { rows, skipped } = await measurement.run();
    expect(rows.map(({ build }) => build)).toEqual(["simd"]);
    expect(skipped).toEqual([{ ...SCALAR, reason: "no such luck" }]);
    expect(seen.at(-1)).toMatchObject({ done: 3, total: 3, now: undefined });
    for (const { done, total } of seen) expect(done).toBeLessThanOrEqual(total);
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b));
  });

  it("stops where the signal says so", async () => {
    const abort = new AbortController();
    const subject = new Paced("simd", 1e-3);
    const measurement = new Measurement({ tasks: training, rounds: 100, signal: abort.signal });
    await measurement.open([SIMD], async () => subject, samples);
    await measurement.turn();
    abort.abort(new Error("enough"));
    await expect(measurement.run()).rejects.toThrow("enough");
    measurement.dispose();
    expect(subject.disposed).toBe(true);
    expect(measurement.report.rows[0]!.samples).toHaveLength(1);
  });

  it("refuses figures of a training that was cut short", async () => {
    const subject = new Paced("simd", 1e-3);
    subject.fit = async ({ count }, { epochs }) => ({
      trainSeconds: 1,
      trainedSamples: count * epochs - (count === BENCHMARK_IMAGES ? 0 : 1),
    });
    const measurement = new Measurement({ tasks: training });
    await expect(measurement.open([SIMD], async () => subject, samples)).rejects.toThrow(
      "trained on 383 of 384 images",
    );
  });

  it.each([
    [{ rounds: 0 }, "rounds is 0"],
    [{ tasks: [{ what: "training", batch: 1.5 }] as const }, "batch is 1.5"],
  ])("refuses %j", (options, message) => {
    expect(() => new Measurement(options)).toThrow(message);
  });

  it("times the seed CNN in Node with the same code as in a page", async () => {
    const { train } = await generateDigits({ train: 200, test: 1 });
    const measurement = new Measurement({ rounds: 2, milliseconds: 10 });
    const open: OpenSubject = async ({ build, threads }) => {
      const model = benchmarkModel();
      expect(model.countParams()).toBe(121_930);
      await model.compile({ backend: build, threads, metrics: [] });
      return model;
    };
    await measurement.open([SCALAR, SIMD], open, train);
    const { rows, skipped } = await measurement.run();
    measurement.dispose();
    expect(skipped).toEqual([]);
    expect(rows.map(({ build, what, batch }) => `${build} ${what} ${batch}`)).toEqual(
      ["scalar", "simd"].flatMap((build) =>
        ["training 32", "training 128", "inference 100"].map((task) => `${build} ${task}`),
      ),
    );
    for (const { imagesPerSecond } of rows) expect(imagesPerSecond).toBeGreaterThan(10);
  });
});
