import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/formats/checkpoint.ts";
import { conv2d, dense, dropout, flatten, maxPooling2d } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { sequential } from "../../src/train/sequential.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

/** Runs a function of pages/trainer.js in the page. */
function call<T>({ page }: OpenPage, name: string, argument?: unknown): Promise<T> {
  return page.evaluate(
    `import("/test/browser/pages/trainer.js").then((pages) => pages.${name}(${JSON.stringify(argument)}))`,
  ) as Promise<T>;
}

/** What states() and goOn() of pages/trainer.js train, in Node. */
async function inNode() {
  const { train } = await generateDigits({ train: 500, test: 60 });
  const model = sequential([
    conv2d({ filters: 6, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
    maxPooling2d(),
    dropout({ rate: 0.25 }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ]);
  await model.compile({ seed: 5, optimizer: adam({ learningRate: 0.01 }), threads: 1 });
  onTestFinished(() => model.dispose());
  const options = { epochs: 4, validationSplit: 0.2, restoreBestWeights: "val_loss" };
  return { model, train, options };
}

interface OwnRun {
  readonly sha256: string;
  readonly history: Readonly<Record<string, number[]>>;
}

const places = BROWSERS.flatMap((name) => [true, false].map((isolated) => ({ name, isolated })));

describe.each(places)("$name, cross-origin isolated: $isolated", ({ name, isolated }) => {
  const reason = missing(name);
  const title = (text: string) => (reason ? `${text}: ${reason}` : text);
  let server: Server;
  let opened: OpenPage;
  beforeAll(async () => {
    if (reason) return;
    server = await serve({ isolated });
    opened = await open(name, `${server.origin}/empty.html`);
  });
  afterAll(async () => {
    if (reason) return;
    await closePage(opened.page);
    await server.close();
  });

  test.skipIf(reason)(title("uses threads where it may, else says once why not"), async () => {
    const [one, other, crossOriginIsolated] = await call<[object, object, boolean]>(opened, "info");
    expect(crossOriginIsolated).toBe(isolated);
    expect(one).toEqual({
      backend: "simd",
      threads: isolated ? 2 : 1,
      crossOriginIsolated: isolated,
      ...(!isolated && { notice: expect.stringContaining("not cross-origin isolated") }),
    });
    expect(other).toEqual(one);
    const said = opened.infos.filter((text) => text.includes("one thread"));
    expect(said).toHaveLength(isolated ? 0 : 1);
  });

  test.skipIf(reason)(title("gives to the last bit what Sequential gives on the page"), async () => {
    const { expected, actual } = await call<{ expected: object; actual: object }>(opened, "sameAsSequential");
    expect(actual).toEqual(expected);
  });

  test.skipIf(reason)(title("adds to the worker's script what a model's further ops need"), async () => {
    const { expected, actual } = await call<{ expected: object; actual: object[] }>(opened, "furtherOps");
    expect(actual).toEqual([expected, expected]);
  });

  test.skipIf(reason)(title("adds what ops need whose kernels other builds have"), async () => {
    const pairs = await call<{ expected: object; actual: object[] }[]>(opened, "extraOps");
    expect(pairs).toHaveLength(2);
    for (const { expected, actual } of pairs) expect(actual).toEqual([expected, expected]);
  });

  test.skipIf(reason)(
    title("trains and asks a model of two inputs and two outputs as the page does"),
    async () => {
      const { expected, actual } = await call<{ expected: string; actual: string }>(opened, "severalOutputs");
      expect(actual).toBe(expected);
      expect(Object.keys(JSON.parse(actual).history)).toContain("val_digit_accuracy");
    },
  );

  test.skipIf(reason)(title("puts the worker's errors into words"), async () => {
    const [small, answer] = await call<Record<"name" | "message", string>[]>(opened, "saidByThePage");
    expect(small).toMatchObject({
      name: "MemoryError",
      message: expect.stringMatching(
        /^the model, for one image, takes [\d.]+ MiB of memory, more than the 1 MiB that it may have: use a smaller batch or model, or allow more: compile\(\{ maxMemory: [\d.]+ \* 2 \*\* 30 \}\)$/,
      ),
    });
    expect(answer).toMatchObject({
      name: "NonFiniteError",
      message:
        "the weights were not finite before predict(): 'conv2d/bias' holds NaN at index 0, and 5 more numbers are not finite. Set finite ones with model.setWeights(), or compile() the model to begin anew",
    });
  });

  test.skipIf(reason)(title("has schedules, metrics, and losses and metrics of users' modules"), async () => {
    const { runs, failures } = await call<{ runs: OwnRun[][]; failures: { message: string }[] }>(
      opened,
      "ownDefinitions",
    );
    for (const [expected, ...actual] of runs) for (const one of actual) expect(one).toEqual(expected);
    expect(new Set(runs.map(([run]) => run!.sha256))).toHaveProperty("size", runs.length);
    expect(Object.keys(runs[0]![0]!.history)).toContain("val_top3");
    const [loss, metric, absent] = failures.map(({ message }) => message);
    const code = "is code, which cannot be sent to the worker: give the URL of a module that exports it";
    expect(loss).toContain(
      `createTrainer: loss 'absolute' ${code}. Write: modules: [new URL("mine.js", import.meta.url)]`,
    );
    expect(metric).toContain(`createTrainer: metric 'sure' ${code}`);
    expect(absent).toMatch(
      /^no object with the name 'other' and a function update\(\) is exported by http.*mine\.js$/,
    );
  });

  test.skipIf(reason)(
    title("says that validation lacks classes: to a callback, else on the console"),
    async () => {
      const { told, consoled, warnings } = await call<Record<"told" | "consoled" | "warnings", string[][]>>(
        opened,
        "warnings",
      );
      expect(told).toEqual([
        expect.stringMatching(/no image of \d of 10 classes.*validationFrom to "stratified"/),
      ]);
      expect(consoled).toEqual([`wasmgrad: ${told[0]}`]);
      expect(warnings).toEqual([told, told, []]);
    },
  );

  test.skipIf(reason)(title("pauses, is read while paused, and resumes without a trace"), async () => {
    const result = await call<Record<string, unknown>>(opened, "pausing");
    expect(result.states).toEqual(["idle", "training", "paused", "training", "idle"]);
    expect(result.paused).toEqual({
      same: true,
      batches: 0,
      loss: expect.any(Number),
      lastLayerIsOutput: true,
    });
    expect(result.stopped).toBe(false);
    expect(result.disturbed).toBe(result.undisturbed);
  });

  test.skipIf(reason)(title("answers between steps while it trains, and stops when told"), async () => {
    expect(await call(opened, "whileTraining")).toEqual({
      rowsDiffer: -1,
      accuracy: expect.any(Number),
      second: expect.objectContaining({ message: expect.stringContaining("the model is training") }),
      stopped: true,
      epochs: expect.any(Number),
      aborted: true,
      evaluation: expect.objectContaining({ message: "no more" }),
      state: "idle",
    });
  });

  test.skipIf(reason)(title("calls back in order, waits, and ends with what a callback throws"), async () => {
    const result = await call<Record<string, unknown>>(opened, "callbacks");
    const logs = ["accuracy", "loss"];
    expect(result.calls).toEqual([
      [
        "begin",
        {
          epochs: 2,
          stepsPerEpoch: 16,
          samples: 500,
          validationSamples: 0,
          batchSize: 32,
          figures: ["loss", "accuracy"],
          signs: [-1, 1],
        },
      ],
      ["epoch", 0],
      ["end", 0, 0.001, logs],
      ["epoch", 1],
      ["end", 1, 0.001, logs],
      ["done", [0, 1]],
    ]);
    expect(result.late).toEqual([0, 1].map((epoch) => ({ same: true, kept: epoch, equal: true })));
    expect(result.lastBatches).toBe(2);
    expect(result.caught).toEqual([true, true, true]);
    expect(result.after).toEqual([0]);
    expect(result.state).toBe("idle");
  });

  test.skipIf(reason)(title("does all that a model on the page does, callbacks included"), async () => {
    const { onPage, inWorker } = await call<{ onPage: object; inWorker: object }>(opened, "trainables");
    expect(inWorker).toEqual(onPage);
    expect(onPage).toMatchObject({ epochs: 3, bestEpoch: expect.any(Number), rates: [0.01, 0.01, 0.005] });
  });

  test.skipIf(reason)(title("goes on from Node's states, and Node from its, to the same bits"), async () => {
    const whole = await inNode();
    const { bestEpoch } = await whole.model.fit(whole.train, whole.options);
    const sha256 = await whole.model.weightsSha256();
    const given = await call<{ states: { place: number[]; file: string }[]; sha256: string }>(
      opened,
      "states",
    );
    expect(given.sha256).toBe(sha256);
    const [after, paused] = given.states.map(({ place }) => place);
    expect(after).toEqual([2, 0]);
    // A pause takes effect before the next epoch's end, whatever the clock.
    expect([2, 3]).toContain(paused![0]);
    for (const { file } of given.states) {
      const { model, train, options } = await inNode();
      const initialState = loadCheckpoint(Buffer.from(file, "hex"));
      expect((await model.fit(train, { ...options, initialState })).bestEpoch).toBe(bestEpoch);
      expect(await model.weightsSha256()).toBe(sha256);
    }
    const half = await inNode();
    const training = half.model.training(half.train, half.options);
    const files: string[] = [];
    for (let step = 0; step < 32; step++) {
      if (step === 13 || step === 26)
        files.push(Buffer.from(saveCheckpoint(training.state())).toString("hex"));
      await training.step();
    }
    expect(await call(opened, "goOn", files)).toEqual(files.map(() => ({ bestEpoch, sha256 })));
  });

  test.skipIf(reason)(title("gives errors of the same class and message as Sequential"), async () => {
    const errors = await call<Record<string, { message: string }>>(opened, "errors");
    const like = (name: string, message: string, ours: string[] = [], builtIn: string[] = []) => ({
      name,
      message: expect.stringContaining(message),
      ours,
      builtIn,
    });
    const range = (message: string) => like("RangeError", message, [], ["RangeError"]);
    const samples = (message: string) => like("SamplesError", message, ["SamplesError"]);
    expect(errors).toEqual({
      threads: range("threads is 0"),
      backend: range('createTrainer: backend is "fast", expected one of auto, scalar'),
      optimizer: range('createTrainer: optimizer is "adamm", expected an optimizer such as adam()'),
      loss: like("ModelError", "layer 'dense': loss categoricalCrossentropy takes", ["ModelError"]),
      metric: range("metrics: no metric is called 'f1', expected some of accuracy, "),
      shape: samples("got samples of shape (14, 56, 1)"),
      split: range("fit: validationSplit is 2, expected a number from 0 to below 1"),
      batchSize: range(
        "fit: batchSize is 0, expected a whole number >= 1. Write: model.fit(train, { batchSize: 32 })",
      ),
      option: range('createTrainer: no option is called "worker_url": did you mean workerUrl?'),
      options: [
        range('fit: no option is called "batch_size": did you mean batchSize?'),
        range('evaluate: no option is called "batch_size": did you mean batchSize?'),
        range('predict: no option is called "batch_size": did you mean batchSize?'),
        range('saveModel: no option is called "class_names": did you mean classNames?'),
        range('fit: callbacks: no callback is called "on_epoch_end": did you mean onEpochEnd?'),
      ],
      bytes: samples("got 100 numbers, expected those of whole images: 784 for each of shape (28, 28, 1)"),
      weights: range("weights for 'conv2d/kernel' are missing"),
      image: samples("got 783 input numbers"),
      state: "idle",
      diverged: {
        ...like("TrainingDivergedError", "the loss became", ["TrainingDivergedError"]),
        epoch: 0,
        batch: expect.any(Number),
      },
      goodWeights: true,
    });
  });

  test.skipIf(reason)(
    title("reads a picture and asks about it, and writes a report in the page"),
    async () => {
      expect(await call(opened, "pictureAndReport")).toEqual({
        prepared: { inverted: true, centred: true, drawings: 1, close: true },
        outputs: 10,
        title: "In a page",
        tested: true,
        damaged: expect.objectContaining({
          message: expect.stringContaining("cannot be read as a picture: it is damaged"),
        }),
      });
    },
  );

  test.skipIf(reason)(title("dispose() rejects what is under way, and all after"), async () => {
    const gone = expect.objectContaining({ message: expect.stringContaining("the trainer was disposed") });
    expect(await call(opened, "disposing")).toEqual({
      fit: gone,
      evaluation: gone,
      after: gone,
      state: "disposed",
    });
  });

  test.skipIf(reason)(title("saves a model that loads"), async () => {
    const { outputs, ...result } = await call<{ outputs: number[][] }>(opened, "saving");
    expect(result).toEqual({ bytes: expect.any(Number), same: true, dataset: "digits" });
    expect(outputs[1]).toEqual(outputs[0]);
  });

  test.skipIf(reason)(title("leaves no error behind"), () => {
    expect(opened.errors).toEqual([]);
  });
});
