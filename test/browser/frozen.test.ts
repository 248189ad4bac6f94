import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import { Engine } from "../../src/engine/engine.ts";
import {
  batchNormalization,
  conv2d,
  dense,
  dropout,
  flatten,
  type Layer,
  maxPooling2d,
  randomFlip,
} from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import type { Callbacks } from "../../src/train/callbacks.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { modelFromConfig } from "../../src/train/functional.ts";
import { sequential } from "../../src/train/sequential.ts";
import { BROWSERS, closePage, missing, type OpenPage, open } from "./support/browsers.ts";
import { type Server, serve } from "./support/server.ts";

// A page's worker asks frozen layers about each image once and keeps what they give, as Node does: the same kernel calls, the same bits.

interface Fitted {
  readonly sha256: string;
  readonly history: Readonly<Record<string, number[]>>;
  /** Kernel calls by epoch. */
  readonly calls: number[];
}

const frozen = { trainable: false };
const layers = (before: Layer[] = []): Layer[] => [
  ...before,
  conv2d({
    filters: 4,
    kernelSize: 3,
    ...(before.length === 0 && { inputShape: [28, 28, 1] as const }),
    ...frozen,
  }),
  batchNormalization(frozen),
  maxPooling2d(),
  conv2d({ filters: 6, kernelSize: 3, activation: "relu", ...frozen }),
  flatten(),
  dropout({ rate: 0.2 }),
  dense({ units: 10, activation: "softmax" }),
];
const FIT: FitOptions = {
  epochs: 3,
  validationSplit: 0.2,
  validationFrom: "stratified",
  classWeight: { 3: 2 },
  restoreBestWeights: "val_loss",
};

/** What pages/frozen.js trains, in Node. */
async function inNode(before: Layer[] = [], options: FitOptions = FIT): Promise<Fitted> {
  const { train } = await generateDigits({ train: 200, test: 1 });
  const model = sequential(layers(before));
  await model.compile({ seed: 5, threads: 1, optimizer: adam({ learningRate: 0.01 }) });
  onTestFinished(() => model.dispose());
  let counted = 0;
  const { run } = Engine.prototype;
  const spy = vi.spyOn(Engine.prototype, "run").mockImplementation(function (this: Engine, ...given) {
    const [program, first = 0, last = program.calls] = given;
    counted += last - first;
    run.apply(this, given);
  });
  const calls: number[] = [];
  const count: Callbacks = {
    onEpochEnd() {
      calls.push(counted);
      counted = 0;
    },
  };
  const callbacks = [count, ...([] as Callbacks[]).concat((options.callbacks as Callbacks[]) ?? [])];
  const { history } = await model.fit(train, { ...options, callbacks });
  spy.mockRestore();
  return { sha256: await model.weightsSha256(), history: history as Fitted["history"], calls };
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
  const call = <T>(what: string, argument?: unknown) =>
    opened.page.evaluate(
      `import("/test/browser/pages/frozen.js").then((pages) => pages.${what}(${JSON.stringify(argument)}))`,
    ) as Promise<T>;

  test.skipIf(reason)(
    title("trains a head as Node does, and asks the backbone in the first epoch alone"),
    async () => {
      const expected = await inNode();
      expect(await call<Fitted>("backbone")).toEqual(expected);
      const [first, second, third] = expected.calls;
      expect(second).toBe(third);
      expect(first).toBeGreaterThan(second!);
      expect(await call<Fitted>("backboneOfFile")).toEqual({ ...expected, calls: [] });
    },
  );

  test.skipIf(reason)(title("asks it at every step where images vary before it"), async () => {
    const expected = await inNode([randomFlip({ mode: "horizontal", inputShape: [28, 28, 1] })]);
    expect(await call<Fitted>("varied")).toEqual(expected);
    expect(new Set(expected.calls).size).toBe(1);
  });

  test.skipIf(reason)(title("asks it anew where its weights are set"), async () => {
    const callbacks: Callbacks = {
      async onEpochEnd({ epoch }, _logs, training) {
        if (epoch > 0) return;
        const weights = await training.getWeights();
        await training.setWeights(
          weights.map((tensor) => ({
            ...tensor,
            data: tensor.name === "conv2d/kernel" ? tensor.data.map((x) => 2 * x) : tensor.data,
          })),
        );
      },
    };
    const { sha256 } = await inNode([], { epochs: 3, callbacks: [callbacks] });
    expect(sha256).not.toBe((await inNode([], { epochs: 3 })).sha256);
    expect(await call("changed")).toBe(sha256);
  });

  test.skipIf(reason)(title("freezes layers between two trainings as Node does"), async () => {
    const { train } = await generateDigits({ train: 200, test: 1 });
    const config = sequential(layers()).toConfig();
    const model = modelFromConfig({
      ...config,
      layers: config.layers.map(({ trainable: _, ...layer }) => layer as (typeof config.layers)[number]),
    });
    await model.compile({ seed: 5, threads: 2, optimizer: adam({ learningRate: 0.01 }) });
    onTestFinished(() => model.dispose());
    const names = ["conv2d", "conv2d_1", "batchNormalization"];
    await model.fit(train, { epochs: 1 });
    await model.setTrainable(names, false);
    const { history } = await model.fit(train, FIT);
    const sha256 = await model.weightsSha256();
    expect(await call("frozenLater", names)).toEqual({ sha256, history });
  });

  test.skipIf(reason)(title("leaves no error behind"), () => {
    expect(opened.errors).toEqual([]);
  });
});
