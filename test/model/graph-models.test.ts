import { describe, expect, onTestFinished, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { leastBytes } from "../../src/compiler/footprint.ts";
import { fuse } from "../../src/compiler/fuse.ts";
import { BACKENDS, type Backend } from "../../src/engine/engine.ts";
import { readModel, saveModel } from "../../src/formats/model-file.ts";
import {
  activation,
  add,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  input,
  maxPooling2d,
  multiply,
} from "../../src/model/layers/index.ts";
import type { SymbolicTensor } from "../../src/model/layers/types.ts";
import { sgd } from "../../src/optim/index.ts";
import { decodeSafetensors } from "../../src/safetensors/safetensors.ts";
import { model, modelFromConfig } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import { sequential } from "../../src/train/sequential.ts";
import { fixtureLabels, fixtureValues } from "../support/fixture-values.ts";
import { all, sessionOf as sessionWith } from "../support/sessions.ts";
import { expectSlopes } from "../support/slopes.ts";

const SHAPE = [6, 5, 3];
const COUNT = 3;
const samples = {
  images: fixtureValues(COUNT * 6 * 5 * 3, 5, 1),
  labels: fixtureLabels(COUNT, 6, 4),
  shape: SHAPE,
  count: COUNT,
};

const relu = (x: SymbolicTensor) => activation({ activation: "relu" }).apply(x);
const tanh = (x: SymbolicTensor) => activation({ activation: "tanh" }).apply(x);
const conv = (x: SymbolicTensor, filters: number, options = {}) =>
  conv2d({ filters, kernelSize: 3, padding: "same", biasInitializer: "heNormal", ...options }).apply(x);
/** What a normalization takes away again. */
const bare = { useBias: false };
const norm = (x: SymbolicTensor) =>
  batchNormalization({ betaInitializer: "heNormal", gammaInitializer: "heUniform" }).apply(x);
const head = (x: SymbolicTensor) => dense({ units: 4, activation: "softmax" }).apply(flatten().apply(x));

/** Nets in which values have several readers, each ending in a softmax of four. */
const NETS: Readonly<Record<string, (x: SymbolicTensor) => SymbolicTensor>> = {
  "a residual block": (x) => {
    const y = conv(x, 4, { activation: "relu" });
    return head(relu(add().apply([conv(conv(y, 4, { activation: "relu" }), 4), y])));
  },
  "a skip around relus that work in place, on both sides": (x) => {
    const y = conv(x, 4);
    return head(add().apply([relu(conv(relu(y), 4)), tanh(y)]));
  },
  "two skips from one sum": (x) => {
    const y = conv(x, 3);
    const first = add().apply([tanh(conv(y, 3)), y]);
    return head(add().apply([tanh(conv(first, 3)), first, y]));
  },
  "a value added to itself": (x) => head(add().apply(Array(2).fill(tanh(conv(x, 3))))),
  "a value times itself": (x) => {
    const y = conv(x, 3);
    return head(multiply().apply([y, y]));
  },
  "a gate of its own": (x) => {
    const y = conv(x, 3);
    return head(multiply().apply([activation({ activation: "sigmoid" }).apply(y), y]));
  },
  "squeeze and excite": (x) => {
    const y = conv(x, 5, { activation: "relu" });
    const squeezed = maxPooling2d({ poolSize: [6, 5] }).apply(y);
    const excited = conv2d({ filters: 5, kernelSize: 1, activation: "sigmoid" }).apply(squeezed);
    return head(multiply().apply([excited, y]));
  },
  "one number a channel added": (x) => {
    const y = conv(x, 5);
    return head(tanh(add().apply([y, maxPooling2d({ poolSize: [6, 5] }).apply(y)])));
  },
  "branches side by side": (x) => {
    const y = conv(x, 3, { activation: "relu" });
    return head(
      concatenate().apply([
        conv(y, 2),
        y,
        maxPooling2d({ poolSize: 3, strides: 1, padding: "same" }).apply(y),
      ]),
    );
  },
  "branches one above the other": (x) => {
    const y = conv(x, 3);
    return head(tanh(concatenate({ axis: 1 }).apply([y, conv(y, 3), y])));
  },
  "a layer called twice": (x) => {
    const shared = conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "tanh" });
    return head(shared.apply(shared.apply(x)));
  },
  "a layer called on two branches": (x) => {
    const shared = dense({ units: 3 });
    const branch = (y: SymbolicTensor) => shared.apply(globalAveragePooling2d().apply(y));
    return dense({ units: 4, activation: "softmax" }).apply(
      concatenate().apply([branch(conv(x, 2)), tanh(branch(conv(x, 2, { activation: "relu" })))]),
    );
  },
  "flat views beside the image": (x) => {
    const y = conv(x, 2, { activation: "relu" });
    const flat = flatten().apply(y);
    return dense({ units: 4, activation: "softmax" }).apply(
      concatenate().apply([relu(flat), tanh(flatten().apply(y)), globalAveragePooling2d().apply(y)]),
    );
  },
  "normalized convolutions and a skip": (x) => {
    const y = relu(norm(conv(x, 4, bare)));
    return head(relu(add().apply([norm(conv(y, 4, bare)), y])));
  },
  "a normalization's sum, beside a reader of what is added": (x) => {
    const y = conv(x, 4);
    const sum = add().apply([norm(conv(y, 4, bare)), y]);
    return head(concatenate().apply([tanh(sum), y]));
  },
  "a normalized image and a convolution": (x) => head(relu(add().apply([norm(x), conv(x, 3)]))),
  "a frozen branch and one that learns": (x) => {
    const frozen = { trainable: false };
    const old = batchNormalization(frozen).apply(conv(x, 3, frozen));
    return head(relu(add().apply([old, conv(x, 3)])));
  },
  "a frozen normalization of what learns": (x) =>
    head(tanh(batchNormalization({ trainable: false }).apply(conv(x, 3)))),
  "a normalization called on two branches": (x) => {
    const shared = batchNormalization({
      betaInitializer: "heNormal",
      gammaInitializer: "heUniform",
      momentum: 0.5,
    });
    const [a, b] = [shared.apply(conv(x, 3, bare)), shared.apply(conv(x, 3, bare))];
    return head(add().apply([a, tanh(b)]));
  },
  "squeeze and excite with dense layers": (x) => {
    const y = conv(x, 5, { activation: "relu" });
    const hidden = dense({ units: 3, activation: "tanh" }).apply(globalAveragePooling2d().apply(y));
    return head(multiply().apply([y, dense({ units: 5, activation: "sigmoid" }).apply(hidden)]));
  },
  "two normalized branches, the sum read twice": (x) => {
    const sum = add().apply([norm(conv(x, 4, bare)), norm(conv(x, 4, bare))]);
    return head(multiply().apply([tanh(sum), norm(sum)]));
  },
  "normalized before it is pooled": (x) => {
    return head(maxPooling2d({ poolSize: 2 }).apply(relu(norm(conv(x, 9, bare)))));
  },
  "normalized numbers": (x) =>
    head(relu(norm(dense({ units: 7, useBias: false }).apply(flatten().apply(x))))),
  "a normalization without gamma and beta, of the image itself": (x) =>
    head(conv(batchNormalization({ center: false, scale: false }).apply(x), 3)),
  "a pooled convolution that the sum needs whole, too": (x) => {
    const y = conv(x, 3, { activation: "relu" });
    const pooled = maxPooling2d({ poolSize: 2, padding: "same" }).apply(y);
    const flat = (v: SymbolicTensor) => dense({ units: 4 }).apply(flatten().apply(v));
    return activation({ activation: "softmax" }).apply(add().apply([flat(pooled), flat(y)]));
  },
};

const sessionOf = (net: Model, backend: Backend, fuse = true, threads = 1) =>
  sessionWith(net, { backend, threads, seed: 3, metrics: [], preprocessing: { scale: 1, offset: 0 }, fuse });

function build(write: (x: SymbolicTensor) => SymbolicTensor): Model {
  const x = input({ shape: SHAPE });
  return model({ inputs: x, outputs: write(x) });
}

const rows = all(samples);
const copies = (tensors: Iterable<{ data: Float32Array }>) => [...tensors].map(({ data }) => data.slice());

describe.each(Object.entries(NETS))("%s", (net, write) => {
  test.each(BACKENDS)("build %s: every gradient is the loss's slope", async (backend) => {
    const session = await sessionOf(build(write), backend);
    const { loss } = session.trainStep(samples, rows);
    expect(loss).toBeGreaterThan(0.1);
    expectSlopes(session, samples, rows);
  });

  test.each(BACKENDS)("build %s: fused, unfused and on three threads, the same", async (backend) => {
    const net = build(write);
    const [fused, plain, threads] = [
      await sessionOf(net, backend),
      await sessionOf(net, backend, false),
      await sessionOf(net, backend, true, 3),
    ];
    const results = [fused, plain, threads].map((session) => {
      const out = new Float32Array(COUNT * 4);
      session.predictStep(samples, rows, out);
      const { loss } = session.trainStep(samples, rows);
      // With a rate of 0 what moves are moving statistics.
      return { out, loss, gradients: copies(session.gradients()), weights: copies(session.weights()) };
    });
    expect(results[2]).toEqual(results[0]);
    const [a, b] = results as [(typeof results)[0], (typeof results)[0]];
    a.gradients.forEach((gradient, i) => {
      const largest = Math.max(...gradient.map(Math.abs));
      gradient.forEach((value, k) => {
        expect(Math.abs(value - b.gradients[i]![k]!)).toBeLessThan(2e-5 * largest);
      });
    });
    expect(Math.abs(a.loss - b.loss)).toBeLessThan(1e-5);
    a.weights.forEach((weights, i) => {
      weights.forEach((value, k) => {
        expect(Math.abs(value - b.weights[i]![k]!)).toBeLessThan(1e-5);
      });
    });
    // What a model is said to need at the least is no more than it takes.
    for (const mode of ["train", "predict"] as const) {
      const { plan } = fused.plan({ batch: 64, mode, inputs: ["floats"], targets: ["labels"] });
      const least = leastBytes(fuse(net.graph, mode === "train"), 64) - 4 * net.countParams();
      expect(least).toBeLessThanOrEqual(plan.arenaBytes);
    }
  });

  test.each(BACKENDS)(
    "build %s: a hundred copies of the images, in many tasks, the same",
    async (backend) => {
      const session = await sessionOf(build(write), backend);
      const copiesOf = <T extends Float32Array | Uint8Array>(values: T, into: T): T => {
        for (let at = 0; at < into.length; at += values.length) into.set(values, at);
        return into;
      };
      const many = {
        images: copiesOf(samples.images, new Float32Array(100 * samples.images.length)),
        labels: copiesOf(samples.labels, new Uint8Array(100 * COUNT)),
        shape: SHAPE,
        count: 100 * COUNT,
      };
      const [few, all100] = [samples, many].map((given) => {
        const out = new Float32Array(given.count * 4);
        session.predictStep(given, all(given), out);
        const { loss } = session.trainStep(given, all(given));
        return { out, loss, gradients: copies(session.gradients()) };
      }) as [
        { out: Float32Array; loss: number; gradients: Float32Array[] },
        { out: Float32Array; loss: number; gradients: Float32Array[] },
      ];
      // The moving statistics have gone on by a step: outputs are compared where there are none.
      if (!net.includes("ormaliz")) expect(all100.out.subarray(-COUNT * 4)).toEqual(few.out);
      expect(Math.abs(all100.loss - few.loss)).toBeLessThan(1e-5);
      few.gradients.forEach((gradient, i) => {
        const largest = Math.max(...gradient.map(Math.abs));
        gradient.forEach((value, k) => {
          expect(Math.abs(value - all100.gradients[i]![k]!)).toBeLessThan(1e-4 * largest);
        });
      });
    },
  );

  test("its file and its plain data give it again", async () => {
    const net = build(write);
    await net.compile({ threads: 1, seed: 4 });
    onTestFinished(() => net.dispose());
    const again = modelFromConfig(JSON.parse(JSON.stringify(net.toConfig())));
    expect(again.toConfig()).toEqual(net.toConfig());
    expect(again.rows).toEqual(net.rows);
    const { model: loaded } = readModel(saveModel(net));
    await loaded.compile({ threads: 1 });
    onTestFinished(() => loaded.dispose());
    expect(await loaded.predict(samples)).toEqual(await net.predict(samples));
    expect(await loaded.weightsSha256()).toBe(await net.weightsSha256());
  });
});

test("frozen layers stay as they are, and those before them learn", async () => {
  const x = input({ shape: SHAPE });
  const net = model({
    inputs: x,
    outputs: dense({ units: 4, activation: "softmax", name: "last" }).apply(
      flatten().apply(conv(conv(x, 3, { name: "first" }), 3, { name: "frozen", trainable: false })),
    ),
  });
  await net.compile({ threads: 1, optimizer: sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }) });
  onTestFinished(() => net.dispose());
  const before = net.getWeights();
  await net.fit(samples, { epochs: 3 });
  const moved = net
    .getWeights()
    .map(({ name, data }, i) => [name, data.some((v, k) => v !== before[i]!.data[k])]);
  expect(Object.fromEntries(moved)).toEqual({
    "first/kernel": true,
    "first/bias": true,
    "frozen/kernel": false,
    "frozen/bias": false,
    "last/kernel": true,
    "last/bias": true,
  });
  expect(net.summary(() => {})).toMatch(/Trainable parameters: 448 .*\nNon-trainable parameters: 84 /);
  expect(modelFromConfig(net.toConfig()).toConfig()).toEqual(net.toConfig());
});

test("the table shows what is connected to what", () => {
  const x = input({ shape: [4, 4, 2], name: "image" });
  const y = conv2d({ filters: 2, kernelSize: 1 }).apply(x);
  const shared = dense({ units: 3, name: "shared" });
  const flat = shared.apply(flatten().apply(add().apply([x, y])));
  const net = model({ inputs: x, outputs: dense({ units: 2 }).apply(flat), name: "net" });
  const lines = net.summary(() => {}).split("\n");
  expect(lines[2]).toMatch(/^Layer \(type\) +Output shape +Parameters +Connected to$/);
  expect(lines[6]).toMatch(/^add \(add\) +\(batch, 4, 4, 2\) +0 {2}image, conv2d$/);
  expect(net.rows.map(({ name, from }) => [name, ...from])).toEqual([
    ["image"],
    ["conv2d", "image"],
    ["add", "image", "conv2d"],
    ["flatten", "add"],
    ["shared", "flatten"],
    ["dense", "shared"],
  ]);
});

test("a model's file says version 2 for a graph, and 1 for a list", async () => {
  const versionOf = async (net: Model) => {
    await net.compile({ threads: 1 });
    onTestFinished(() => net.dispose());
    return decodeSafetensors(saveModel(net)).metadata.formatVersion;
  };
  expect(await versionOf(build(NETS["a residual block"]!))).toBe("2");
  expect(await versionOf(sequential([dense({ units: 2, activation: "softmax", inputShape: [3] })]))).toBe(
    "1",
  );
});

test("names that a further call would have are no names of a graph's layers", () => {
  const x = input({ shape: [4] });
  const layer = dense({ units: 4, name: "a" });
  const second = dense({ units: 4, name: "a:2" }).apply(layer.apply(x));
  const make = () => model({ inputs: x, outputs: add().apply([second, layer.apply(second)]) });
  expect(make).toThrow(/layer 'a:2': ends in : and a number/);
});

describe("what does not fit is refused", () => {
  const x = () => input({ shape: [4, 4, 2] });
  test.each<[string, () => unknown, RegExp]>([
    [
      "shapes that differ",
      () => add().apply([x(), input({ shape: [4, 4, 3] })]),
      /layer 'add': got inputs of shapes \(4, 4, 2\) and \(4, 4, 3\)/,
    ],
    [
      "one input for a sum",
      () => add().apply(x()),
      /layer 'add': got one input, expected a list of two or more/,
    ],
    [
      "two inputs for a convolution",
      () => conv2d({ filters: 1, kernelSize: 1 }).apply([x(), x()]),
      /layer 'conv2d': got 2 inputs, expected one/,
    ],
    [
      "another axis",
      () => concatenate().apply([x(), input({ shape: [3, 4, 2] })]),
      /expected shapes that differ along the axis only/,
    ],
    [
      "an axis too many",
      () => concatenate({ axis: 4 }).apply([x(), x()]),
      /axis is 4, expected 1 to 3, or -3 to -1, for inputs of shape \(4, 4, 2\)/,
    ],
    [
      "a layer where a tensor belongs",
      () => flatten().apply(flatten() as never),
      /input 1 is an object, expected what input\(\)/,
    ],
    [
      "an input that is not named",
      () => model({ inputs: x(), outputs: dense({ units: 1 }).apply(flatten().apply(x())) }),
      /need input 'input', which is not among/,
    ],
    [
      "what a layer gives as an input",
      () => model({ inputs: flatten().apply(x()), outputs: x() }),
      /among inputs is what layer "flatten" gives/,
    ],
    ["no outputs", () => model({ inputs: x(), outputs: [] }), /outputs is empty/],
    [
      "a shared layer on other shapes",
      () => {
        const shared = dense({ units: 2 });
        const image = x();
        const flat = flatten().apply(image);
        const y = concatenate().apply([
          shared.apply(flat),
          shared.apply(globalAveragePooling2d().apply(image)),
        ]);
        return model({ inputs: image, outputs: y });
      },
      /layer 'dense': is called again on an input that needs .dense\/kernel. of shape \(2, 2\), but it has \(32, 2\)/,
    ],
    [
      "nothing to train",
      () => {
        const image = x();
        return model({ inputs: image, outputs: flatten().apply(dropout({ rate: 0.5 }).apply(image)) });
      },
      /no parameters/,
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(ModelError);
    expect(make).toThrow(message);
  });

  const graph = {
    inputs: ["x"],
    outputs: ["y"],
    layers: [
      { type: "input", name: "x", shape: [3] },
      { type: "dense", name: "y", units: 2, from: ["x"] },
    ],
  };
  const withFrom = (from: unknown) => ({
    ...graph,
    layers: [
      graph.layers[0],
      { type: "add", name: "y", from },
      { type: "dense", name: "z", units: 2, from: ["y"] },
    ],
  });
  const again = (entry: object) => ({ ...graph, layers: [...graph.layers, entry] });
  test.each<[string, object, RegExp]>([
    ["a name that nobody has", { ...graph, outputs: ["z"] }, /takes "z", which no layer before it gives/],
    ["inputs alone", { ...graph, outputs: undefined }, /names inputs and no outputs/],
    ["outputs alone", { ...graph, inputs: undefined }, /names outputs and no inputs/],
    [
      "no from",
      { ...graph, layers: [graph.layers[0], { type: "dense", name: "y", units: 2 }] },
      /from is missing, expected a list of names of layers, whose outputs it takes/,
    ],
    [
      "from that is no list",
      { ...graph, layers: [graph.layers[0], { ...graph.layers[1], from: "x" }] },
      /from is "x", expected a list/,
    ],
    [
      "two of one name",
      { ...graph, layers: [graph.layers[0], { ...graph.layers[1], name: "x" }] },
      /two layers are named "x"/,
    ],
    [
      "a call of nobody",
      { ...graph, layers: [...graph.layers, { type: "dense", again: "q", from: ["x"] }] },
      /calls "q" again/,
    ],
    [
      "a layer before its input",
      { ...graph, layers: graph.layers.toReversed() },
      /takes "x", which no layer before it gives/,
    ],
    ["from of objects", withFrom([{ toString: 1 }]), /from is \[an object\], expected a list of names/],
    ["from of lists", withFrom([["x"]]), /from is \[\[…\]\], expected a list of names/],
    ["from of nothing", withFrom([]), /from is \[\], expected a list of names/],
    [
      "another type called again",
      again({ type: "conv2d", again: "y", from: ["y"] }),
      /calls "y" again, and no layer of type "conv2d" before it has that name/,
    ],
    [
      "options of a call",
      again({ type: "dense", again: "y", units: 9, from: ["y"] }),
      /no option is called "units"/,
    ],
    [
      "a call of an object",
      again({ type: "dense", again: { toString: 1 }, from: ["x"] }),
      /again is an object, expected a text/,
    ],
    ["an input called again", again({ type: "input", again: "x", from: ["x"] }), /calls "x" again/],
    [
      "a name like that of a call",
      { ...graph, layers: [{ ...graph.layers[0], name: "x:2" }] },
      /ends in : and a number/,
    ],
    ["too many values", withFrom(Array(20_000).fill("x")), /layers, expected at most 10,000/],
  ])("plain data: %s", (_, config, message) => {
    expect(() => modelFromConfig(config as never)).toThrow(ModelError);
    expect(() => modelFromConfig(config as never)).toThrow(message);
  });
});

test.each([null, undefined, 5, "x", []])("plain data that is none: %j", (config) => {
  expect(() => modelFromConfig(config as never)).toThrow(ModelError);
});

test("a message is short, however long a file's names are", () => {
  const layers = Array.from({ length: 2000 }, (_, i) => ({
    type: "flatten",
    name: `${i}${"z".repeat(1000)}`,
    from: ["x"],
  }));
  const config = {
    layers: [
      { type: "input", name: "x", shape: [3] },
      ...layers,
      { type: "flatten", name: "y", from: ["q"] },
    ],
    inputs: ["x"],
    outputs: ["y"],
  };
  let message = "";
  try {
    modelFromConfig(config);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toContain('takes "q", which no layer before it gives');
  expect(message.length).toBeLessThan(3000);
});

describe("an input in a list of layers", () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      "as plain data",
      () =>
        modelFromConfig({
          layers: [
            { type: "input", shape: [4] },
            { type: "dense", units: 3 },
          ],
        }),
      /layer 'input': a list of layers has no inputs: give the first one inputShape/,
    ],
    [
      "in the middle",
      () =>
        modelFromConfig({
          layers: [
            { type: "dense", units: 9, inputShape: [4] },
            { type: "input", shape: [4] },
            { type: "dense", units: 3 },
          ],
        }),
      /layer 'input': a list of layers has no inputs/,
    ],
    [
      "as code",
      () => sequential([input({ shape: [4] }) as never, dense({ units: 3 })]),
      /layer 1 is a tensor, expected a layer: give the first one inputShape/,
    ],
  ])("%s is refused with what to do", (_, make, message) => {
    expect(make).toThrow(ModelError);
    expect(make).toThrow(message);
  });
});
