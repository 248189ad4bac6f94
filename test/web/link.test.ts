import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DATASETS } from "../../src/data/datasets.ts";
import { BACKENDS } from "../../src/engine/engine.ts";
import { LOSSES } from "../../src/losses/names.ts";
import { LAYERS } from "../../src/model/layers/index.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { chainNames, MODELS, namedModel } from "../../src/model/models.ts";
import { OPTIMIZERS } from "../../src/optim/index.ts";
import { checkRunConfig } from "../../src/run/config.ts";
import {
  CALLBACK_TYPES,
  type NamedOptions,
  type NamedType,
  SCHEDULE_TYPES,
  withoutUsual,
} from "../../src/web/state/callbacks.ts";
import { LAYER_TYPES, type LayerSpec, optionProblem, withoutDefaults } from "../../src/web/state/layers.ts";
import { fromFragment, TABS, toFragment } from "../../src/web/state/link.ts";
import { buildModel, namedLayers, rowsBefore } from "../../src/web/state/model.ts";
import { CUSTOM, DEFAULTS, runConfig, type Settings } from "../../src/web/state/settings.ts";

const size = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
);
const rate = fc.integer({ min: 0, max: 999 }).map((n) => n / 1000);

const NUMBERS_OF_ALL_KINDS: readonly unknown[] = [
  { l1: 0.5, l2: 0.25 },
  { type: "nonNeg" },
  { type: "maxNorm", maxValue: 3, axis: [0, 1, 2] },
  0,
  3,
  -1,
  -0.5,
  0.00390625,
  1e-7,
  [0.1, 0.3],
  [-0.2, 0.2],
  [1, 2],
  [2, 1],
  [0, 3],
  [-1, 8],
  [3, 1, 2],
  [0.5, 1.25, 2, 3],
  [
    [1, 0],
    [2, 3],
  ],
];

/** Any layer that the editor can make, options at their defaults or not. */
const layer: fc.Arbitrary<LayerSpec> = fc.constantFrom(...Object.keys(LAYER_TYPES)).chain((type) =>
  fc
    .record(
      Object.fromEntries(
        LAYER_TYPES[type]!.options.map((option) => [
          option.key,
          option.kind === "count"
            ? fc.integer({ min: 1, max: 4096 })
            : option.kind === "size"
              ? size
              : option.kind === "choice"
                ? fc.constantFrom(...option.choices)
                : option.kind === "flag"
                  ? fc.boolean()
                  : option.kind === "numbers"
                    ? fc.constantFrom(...NUMBERS_OF_ALL_KINDS.filter(option.takes))
                    : option.kind === "fraction"
                      ? rate.map((share) => share + 1 / 2000)
                      : rate,
        ]),
      ),
      {
        requiredKeys: LAYER_TYPES[type]!.options.filter(
          (option) => option.default === undefined && !option.optional,
        ).map(({ key }) => key),
      },
    )
    .map((options) => withoutDefaults({ type, ...options })),
);

/** Options of a callback or a schedule, drawn of numbers that fit; `left`: without those. */
const named = (types: Readonly<Record<string, NamedType>>, name: string, left: readonly string[] = []) =>
  fc
    .record(
      Object.fromEntries(
        types[name]!.options.filter(({ key }) => !left.includes(key)).map((option) => [
          option.key,
          option.kind === "choice"
            ? fc.constantFrom(...option.choices)
            : option.kind === "numbers"
              ? fc.constantFrom(...NUMBERS_OF_ALL_KINDS.filter(option.takes))
              : fc.boolean(),
        ]),
      ),
      {
        requiredKeys: types[name]!.options.filter(
          (option) => option.default === undefined && !option.optional && !left.includes(option.key),
        ).map(({ key }) => key),
      },
    )
    .map((options): NamedOptions => withoutUsual(types, { name, ...options }));

const PIECES = { name: "piecewiseConstantDecay", boundaries: [3, 10], values: [0.1, 0.01, 1e-5] };
const schedule: fc.Arbitrary<NamedOptions> = fc
  .constantFrom(...Object.keys(SCHEDULE_TYPES))
  .chain((name) =>
    name === PIECES.name
      ? fc.constant(PIECES)
      : name === "warmUp"
        ? fc
            .tuple(
              named(SCHEDULE_TYPES, name, ["schedule"]),
              named(SCHEDULE_TYPES, "cosineDecay"),
              fc.boolean(),
            )
            .map(([first, then, follows]): NamedOptions => ({ ...first, schedule: follows ? then : 0.25 }))
        : named(SCHEDULE_TYPES, name),
  );
const callbacks = fc
  .subarray(Object.keys(CALLBACK_TYPES))
  .chain((names) =>
    fc
      .tuple(...names.map((name) => named(CALLBACK_TYPES, name)))
      .map((list): readonly NamedOptions[] => list),
  );

const settings: fc.Arbitrary<Settings> = fc
  .record({
    dataset: fc.constantFrom("digits", "files", ...Object.keys(DATASETS)),
    images: fc.option(fc.integer({ min: 2, max: 1e6 }), { nil: undefined }),
    own: fc.option(fc.array(layer, { minLength: 1, maxLength: 8 }), { nil: undefined }),
    name: fc.constantFrom(...Object.keys(MODELS)),
    optimizer: fc.constantFrom(...OPTIMIZERS),
    learningRate: fc.option(rate, { nil: undefined }),
    loss: fc.constantFrom(...LOSSES),
    batchSize: fc.integer({ min: 1, max: 65_536 }),
    epochs: fc.integer({ min: 1, max: 10_000 }),
    validationSplit: fc.integer({ min: 0, max: 90 }).map((n) => n / 100),
    keepBest: fc.boolean(),
    schedule: fc.option(schedule, { nil: undefined }),
    callbacks,
    seed: fc.maxSafeNat(),
    backend: fc.constantFrom("auto" as const, ...BACKENDS),
    threads: fc.option(fc.integer({ min: 1, max: 256 }), { nil: undefined }),
  })
  .map(({ own, name, ...rest }) => ({
    ...rest,
    // What watches validation needs some, and the rate is set by one of both.
    callbacks: rest.callbacks.flatMap((callback) =>
      callback.name === "reduceLROnPlateau" && rest.schedule
        ? []
        : callback.name === "terminateOnNaN" || rest.validationSplit > 0
          ? [callback]
          : [{ ...callback, monitor: "loss" }],
    ),
    ...(own ? { model: CUSTOM, layers: own } : { model: name, layers: [] }),
  }));

describe("the address", () => {
  test("of the defaults is empty", () => {
    expect(toFragment(DEFAULTS, "train")).toBe("");
    expect(fromFragment("")).toEqual({ settings: DEFAULTS, tab: "train", unknown: [] });
  });

  test("gives back any settings", () => {
    fc.assert(
      fc.property(settings, fc.constantFrom(...TABS), (given, tab) => {
        const fragment = toFragment(given, tab);
        // What browsers keep as it is in a fragment.
        expect(new URL(`http://localhost/#${fragment}`).hash.slice(1)).toBe(fragment);
        expect(fromFragment(`#${fragment}`)).toEqual({ settings: given, tab, unknown: [] });
      }),
    );
  });

  test("names settings that make a run, whatever they are", () => {
    fc.assert(
      fc.property(settings, (given) => {
        const { epochs, batchSize, optimizer, dataset, digitsCount, trainLimit, validationFrom } =
          runConfig(given);
        expect({ epochs, batchSize, optimizer: optimizer.name, dataset }).toEqual({
          epochs: given.epochs,
          batchSize: given.batchSize,
          optimizer: given.optimizer,
          dataset: given.dataset,
        });
        if (given.schedule) expect(optimizer.learningRate).toMatchObject({ name: given.schedule.name });
        else if (given.learningRate !== undefined) expect(optimizer.learningRate).toBe(given.learningRate);
        expect(digitsCount).toBe(given.dataset === "digits" ? (given.images ?? 12_000) : undefined);
        expect(trainLimit).toBe(given.dataset === "digits" ? undefined : given.images);
        const own = given.dataset === "files" ? "stratified" : "last";
        expect(validationFrom).toBe(given.validationSplit > 0 ? own : undefined);
      }),
    );
  });

  test("takes a run as plain data, and gives back any settings as such", () => {
    fc.assert(
      fc.property(settings, (given) => {
        const run = encodeURIComponent(JSON.stringify(runConfig(given)));
        const { settings: read, unknown } = fromFragment(`#run=${run}`);
        // Without validation there is no best epoch to keep.
        const { keepBest, learningRate, images } = given;
        const usual = checkRunConfig({ optimizer: given.optimizer }).optimizer.learningRate;
        expect({ read, unknown }).toEqual({
          read: {
            ...given,
            // Options that say what is so anyhow are left out.
            layers: given.layers.flatMap((spec) =>
              layersFromConfig({ layers: [spec] }).map(({ type, config }) =>
                withoutDefaults({ type, ...config }),
              ),
            ),
            keepBest: given.validationSplit > 0 ? keepBest : true,
            learningRate: given.schedule || learningRate === usual ? undefined : learningRate,
            images: given.dataset === "digits" && images === 12_000 ? undefined : images,
          },
          unknown: [],
        });
      }),
    );
  });

  test("takes the configuration of a run of the command line, and says what it cannot set", () => {
    const read = (run: object) => fromFragment(`#run=${encodeURIComponent(JSON.stringify(run))}&tab=results`);
    const configuration = checkRunConfig({
      dataset: "mnist",
      trainLimit: 500,
      threads: 2,
      seed: 5,
      epochs: 3,
    });
    expect(read({ seed: 1, configuration })).toEqual({
      settings: { ...DEFAULTS, dataset: "mnist", images: 500, threads: 2, seed: 5, epochs: 3 },
      tab: "results",
      unknown: [],
    });
    const dense = { type: "dense", units: 3, name: "mine" };
    expect(read({ model: { name: "own", layers: [{ type: "flatten" }, dense] } }).settings).toMatchObject({
      model: CUSTOM,
      layers: [{ type: "flatten" }, { type: "dense", units: 3 }],
    });
    for (const run of [
      { recipe: "fast" },
      { base: "runs/first", head: [16, "classes"] },
      { optimizer: { name: "sgd", momentum: 0.9 } },
      { dataset: "some/folder" },
      { model: "resnet21" },
      { model: "model.json" },
      { shuffle: false },
      { preprocessing: { scale: 1, offset: 0 } },
      { restoreBest: "loss" },
      { validationFrom: "shuffled" },
      { epochs: 1_000_000 },
      { epoch: 3 },
      { model: { layers: [{ type: "conv3d" }] } },
      [],
    ])
      expect(read(run), JSON.stringify(run)).toMatchObject({
        settings: DEFAULTS,
        unknown: [expect.any(String)],
      });
  });

  test("never throws, and keeps to values that are in range", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { settings: read } = fromFragment(text);
        expect(read.batchSize).toBeGreaterThan(0);
        expect(Object.hasOwn(MODELS, read.model) || read.model === CUSTOM).toBe(true);
      }),
    );
  });

  test.each([
    "batchSize=0",
    "batchSize=1.5",
    "epochs=1e99",
    "learningRate=-1",
    "learningRate=",
    "optimizer=ftrl",
    "model=constructor",
    "dataset=http://evil.example/",
    "tab=secrets",
    "nonsense",
    "__proto__=1",
    "layers=conv2d",
    "layers=conv2d:filters=0,kernelSize=3",
    "layers=conv2d:filters=4,kernelSize=3,color=red",
    "layers=constructor",
    "layers=",
    "callbacks=csvLogger",
    "callbacks=earlyStopping:patience=-1",
    "callbacks=earlyStopping:monitor=f1Score",
    "callbacks=terminateOnNaN;terminateOnNaN",
    "callbacks=earlyStopping:color=red",
    "schedule=cosineDecay",
    "schedule=constantRate:learningRate=0.1;oneCycle:peak=1,steps=5",
    "schedule=piecewiseConstantDecay:boundaries=3,values=1",
    "schedule=warmUp:warmupSteps=5;mine",
    "seed=%",
  ])("%s is told, and takes its default", (part) => {
    expect(fromFragment(`epochs=7&${part}`)).toEqual({
      settings: { ...DEFAULTS, epochs: 7 },
      tab: "train",
      unknown: [part],
    });
  });
});

describe("layers of the editor", () => {
  test("are all that model files know, with all their options", () => {
    for (const [type, { start, options }] of Object.entries(LAYER_TYPES)) {
      const [made] = layersFromConfig({ layers: [start] });
      const table = LAYERS[type]!.options;
      const filled = options.filter(({ key }) => "default" in table[key]! || "needed" in table[key]!);
      expect(Object.keys(made!.config).sort(), type).toEqual(filled.map(({ key }) => key).sort());
      for (const { key, default: value, hidden } of options)
        if (value !== undefined && !(key in start))
          expect(made!.config[key], `${type} ${key}`).toEqual(value);
        else if (hidden && type.includes("Pooling")) expect(made!.config[key]).toEqual(made!.config.poolSize);
    }
    expect(() => layersFromConfig({ layers: [{ type: "none" }] })).toThrow(
      Object.keys(LAYER_TYPES).sort().at(-1)!,
    );
  });

  test("say the same with and without their defaults", () => {
    fc.assert(
      fc.property(layer, (spec) => {
        const { type, config } = layersFromConfig({ layers: [spec] })[0]!;
        const short = withoutDefaults({ type, ...config });
        expect(layersFromConfig({ layers: [short] })[0]!.config).toEqual(config);
        expect(Object.keys(short).length).toBeLessThanOrEqual(Object.keys(spec).length);
        for (const option of LAYER_TYPES[spec.type]!.options)
          expect(optionProblem(option, spec[option.key])).toBeUndefined();
      }),
    );
  });

  const task = { name: "m", inputShape: [28, 28, 1], classes: 10, loss: "categoricalCrossentropy" } as const;

  test.each(chainNames())("of %s make the model that the command line trains", (name) => {
    const { model } = buildModel(namedLayers(name, [28, 28, 1], 10), task);
    expect(model!.toConfig().layers).toEqual(
      buildModel(
        namedModel(name, [28, 28, 1], 10).map(({ type, config }) => ({ type, ...config })),
        task,
      ).model!.toConfig().layers,
    );
  });

  test.each<[string, LayerSpec[], number | undefined, RegExp]>([
    [
      "a fault of an option",
      [{ type: "flatten" }, { type: "dense", units: Number.NaN }],
      1,
      /Layer 2 \(Dense\), Units: expected a whole number/,
    ],
    [
      "a shape that does not fit",
      [{ type: "dense", units: 10, activation: "softmax" }],
      0,
      /gives an output of shape 28×28×10, but the dataset has 10 classes: end with/,
    ],
    [
      "the second of a type",
      [{ type: "flatten" }, { type: "dense", units: 4 }, { type: "dense", units: 3, activation: "softmax" }],
      2,
      /gives 3 outputs, but the dataset has 10 classes/,
    ],
    [
      "a loss that does not fit",
      [{ type: "flatten" }, { type: "dense", units: 10 }],
      1,
      /takes probabilities/,
    ],
    ["no parameters", [{ type: "flatten" }], undefined, /no parameters/],
  ])("%s is told with its layer", (_, layers, at, message) => {
    const built = buildModel(layers, task);
    expect(built.problem).toMatch(message);
    expect(built).toMatchObject({ layer: at });
  });

  test("before a fault show their shapes", () => {
    const layers = [{ type: "conv2d", filters: 4, kernelSize: 3 }, { type: "maxPooling2d" }];
    expect(rowsBefore(layers, [28, 28, 1]).map((row) => row?.outputShape)).toEqual([
      [26, 26, 4],
      [13, 13, 4],
    ]);
    expect(rowsBefore([{ type: "conv2d", filters: 3, kernelSize: 30 }], [28, 28, 1])).toEqual([]);
  });
});
