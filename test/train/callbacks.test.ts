import { describe, expect, test } from "vitest";
import { dense } from "../../src/model/layers/index.ts";
import { adam, sgd } from "../../src/optim/index.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import { expectClose } from "../support/close.ts";
import { halves, vectors } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const layers = () => [dense({ units: 2, inputShape: [3] })];
const regression = { loss: "meanSquaredError", optimizer: sgd({ learningRate: 0.1 }) } as const;
const samples = vectors(10, 3, 2, 1);

/** Writes down every call, with its arguments as they were. */
function recorder(log: unknown[][]): Omit<Required<Callbacks>, "state" | "restore"> {
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      // The last one is the training, at whose sight a copy is not to be had.
      log.push([name, ...structuredClone(args.slice(0, name === "onWarning" ? 1 : -1))]);
    };
  return {
    onWarning: note("onWarning"),
    onTrainBegin: note("onTrainBegin"),
    onEpochBegin: note("onEpochBegin"),
    onBatchEnd: note("onBatchEnd"),
    onEpochEnd: note("onEpochEnd"),
    onTrainEnd: note("onTrainEnd"),
  };
}

const positive = (value: unknown) => {
  expect(value).toBeTypeOf("number");
  expect(value).toBeGreaterThan(0);
};

describe("callbacks", () => {
  test("are called in order, with the figures so far", async () => {
    const model = await modelOf(layers(), regression);
    const log: unknown[][] = [];
    const options = { epochs: 2, batchSize: 3, validationSplit: 0.2, callbacks: recorder(log) };
    const history = await model.fit(samples, options);
    expect(log.map(([name]) => name)).toEqual([
      "onTrainBegin",
      ...Array.from({ length: 2 }, () => [
        "onEpochBegin",
        "onBatchEnd",
        "onBatchEnd",
        "onBatchEnd",
        "onEpochEnd",
      ]).flat(),
      "onTrainEnd",
    ]);
    expect(log[0]![1]).toEqual({
      epochs: 2,
      stepsPerEpoch: 3,
      samples: 8,
      validationSamples: 2,
      batchSize: 3,
      figures: ["loss", "val_loss"],
      signs: [-1, -1],
    });
    expect(log.filter(([name]) => name === "onEpochBegin").map(([, epoch]) => epoch)).toEqual([0, 1]);
    const batches = log.filter(([name]) => name === "onBatchEnd");
    expect(batches.map(([, info]) => info)).toEqual(
      [0, 1].flatMap((epoch) =>
        [3, 6, 8].map((seen, batch) => ({
          epoch,
          batch,
          loss: expect.any(Number),
          seen,
          imagesPerSecond: expect.any(Number),
        })),
      ),
    );
    for (const [, info] of batches) positive((info as { imagesPerSecond: number }).imagesPerSecond);
    const ends = log.filter(([name]) => name === "onEpochEnd");
    for (const [i, [, info, logs]] of ends.entries()) {
      expect(info).toMatchObject({ epoch: i });
      const { trainSeconds, imagesPerSecond, validationSeconds } = info as Record<string, number>;
      positive(validationSeconds);
      expectClose([imagesPerSecond! * trainSeconds!], [8], { atol: 0, rtol: 1e-9 });
      expect(logs).toEqual({
        loss: history.history.loss[i],
        accuracy: history.history.accuracy?.[i],
        val_loss: history.history.val_loss?.[i],
        val_accuracy: history.history.val_accuracy?.[i],
      });
      // The last batch's running mean is the epoch's.
      const { loss, accuracy } = logs as { loss: number; accuracy: number };
      expect(batches[3 * i + 2]![2]).toEqual({ loss, accuracy });
    }
    expect(log.at(-1)![1]).toEqual(history);
    expect(history.epoch).toEqual([0, 1]);
    expect(history.history.loss[1]).toBeLessThan(history.history.loss[0]!);
  });

  test("a batch's loss in logs is the mean so far, in info its own, before the update", async () => {
    const log: unknown[][] = [];
    const { onBatchEnd } = recorder(log);
    const model = await modelOf(layers(), regression);
    await model.fit(samples, { batchSize: 4, shuffle: false, callbacks: { onBatchEnd } });
    const twin = await modelOf(layers(), regression);
    let sum = 0;
    let seen = 0;
    for (const [, info, logs] of log) {
      const indices = Uint32Array.from({ length: Math.min(4, 10 - seen) }, (_, i) => seen + i);
      sum += twin.session.evaluateStep(samples, indices).loss * indices.length;
      expect((info as { loss: number }).loss).toBe(twin.session.trainStep(samples, indices).loss);
      seen += indices.length;
      expectClose([(logs as { loss: number }).loss], [sum / seen], { atol: 0, rtol: 1e-6 });
    }
    expect(seen).toBe(10);
  });

  test("several are called one after another, and promises are waited for", async () => {
    const order: string[] = [];
    const slow = async (name: string) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(name);
    };
    const model = await modelOf(layers(), regression);
    const all = (name: string): Callbacks => ({
      onTrainBegin: () => slow(`${name} begin`),
      onEpochBegin: () => slow(`${name} epoch begin`),
      onBatchEnd: () => slow(`${name} batch`),
      onEpochEnd: () => slow(`${name} epoch end`),
      onTrainEnd: () => slow(`${name} end`),
    });
    await model.fit(samples, { batchSize: 10, callbacks: [all("a"), { onBatchEnd() {} }, all("b")] });
    const steps = ["begin", "epoch begin", "batch", "epoch end", "end"];
    expect(order).toEqual(steps.flatMap((step) => [`a ${step}`, `b ${step}`]));
  });

  test.each(["onTrainBegin", "onEpochBegin", "onBatchEnd", "onEpochEnd", "onTrainEnd"] as const)(
    "an error in %s rejects fit",
    async (name) => {
      const model = await modelOf(layers(), regression);
      const fail = () => {
        throw new Error("from the callback");
      };
      await expect(model.fit(samples, { callbacks: { [name]: fail } })).rejects.toThrow("from the callback");
      // The model is as good as before.
      await model.fit(samples);
    },
  );

  test("report the learning rate of a schedule", async () => {
    const steps: number[] = [];
    const learningRate = (step: number) => {
      steps.push(step);
      return 0.1 / (1 + step);
    };
    const model = await modelOf(layers(), { loss: "meanSquaredError", optimizer: adam({ learningRate }) });
    const rates: number[] = [];
    await model.fit(samples, {
      epochs: 2,
      batchSize: 4,
      callbacks: { onEpochEnd: (info) => void rates.push(info.learningRate) },
    });
    expect([...new Set(steps)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(rates).toEqual([0.1 / 4, 0.1 / 7]);
  });
});

describe("AbortSignal", () => {
  test("ends training after the step under way; the epoch it broke off is not in the history", async () => {
    const model = await modelOf(layers(), regression);
    const controller = new AbortController();
    const log: unknown[][] = [];
    const record = recorder(log);
    const history = await model.fit(samples, {
      epochs: 5,
      batchSize: 3,
      signal: controller.signal,
      callbacks: [
        record,
        {
          onBatchEnd({ epoch, batch }) {
            if (epoch === 1 && batch === 1) controller.abort();
          },
        },
      ],
    });
    expect(history.stopped).toBe(true);
    expect(history.epoch).toEqual([0]);
    expect(history.history.loss).toHaveLength(1);
    expect(history.trainedSamples).toBe(10 + 6);
    expect(log.map(([name]) => name).filter((name) => name === "onBatchEnd")).toHaveLength(4 + 2);
    expect(log.at(-1)![0]).toBe("onTrainEnd");
    expect(log.at(-1)![1]).toEqual(history);
    // The model holds what those steps made of it, and goes on.
    const twin = await modelOf(layers(), regression);
    let steps = 0;
    const stop = new AbortController();
    await twin.fit(samples, {
      epochs: 5,
      batchSize: 3,
      signal: stop.signal,
      callbacks: {
        onBatchEnd: () => {
          if (++steps === 6) stop.abort();
        },
      },
    });
    expect(await model.weightsSha256()).toBe(await twin.weightsSha256());
    expect((await model.fit(samples)).stopped).toBe(false);
  });

  test("aborted before the start: no step at all", async () => {
    const model = await modelOf(layers(), regression);
    const before = await model.weightsSha256();
    const log: unknown[][] = [];
    const history = await model.fit(samples, { signal: AbortSignal.abort(), callbacks: recorder(log) });
    expect(history).toMatchObject({ stopped: true, epoch: [], trainedSamples: 0 });
    expect(log.map(([name]) => name)).toEqual(["onTrainBegin", "onTrainEnd"]);
    expect(await model.weightsSha256()).toBe(before);
  });

  test("in the last step: everything was done, nothing was stopped", async () => {
    const model = await modelOf(layers(), regression);
    const controller = new AbortController();
    const onBatchEnd: Callbacks["onBatchEnd"] = ({ epoch, seen }) => {
      if (epoch === 1 && seen === 10) controller.abort();
    };
    const options = { epochs: 2, batchSize: 4, signal: controller.signal, callbacks: { onBatchEnd } };
    expect(await model.fit(samples, options)).toMatchObject({ stopped: false, epoch: [0, 1] });
  });

  test("from a timer, while fit runs", async () => {
    const model = await modelOf(layers(), regression);
    setTimeout(() => controller.abort(), 20);
    const controller = new AbortController();
    const history = await model.fit(samples, { epochs: 1_000_000, signal: controller.signal });
    expect(history.stopped).toBe(true);
  });

  test("ends evaluate and predict with its reason", async () => {
    const model = await modelOf(layers(), regression);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(model.evaluate(samples, { signal })).rejects.toBe(reason);
    await expect(model.predict(samples, { signal })).rejects.toBe(reason);
  });
});

describe("restoreBestWeights", () => {
  test("gives back the weights of the epoch with the best figure", async () => {
    // A rate that grows, so that a middle epoch is the best.
    const options = {
      loss: "meanSquaredError",
      optimizer: sgd({ learningRate: (step) => step + 1 }),
    } as const;
    const model = await modelOf(layers(), options);
    const hashes: string[] = [];
    const history = await model.fit(samples, {
      epochs: 12,
      batchSize: 10,
      restoreBestWeights: "loss",
      callbacks: { onEpochEnd: async () => void hashes.push(await model.weightsSha256()) },
    });
    const { loss } = history.history;
    const best = loss.indexOf(Math.min(...loss));
    expect(best).toBeGreaterThan(0);
    expect(best).toBeLessThan(11);
    expect(history.bestEpoch).toBe(best);
    expect(await model.weightsSha256()).toBe(hashes[best]);
  });

  test("an accuracy is best where it is greatest, and of equals the first", async () => {
    const model = await modelOf([dense({ units: 2, activation: "softmax", inputShape: [36] })], {
      optimizer: sgd({ learningRate: 0 }),
    });
    const flat = { ...halves(10, 1), shape: [36] };
    const history = await model.fit(flat, { epochs: 3, restoreBestWeights: "accuracy" });
    expect(history.bestEpoch).toBe(0);
  });

  test("an epoch whose figure is NaN is never the best", async () => {
    const model = await modelOf(layers(), regression);
    const validation = vectors(4, 3, 2, 9);
    const validationData = { ...validation, images: validation.images.slice() };
    const onEpochBegin = (epoch: number) =>
      validationData.images.set(epoch === 1 ? validation.images : new Float32Array(12).fill(Number.NaN));
    const options = {
      epochs: 3,
      validationData,
      callbacks: { onEpochBegin },
      restoreBestWeights: "val_loss",
    } as const;
    expect((await model.fit(samples, options)).bestEpoch).toBe(1);
  });

  test("is checked before training begins", async () => {
    const model = await modelOf(layers(), { ...regression, metrics: [] });
    const before = await model.weightsSha256();
    for (const figure of ["val_loss", "accuracy", "val_accuracy"] as const)
      await expect(model.fit(samples, { restoreBestWeights: figure })).rejects.toThrow(RangeError);
    expect(await model.weightsSha256()).toBe(before);
  });
});
