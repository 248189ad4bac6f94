import { describe, expect, onTestFinished, test, vi } from "vitest";
import { fuse } from "../../src/compiler/fuse.ts";
import type { Graph } from "../../src/compiler/graph.ts";
import { halves } from "../../src/compiler/still.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/formats/checkpoint.ts";
import {
  activation,
  add,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  gaussianNoise,
  globalAveragePooling2d,
  input,
  type Layer,
  maxPooling2d,
  randomFlip,
} from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { earlyStopping } from "../../src/train/callbacks/early-stopping.ts";
import { featured } from "../../src/train/features.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { model as functional } from "../../src/train/functional.ts";
import type { Model } from "../../src/train/model.ts";
import type { Samples } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import type { Session } from "../../src/train/session.ts";
import type { SampleSource } from "../../src/train/source.ts";
import { held } from "../../src/train/stream.ts";
import { Training } from "../../src/train/training.ts";
import { halves as samplesOf } from "../support/samples.ts";

const still = { trainable: false };
/** Statistics of a normalization that was trained. */
const moved = {
  movingMeanInitializer: { type: "randomNormal", stddev: 0.3 },
  movingVarianceInitializer: { type: "randomUniform", minValue: 0.5, maxValue: 2 },
} as const;
const FEATURES = 24;
const backbone = (): Layer[] => [
  conv2d({ filters: 4, kernelSize: 3, padding: "same", useBias: false, inputShape: [6, 6, 1], ...still }),
  batchNormalization({ ...still, ...moved }),
  activation({ activation: "relu" }),
  conv2d({ filters: 6, kernelSize: 3, activation: "relu", ...still }),
  maxPooling2d(),
  flatten(),
];
const head = (): Layer[] => [
  dropout({ rate: 0.2 }),
  dense({ units: 5, activation: "relu" }),
  dense({ units: 2, activation: "softmax" }),
];
const chain = () => sequential([...backbone(), ...head()]);
/** A block whose skip is trained, of two frozen branches. */
const graph = () => {
  const x = input({ shape: [6, 6, 1] });
  const convolved = (name: string) => conv2d({ filters: 3, kernelSize: 3, padding: "same", name, ...still });
  const [a, b] = ["a", "b"].map((name) =>
    batchNormalization({ ...still, ...moved }).apply(convolved(name).apply(x)),
  );
  const c = depthwiseConv2d({ kernelSize: 3, padding: "same", ...still }).apply(a!);
  const trained = conv2d({ filters: 3, kernelSize: 1, name: "trained" }).apply(b!);
  const y = activation({ activation: "relu" }).apply(add().apply([c, trained]));
  const z = concatenate().apply([globalAveragePooling2d().apply(y), globalAveragePooling2d().apply(a!)]);
  return functional({ inputs: x, outputs: dense({ units: 2, activation: "softmax" }).apply(z) });
};
const data = samplesOf(50, 3);
const NONE = -1;

async function compiled(make: () => Model): Promise<Model> {
  const model = make();
  await model.compile({ threads: 1, optimizer: adam({ learningRate: 0.02 }) });
  onTestFinished(() => model.dispose());
  return model;
}

const FIT: FitOptions = { epochs: 3, batchSize: 8, validationSplit: 0.3, validationFrom: "stratified" };

/** Counts the images that frozen layers are asked about. */
function counting(session: Session) {
  const asked = { images: 0 };
  const load = session.load.bind(session);
  session.load = (mode, samples, indices) => {
    if (mode === "predict") asked.images += indices.length;
    return load(mode, samples, indices);
  };
  return { asked };
}

/** A training with room for so many bytes of features, and how many images its frozen layers are asked about. */
function trainingOf(
  model: Model,
  room?: number,
  options: FitOptions = {},
  given: Samples | SampleSource = data,
) {
  const { session } = model;
  const { asked } = counting(session);
  const { validationData, ...all } = { ...FIT, ...options };
  const training = new Training(
    session,
    held(given, model, "fit"),
    { ...all, ...(validationData && { validationData: held(validationData, model, "validationData") }) },
    model,
    room,
  );
  return { training, asked };
}

async function trained(
  make: () => Model,
  room?: number,
  options: FitOptions = {},
  given: Samples | SampleSource = data,
) {
  const model = await compiled(make);
  const { training, asked } = trainingOf(model, room, options, given);
  const history = untimed(await training.run());
  return { history, images: asked.images, sha: await model.weightsSha256() };
}

const untimed = (history: object) =>
  JSON.parse(JSON.stringify(history, (key, value) => (/econds/.test(key) ? 0 : value)));

const streamed = (): SampleSource => {
  const { images, ...others } = data;
  const size = images.length / data.count;
  return {
    ...others,
    mark: "streamed",
    read(indices, into) {
      for (const [i, row] of indices.entries())
        (into as Uint8Array).set(images.subarray(row * size, (row + 1) * size) as Uint8Array, i * size);
    },
  };
};

describe("what frozen layers give", () => {
  test.each([
    ["a chain", chain, 4 * FEATURES],
    ["branches and a skip", graph, 4 * 3 * (3 + 36 + 36)],
  ])(
    "is computed once for each image, and ends with the bits of training all of it: %s",
    async (_, make, bytes) => {
      const whole = await trained(make, NONE);
      expect(whole.images).toBe(0);
      const kept = await trained(make);
      expect(kept).toEqual({ ...whole, images: 50 });
      expect(await trained(make, 0)).toEqual({ ...whole, images: 150 });
      const some = await trained(make, 20 * bytes);
      expect(some.images).toBe(20 + 3 * 30);
      expect(some).toEqual({ ...whole, images: some.images });
    },
  );

  test.each<[string, FitOptions, (Samples | SampleSource)?]>([
    ["validationData", { validationSplit: 0, validationData: samplesOf(20, 5) }],
    ["the last images for validation", { validationFrom: "last" }],
    ["weights of classes", { classWeight: { 0: 1, 1: 3 } }],
    [
      "the best weights",
      { restoreBestWeights: "val_loss", callbacks: [earlyStopping({ patience: 1 })], epochs: 9 },
    ],
    ["samples that are streamed", {}, streamed()],
    ["batches of no power of two", { batchSize: 23, shuffle: false }],
  ])("trains to the same bits with %s", async (_, options, given) => {
    const whole = await trained(chain, NONE, options, given);
    for (const room of [undefined, 15 * 4 * FEATURES]) {
      const { images, ...others } = await trained(chain, room, options, given);
      expect(images).toBeGreaterThan(0);
      expect({ ...others, images: 0 }).toEqual(whole);
    }
  });

  test("trains to the same bits where a model has several inputs and outputs", async () => {
    const make = () => {
      const [a, b] = [input({ shape: [6, 6, 1], name: "a" }), input({ shape: [5], name: "b" })];
      const c = flatten().apply(
        conv2d({ filters: 2, kernelSize: 3, strides: 2, name: "c", ...still }).apply(a),
      );
      const d = dense({ units: 3, activation: "tanh", name: "d", ...still }).apply(b);
      const both = concatenate().apply([dense({ units: 4, name: "e" }).apply(c), d]);
      const outputs = ["first", "second"].map((name) =>
        dense({ units: 2, activation: "softmax", name }).apply(both),
      );
      return functional({ inputs: [a, b], outputs });
    };
    const numbers = Float32Array.from({ length: 250 }, (_, i) => Math.sin(i));
    const given: Samples = {
      images: [data.images, numbers],
      shape: [[6, 6, 1], [5]],
      count: 50,
      labels: [data.labels, undefined],
      targets: [undefined, Float32Array.from({ length: 100 }, (_, i) => Number(i % 2 === (i % 4) >> 1))],
      weights: [Float32Array.from({ length: 50 }, (_, i) => 1 + (i % 3)), undefined],
    };
    const whole = await trained(make, NONE, {}, given);
    expect(await trained(make, undefined, {}, given)).toEqual({ ...whole, images: 50 });
    const { images, ...others } = await trained(make, 9 * 4 * 11, {}, given);
    expect(images).toBe(9 + 3 * 41);
    expect({ ...others, images: 0 }).toEqual(whole);
  });

  test("is not kept of a source that varies its images", async () => {
    const source = (varies?: boolean) => {
      let reads = 0;
      const { read, ...others } = streamed();
      return {
        ...others,
        ...(varies !== undefined && { varies }),
        read(indices: Uint32Array, into: Uint8Array) {
          read(indices, into);
          // By epoch: 5 batches of training, 3 of validation.
          into[0] = Math.floor(reads++ / 8);
        },
      } as SampleSource;
    };
    const options = { batchSize: 7 };
    const ends = [];
    for (const [room, varies] of [
      [NONE, true],
      [undefined, true],
      [undefined, undefined],
    ] as const)
      ends.push(await trained(chain, room, options, source(varies)));
    expect(ends.map(({ images }) => images)).toEqual([0, 150, 50]);
    expect(ends[1]!.sha).toBe(ends[0]!.sha);
    expect(ends[2]!.sha).not.toBe(ends[0]!.sha);
    await expect(trained(chain, NONE, options, source("yes" as never))).rejects.toThrow(
      'fit: the source\'s varies is "yes", expected true or false',
    );
  });

  test("is parted from what is trained where validation folds nothing over it", async () => {
    const make = () =>
      sequential([
        ...backbone().slice(0, 4),
        conv2d({ filters: 5, kernelSize: 3, ...still }),
        batchNormalization(moved),
        flatten(),
        ...head(),
      ]);
    const whole = await trained(make, NONE);
    expect(await trained(make)).toEqual({ ...whole, images: 50 });
    const { still: before, rest } = halves(make().graph)!;
    expect(before.ops.at(-1)!.kind).toBe("activation");
    expect(rest.ops[0]!.kind).toBe("conv2d");
  });

  test("goes on from a checkpoint, made with it or without, to the same bits", async () => {
    const { sha } = await trained(chain, NONE);
    for (const [before, after] of [
      [undefined, NONE],
      [NONE, undefined],
    ]) {
      const { training } = trainingOf(await compiled(chain), before);
      for (let i = 0; i < 7; i++) await training.step();
      const initialState = loadCheckpoint(saveCheckpoint(training.state()));
      const model = await compiled(chain);
      await trainingOf(model, after, { initialState }).training.run();
      expect(await model.weightsSha256()).toBe(sha);
    }
  });

  test("is computed anew where weights of frozen layers are set", async () => {
    const change = (model: Model) =>
      model.getWeights().map((tensor) => ({
        ...tensor,
        data: tensor.name === "conv2d/kernel" ? tensor.data.map((x) => 2 * x) : tensor.data,
      }));
    const ends = [];
    for (const by of ["model", "training"] as const)
      for (const room of [NONE, undefined]) {
        const model = await compiled(chain);
        // As fit() makes it: the model knows of its training.
        const training =
          room === NONE
            ? trainingOf(model, room).training
            : model.training(data, { ...FIT, validationData: undefined });
        for (let i = 0; i < 7; i++) await training.step();
        const weights = change(model);
        if (by === "model") model.setWeights(weights);
        else training.setWeights(weights);
        while (await training.step());
        ends.push(await model.weightsSha256());
      }
    expect(new Set(ends).size).toBe(1);
    expect(ends[0]).not.toBe((await trained(chain)).sha);
  });

  test("is kept in half of the memory that a browser tells of", async () => {
    const GIB = 2 ** 30;
    vi.stubGlobal("navigator", { deviceMemory: (4 * 20 * 4 * FEATURES) / GIB });
    onTestFinished(() => void vi.unstubAllGlobals());
    expect((await trained(chain)).images).toBe(20 + 3 * 30);
  });

  test("is kept once of images that are trained on and validated with", async () => {
    const { session } = await compiled(chain);
    const { asked } = counting(session);
    const { samples } = featured(session, [data, { ...data }], 50 * 4 * FEATURES)!;
    for (let epoch = 0; epoch < 2; epoch++)
      for (const [part, held] of samples.entries())
        await held!.batch!(Uint32Array.from({ length: 25 }, (_, i) => 2 * i + part));
    expect(asked.images).toBe(50);
  });

  test("is let go of when training has ended", async () => {
    const model = await compiled(chain);
    const { training, asked } = trainingOf(model);
    await training.run();
    expect(asked.images).toBe(50);
    await trainingOf(model, undefined, { epochs: 1 }).training.run();
    expect(asked.images).toBe(50 + 50);
  });
});

describe("halves()", () => {
  const kinds = ({ ops }: Graph) => ops.map(({ kind }) => kind);
  const of = (...layers: Layer[]) => halves(sequential(layers).graph);
  const first = (options = {}) => conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1], ...options });
  const last = () => dense({ units: 2, activation: "softmax" });

  test("parts a graph before what is trained, or random", () => {
    const { graph } = chain();
    const { still: before, rest } = halves(graph)!;
    expect(kinds(before)).toEqual([
      "conv2d",
      "batchNorm",
      "activation",
      "conv2d",
      "activation",
      "pool2d",
      "reshape",
    ]);
    expect(kinds(rest)).toEqual(["dropout", "dense", "activation", "dense", "softmax"]);
    expect(rest.inputs).toEqual(before.outputs);
    const { rest: random } = of(
      first(still),
      dropout({ rate: 0.1 }),
      conv2d({ filters: 1, kernelSize: 1, ...still }),
      flatten(),
      last(),
    )!;
    expect(kinds(random)).toEqual(["dropout", "conv2d", "reshape", "dense", "softmax"]);
    const none = of(first(still), dropout({ rate: 0 }), flatten(), last())!;
    expect(kinds(none.rest)).toEqual(["dense", "softmax"]);
  });

  test.each<[string, Layer[]]>([
    ["nothing is frozen", [first(), flatten(), last()]],
    [
      "a layer before what is frozen is trained",
      [first(), conv2d({ filters: 2, kernelSize: 3, ...still }), flatten(), last()],
    ],
    ["what is frozen has no weights", [maxPooling2d({ inputShape: [6, 6, 1] }), flatten(), last()]],
    [
      "images vary before it",
      [
        randomFlip({ mode: "horizontal", inputShape: [6, 6, 1] }),
        conv2d({ filters: 2, kernelSize: 3, ...still }),
        flatten(),
        last(),
      ],
    ],
    [
      "noise comes before it",
      [
        gaussianNoise({ stddev: 0.1, inputShape: [6, 6, 1] }),
        conv2d({ filters: 2, kernelSize: 3, ...still }),
        flatten(),
        last(),
      ],
    ],
    ["all is frozen", [first(still), flatten(), dense({ units: 2, ...still })]],
  ])("does not where %s", (_, layers) => {
    expect(of(...layers)).toBeUndefined();
  });

  test("does not where what is trained takes the image itself, too", () => {
    const x = input({ shape: [6, 6, 1] });
    const y = add().apply([
      conv2d({ filters: 1, kernelSize: 1, ...still }).apply(x),
      conv2d({ filters: 1, kernelSize: 1 }).apply(x),
    ]);
    const z = dense({ units: 2 }).apply(flatten().apply(y));
    expect(halves(functional({ inputs: x, outputs: z }).graph)).toBeUndefined();
  });
});

describe("fuse()", () => {
  const kinds = (layers: Layer[]) => fuse(sequential(layers).graph).ops.map(({ kind }) => kind);
  const layers = (conv: object, norm: object, before: Layer[] = []): Layer[] => [
    ...before,
    conv2d({ filters: 2, kernelSize: 3, ...(before.length === 0 && { inputShape: [6, 6, 1] }), ...conv }),
    batchNormalization(norm),
    flatten(),
    dense({ units: 2 }),
  ];
  test("folds a frozen normalization into the frozen convolution before it in training, where no gradient passes it", () => {
    expect(kinds(layers(still, still))).toEqual(["conv2d", "reshape", "dense"]);
    for (const [conv, norm] of [
      [{}, still],
      [still, {}],
      [{}, {}],
    ] as const)
      expect(kinds(layers(conv, norm))).toContain("batchNorm");
    const trained = conv2d({ filters: 2, kernelSize: 1, inputShape: [6, 6, 1] });
    expect(kinds(layers(still, still, [trained]))).toContain("batchNorm");
    const varied = randomFlip({ mode: "horizontal", inputShape: [6, 6, 1] });
    expect(kinds(layers(still, still, [varied]))).not.toContain("batchNorm");
  });
});
