// What trainer.test.ts does in pages: each function runs in a page and returns plain data.
import * as wasmgrad from "/dist/wasmgrad.js";

const { DataError, ModelError, SamplesError, TrainingDivergedError } = wasmgrad;
const { conv2d, createTrainer, dense, dropout, flatten, maxPooling2d, sequential } = wasmgrad;
const OURS = { DataError, ModelError, SamplesError, TrainingDivergedError };

/** Small and with dropout, so that every step counts. */
const layers = () => [
  conv2d({ filters: 6, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
  maxPooling2d(),
  dropout({ rate: 0.25 }),
  flatten(),
  dense({ units: 10, activation: "softmax" }),
];
const model = () => sequential(layers());
const digits = await wasmgrad.generateDigits({ train: 500, test: 60 });
const image = digits.test.images.slice(0, 784);

/** How an error looks from outside. */
const seen = (error) => ({
  name: error.name,
  message: error.message,
  ours: Object.keys(OURS).filter((name) => error instanceof OURS[name]),
  builtIn: ["RangeError", "TypeError"].filter((name) => error instanceof globalThis[name]),
});
const failure = async (promise) => {
  try {
    await promise;
    return "no error";
  } catch (error) {
    return seen(error);
  }
};
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** Resolves after the first report of a batch in training. */
function firstBatch() {
  let resolve;
  const arrived = new Promise((r) => {
    resolve = r;
  });
  return { arrived, callbacks: { onBatchEnd: () => resolve() } };
}
async function withTrainer(options, use) {
  const trainer = await createTrainer(model(), { threads: 2, ...options });
  try {
    return await use(trainer);
  } finally {
    trainer.dispose();
  }
}

/** Warnings of a fit on images sorted by class: by callback, by history, and on the console; then of a stratified fit. */
export async function warnings() {
  const { images, labels, count, shape } = digits.test;
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => labels[a] - labels[b] || a - b);
  const sorted = {
    shape,
    count,
    labels: Uint8Array.from(order, (i) => labels[i]),
    images: Uint8Array.from(order.flatMap((i) => [...images.subarray(784 * i, 784 * (i + 1))])),
  };
  const { warn } = console;
  const consoled = [];
  console.warn = (text) => consoled.push(text);
  try {
    return await withTrainer({}, async (trainer) => {
      const told = [];
      const options = { validationSplit: 0.2, batchSize: 16 };
      const onWarning = (text) => told.push(text);
      const first = await trainer.fit(sorted, { ...options, callbacks: { onWarning } });
      const second = await trainer.fit(sorted, options);
      const third = await trainer.fit(sorted, { ...options, validationFrom: "stratified" });
      return { told, consoled, warnings: [first, second, third].map((history) => history.warnings) };
    });
  } finally {
    console.warn = warn;
  }
}

/**
 * Hashes of a model with every op that the worker's script has only where a model needs it: of a Model, of a Trainer, of one
 * whose worker is the package's file. Each evaluates, too, where normalizations are folded.
 */
export async function furtherOps() {
  const { activation, add, averagePooling2d, batchNormalization, concatenate, input, multiply } = wasmgrad;
  const inputs = input({ shape: [28, 28, 1] });
  const small = averagePooling2d({ poolSize: 4 }).apply(inputs);
  const conv = (kernelSize) => conv2d({ filters: 4, kernelSize, padding: "same" }).apply(small);
  const sum = activation({ activation: "relu" }).apply(
    add().apply([batchNormalization().apply(conv(3)), conv(1)]),
  );
  const gates = wasmgrad.globalAveragePooling2d().apply(sum);
  const joined = concatenate().apply([multiply().apply([sum, gates]), small]);
  const outputs = dense({ units: 10, activation: "softmax" }).apply(flatten().apply(joined));
  const built = wasmgrad.model({ inputs, outputs });
  const results = async (made) => {
    await made.fit(digits.train, { epochs: 1, batchSize: 32 });
    const { loss } = await made.evaluate(digits.test);
    const sha256 = await made.weightsSha256();
    made.dispose();
    return { loss, sha256 };
  };
  await built.compile({ seed: 3 });
  const expected = await results(built);
  const workerUrl = "/dist/browser/worker.js";
  const trainers = [
    await createTrainer(built, { seed: 3 }),
    await createTrainer(built, { seed: 3, workerUrl }),
  ];
  return { expected, actual: [await results(trainers[0]), await results(trainers[1])] };
}

/** The same of a chain and of a graph with ops whose kernels are in the builds called -all alone. */
export async function extraOps() {
  const { activation, averagePooling2d, gaussianNoise, input, multiply, permute, prelu, rescaling } =
    wasmgrad;
  const { spatialDropout2d, subtract, upSampling2d, zeroPadding2d } = wasmgrad;
  const chain = [
    averagePooling2d({ poolSize: 4, inputShape: [28, 28, 1] }),
    rescaling({ scale: 2, offset: -1 }),
    zeroPadding2d(),
    conv2d({ filters: 5, kernelSize: 3, activation: "gelu" }),
    prelu({ sharedAxes: [1, 2] }),
    upSampling2d({ interpolation: "bilinear" }),
    spatialDropout2d({ rate: 0.2 }),
    gaussianNoise({ stddev: 0.1 }),
    permute({ dims: [2, 1, 3] }),
    dense({ units: 3, activation: "softmax" }),
    flatten(),
    dense({ units: 10, activation: "softmax" }),
  ];
  const inputs = input({ shape: [28, 28, 1] });
  const x = conv2d({ filters: 3, kernelSize: 5, strides: 4 }).apply(inputs);
  const where = activation({ activation: "hardSigmoid" }).apply(
    conv2d({ filters: 1, kernelSize: 1 }).apply(x),
  );
  const y = flatten().apply(subtract().apply([multiply().apply([where, x]), where]));
  const graph = wasmgrad.model({ inputs, outputs: dense({ units: 10, activation: "softmax" }).apply(y) });
  const results = async (made) => {
    await made.fit(digits.train, { epochs: 1, batchSize: 32 });
    const { loss } = await made.evaluate(digits.test);
    const sha256 = await made.weightsSha256();
    made.dispose();
    return { loss, sha256 };
  };
  const pairs = [];
  for (const built of [sequential(chain), graph]) {
    await built.compile({ seed: 3 });
    const expected = await results(built);
    const apart = await results(await createTrainer(built, { seed: 3 }));
    const whole = await results(
      await createTrainer(built, { seed: 3, workerUrl: "/dist/browser/worker.js" }),
    );
    pairs.push({ expected, actual: [apart, whole] });
  }
  return pairs;
}

/** What a model of two inputs and two outputs gives, on the page and in a worker. */
export async function severalOutputs() {
  const inputs = [[28, 28, 1], [3]].map((shape) => wasmgrad.input({ shape }));
  const outputs = [
    dense({ units: 10, activation: "softmax", name: "digit" }).apply(flatten().apply(inputs[0])),
    dense({ units: 1, name: "size" }).apply(inputs[1]),
  ];
  const built = wasmgrad.model({ inputs, outputs });
  const { images, labels } = digits.test;
  const count = 60;
  const samples = {
    images: [images, Float32Array.from({ length: 3 * count }, (_, i) => Math.fround((i % 7) / 7))],
    shape: [[28, 28, 1], [3]],
    count,
    labels: [labels, undefined],
    targets: [undefined, Float32Array.from(labels, (label) => label / 10)],
  };
  const options = {
    seed: 3,
    loss: { digit: "categoricalCrossentropy", size: "meanSquaredError" },
    lossWeights: { size: 0.5 },
  };
  const results = async (made) => {
    const { history } = await made.fit(samples, { epochs: 2, batchSize: 16, validationSplit: 0.2 });
    const asked = await made.predict(samples);
    const alone = await made.predict(samples.images);
    const looks = await made.activations([images.slice(0, 784), samples.images[1].slice(0, 3)]);
    const figures = await made.evaluate(samples);
    made.dispose();
    return JSON.stringify({ history, asked, alone, looks, figures });
  };
  const trainer = await createTrainer(built, options);
  await built.compile(options);
  return { expected: await results(built), actual: await results(trainer) };
}

/** What the worker leaves to the page to say. */
export async function saidByThePage() {
  const wide = sequential([dense({ units: 1000, activation: "softmax", inputShape: [1000] })]);
  const small = await failure(createTrainer(wide, { maxMemory: 2 ** 20 }));
  const answer = await withTrainer({}, async (trainer) => {
    const tensors = await trainer.getWeights();
    tensors[1].data.fill(Number.NaN);
    await trainer.setWeights(tensors);
    return failure(trainer.predict(digits.test));
  });
  return [small, answer];
}

/**
 * Runs on a Model and on Trainers with what workers have only where it is needed: schedules, further metrics, and a loss and a
 * metric of a user's module; and how its absence is told of.
 */
export async function ownDefinitions() {
  const { absolute, sure } = await import("./mine.js");
  const schedules = [
    wasmgrad.oneCycle({ peak: 0.01, steps: 32 }),
    wasmgrad.exponentialDecay({ initialLearningRate: 0.01, decaySteps: 7, decayRate: 0.5 }),
    wasmgrad.cosineDecay({ initialLearningRate: 0.01, decaySteps: 30, warmupTarget: 0.02, warmupSteps: 4 }),
    wasmgrad.piecewiseConstantDecay({ boundaries: [3, 9], values: [0.01, 0.02, 0.001] }),
    wasmgrad.defineSchedule({ name: "linear", rate: (step, { first }) => first / (1 + step) })({
      first: 0.01,
    }),
  ];
  const top = wasmgrad.topKCategoricalAccuracy({ k: 3, name: "top3" });
  const results = async (made) => {
    const fit = { epochs: 2, batchSize: 32, validationSplit: 0.1, restoreBestWeights: "val_sure" };
    const { history, bestEpoch } = await made.fit(digits.train, fit);
    const tested = await made.evaluate(digits.test);
    const sha256 = await made.weightsSha256();
    made.dispose();
    return { history, bestEpoch, tested, sha256 };
  };
  const runs = [];
  for (const learningRate of schedules) {
    const options = {
      optimizer: wasmgrad.adam({ learningRate }),
      loss: absolute,
      metrics: ["accuracy", top, sure, "meanSquaredError"],
    };
    const plain = model();
    await plain.compile(options);
    const modules = ["/test/browser/pages/mine.js"];
    const trained = [
      await results(plain),
      await results(await createTrainer(model(), { ...options, modules })),
    ];
    // The package's file as worker.
    if (runs.length === 0) {
      const workerUrl = "/dist/browser/worker.js";
      trained.push(await results(await createTrainer(model(), { ...options, modules, workerUrl })));
    }
    runs.push(trained);
  }
  const failures = [
    await failure(createTrainer(model(), { loss: absolute })),
    await failure(createTrainer(model(), { metrics: [sure] })),
    await failure(
      createTrainer(model(), {
        metrics: [{ ...sure, name: "other" }],
        modules: ["/test/browser/pages/mine.js"],
      }),
    ),
  ];
  return { runs, failures };
}

/** A run on a Trainer and the same run on a Sequential: hashes, histories, what both answer. */
export async function sameAsSequential() {
  const compile = {
    seed: 7,
    optimizer: wasmgrad.adamw({ learningRate: (step) => 0.002 / (1 + step / 10), globalClipNorm: 1 }),
  };
  const fit = {
    epochs: 3,
    batchSize: 32,
    validationSplit: 0.2,
    restoreBestWeights: "val_loss",
  };
  const more = { epochs: 5, initialEpoch: 3, batchSize: 50, validationData: digits.test, shuffle: false };
  const plain = model();
  await plain.compile({ ...compile, threads: 1 });
  const run = async (subject) => {
    const rates = [];
    const callbacks = { onEpochEnd: (info) => void rates.push(info.learningRate) };
    const first = await subject.fit(digits.train, { ...fit, callbacks });
    const second = await subject.fit(digits.train, { ...more, callbacks });
    return {
      rates,
      histories: [first, second].map(({ history, epoch, bestEpoch }) => ({ history, epoch, bestEpoch })),
      sha256: await subject.weightsSha256(),
      evaluation: await subject.evaluate(digits.test, { batchSize: 7 }),
      outputs: Array.from(await subject.predict(digits.test)),
      one: Array.from(await subject.predict(image)),
      weights: (await subject.getWeights()).map(({ name, shape, data }) => [name, [...shape], data[0]]),
      activations: (await subject.activations(image)).map((a) => [
        a.name,
        a.type,
        [...a.shape],
        a.data.at(-1),
      ]),
    };
  };
  const expected = await run(plain);
  plain.dispose();
  return { expected, actual: await withTrainer(compile, run) };
}

export async function info() {
  const one = await createTrainer(model(), { threads: 2 });
  const other = await createTrainer(model(), { threads: 2 });
  const result = [one.info, other.info, crossOriginIsolated];
  one.dispose();
  other.dispose();
  return result;
}

/** Pauses, looks at everything, resumes: the run ends at the weights of one that was left alone. */
export async function pausing() {
  const fit = { epochs: 6, batchSize: 16 };
  const undisturbed = await withTrainer({}, async (trainer) => {
    await trainer.fit(digits.train, fit);
    return trainer.weightsSha256();
  });
  return withTrainer({}, async (trainer) => {
    const states = [trainer.state];
    let batches = 0;
    const first = firstBatch();
    const count = { onBatchEnd: () => void batches++ };
    const history = trainer.fit(digits.train, { ...fit, callbacks: [first.callbacks, count] });
    states.push(trainer.state);
    await first.arrived;
    trainer.pause();
    states.push(trainer.state);
    const before = await trainer.weightsSha256();
    const batchesBefore = batches;
    const evaluation = await trainer.evaluate(digits.test);
    const outputs = await trainer.predict(image);
    const activations = await trainer.activations(image);
    await soon(150);
    const paused = {
      same: before === (await trainer.weightsSha256()),
      batches: batches - batchesBefore,
      loss: evaluation.loss,
      lastLayerIsOutput: activations.at(-1).data.every((value, i) => value === outputs[i]),
    };
    trainer.resume();
    states.push(trainer.state);
    const { stopped } = await history;
    states.push(trainer.state);
    return { states, paused, stopped, undisturbed, disturbed: await trainer.weightsSha256() };
  });
}

/** Requests while it trains are served between steps; stop() and a signal end training. */
export async function whileTraining() {
  return withTrainer({}, async (trainer) => {
    const first = firstBatch();
    const endless = { epochs: 10_000, batchSize: 16 };
    const fit = trainer.fit(digits.train, { ...endless, callbacks: first.callbacks });
    await first.arrived;
    // One image many times: rows that differ would show a step in between.
    const many = 200;
    const samples = { images: new Uint8Array(784 * many), count: many, shape: [28, 28, 1] };
    for (let i = 0; i < many; i++) samples.images.set(image, 784 * i);
    const outputs = await trainer.predict(samples, { batchSize: 1 });
    const rowsDiffer = outputs.findIndex((value, i) => value !== outputs[i % 10]);
    const { accuracy } = await trainer.evaluate(digits.test);
    const second = await failure(trainer.fit(digits.train));
    trainer.stop();
    const { stopped, epoch } = await fit;
    const abort = new AbortController();
    const again = trainer.fit(digits.train, { ...endless, signal: abort.signal });
    await soon(50);
    trainer.pause();
    await soon(20);
    abort.abort();
    const aborted = (await again).stopped;
    const gone = new AbortController();
    gone.abort(new Error("no more"));
    const evaluation = await failure(trainer.evaluate(digits.test, { signal: gone.signal }));
    return {
      rowsDiffer,
      accuracy,
      second,
      stopped,
      epochs: epoch.length,
      aborted,
      evaluation,
      state: trainer.state,
    };
  });
}

/** Which callbacks come, in order; training waits for them; what they throw ends it. */
export async function callbacks() {
  return withTrainer({}, async (trainer) => {
    const calls = [];
    const late = [];
    let lastBatches = 0;
    const recorder = {
      onTrainBegin: (info) => void calls.push(["begin", info]),
      onEpochBegin: (epoch) => void calls.push(["epoch", epoch]),
      onBatchEnd(info) {
        if (info.batch === 15) lastBatches++;
      },
      async onEpochEnd({ epoch, learningRate }, logs) {
        const before = await trainer.weightsSha256();
        await soon(30);
        // Training waits: nothing changed meanwhile, and the copy on the page is of this very epoch.
        const same = before === (await trainer.weightsSha256());
        const kept = trainer.lastWeights;
        const [own] = await trainer.getWeights();
        late.push({ same, kept: kept.epoch, equal: own.data.every((x, i) => x === kept.tensors[0].data[i]) });
        calls.push(["end", epoch, learningRate, Object.keys(logs).sort()]);
      },
      onTrainEnd: (history) => void calls.push(["done", history.epoch]),
    };
    await trainer.fit(digits.train, { epochs: 2, callbacks: recorder });
    const thrown = new Error("enough");
    const caught = [];
    for (const name of ["onBatchEnd", "onEpochEnd", "onTrainBegin"])
      await trainer
        .fit(digits.train, {
          epochs: 10_000,
          callbacks: {
            [name]() {
              throw thrown;
            },
          },
        })
        .catch((error) => caught.push(error === thrown));
    const after = await trainer.fit(digits.train);
    return { calls, late, lastBatches, caught, after: after.epoch, state: trainer.state };
  });
}

export async function trainables() {
  const use = async (trainable) => {
    const rates = [];
    const history = await trainable.fit(digits.train, {
      epochs: 6,
      validationSplit: 0.2,
      callbacks: [
        wasmgrad.learningRateScheduler((epoch, rate) => (epoch === 2 ? rate / 2 : rate)),
        wasmgrad.earlyStopping({ monitor: "val_loss", patience: 9, restoreBestWeights: true }),
        {
          onEpochEnd: async ({ epoch, learningRate }, _logs, training) => {
            rates.push(learningRate);
            const weights = await training.getWeights();
            if (epoch === 0)
              await training.setWeights(weights.map((w) => ({ ...w, data: w.data.map((v) => v / 2) })));
            if (epoch === 2) training.stop();
          },
        },
      ],
    });
    const { loss, accuracy } = await trainable.evaluate(digits.test);
    return {
      epochs: history.epoch.length,
      stopped: history.stopped,
      bestEpoch: history.bestEpoch,
      figures: history.history,
      rates,
      loss,
      accuracy,
      outputs: [...(await trainable.predict(image))],
      layers: (await trainable.activations(image)).map(({ name, data }) => [name, ...data.slice(0, 5)]),
      sha256: await trainable.weightsSha256(),
    };
  };
  const options = { threads: 1, seed: 3, optimizer: wasmgrad.adam({ learningRate: 0.01 }) };
  const own = model();
  await own.compile(options);
  const onPage = await use(own);
  own.dispose();
  return { onPage, inWorker: await withTrainer(options, use) };
}

/** What a training of `epochs` is given, here and in Node. */
const stateOptions = { seed: 5, optimizer: wasmgrad.adam({ learningRate: 0.01 }) };
const stateFit = (epochs) => ({ epochs, validationSplit: 0.2, restoreBestWeights: "val_loss" });

/** A state after two epochs and one from within the third, as files in hex. */
export async function states() {
  return withTrainer(stateOptions, async (trainer) => {
    const states = [];
    let training;
    await trainer.fit(digits.train, {
      ...stateFit(4),
      callbacks: {
        async onTrainBegin(_info, given) {
          training = given;
        },
        async onEpochEnd({ epoch }, _logs, training) {
          if (epoch === 1) states.push(await training.state());
        },
        async onBatchEnd({ epoch }) {
          if (epoch !== 2 || trainer.state !== "training" || states.length > 1) return;
          // As a button of a page's would: while it is paused.
          trainer.pause();
          states[1] = await training.state();
          trainer.resume();
        },
      },
    });
    const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return {
      states: states.map((state) => ({
        place: [state.epoch, state.batch],
        file: hex(wasmgrad.saveCheckpoint(state)),
      })),
      sha256: await trainer.weightsSha256(),
    };
  });
}

/** Goes on from states that Node gave, as files in hex. */
export async function goOn(files) {
  const ends = [];
  for (const file of files) {
    const bytes = Uint8Array.from(file.match(/../g), (byte) => Number.parseInt(byte, 16));
    ends.push(
      await withTrainer(stateOptions, async (trainer) => {
        const initialState = wasmgrad.loadCheckpoint(bytes);
        const { bestEpoch } = await trainer.fit(digits.train, { ...stateFit(4), initialState });
        return { bestEpoch, sha256: await trainer.weightsSha256() };
      }),
    );
  }
  return ends;
}

export async function errors() {
  const results = {};
  results.threads = await failure(createTrainer(model(), { threads: 0 }));
  results.backend = await failure(createTrainer(model(), { backend: "fast" }));
  results.optimizer = await failure(createTrainer(model(), { optimizer: "adamm" }));
  results.loss = await failure(createTrainer(sequential([dense({ units: 2, inputShape: [3] })])));
  results.option = await failure(createTrainer(model(), { worker_url: "worker.js" }));
  results.metric = await failure(createTrainer(model(), { metrics: ["f1"] }));
  await withTrainer({}, async (trainer) => {
    const { train } = digits;
    results.shape = await failure(trainer.fit({ ...train, shape: [14, 56, 1] }));
    results.split = await failure(trainer.fit(train, { validationSplit: 2 }));
    results.batchSize = await failure(trainer.fit(train, { batchSize: 0 }));
    results.options = [
      await failure(trainer.fit(train, { batch_size: 32 })),
      await failure(trainer.evaluate(train, { batch_size: 32 })),
      await failure(trainer.predict(train, { batch_size: 32 })),
      await failure(trainer.save({ class_names: [] })),
      await failure(trainer.fit(train, { callbacks: { on_epoch_end() {} } })),
    ];
    results.bytes = await failure(trainer.predict(new Uint8Array(100)));
    results.weights = await failure(trainer.setWeights((await trainer.getWeights()).slice(1)));
    results.image = await failure(trainer.activations(image.subarray(1)));
    results.state = trainer.state;
  });
  await withTrainer({ optimizer: wasmgrad.sgd({ learningRate: 1e30 }) }, async (trainer) => {
    const before = await trainer.weightsSha256();
    try {
      await trainer.fit(digits.train, { epochs: 3 });
    } catch (error) {
      results.diverged = { ...seen(error), epoch: error.epoch, batch: error.batch };
    }
    results.goodWeights = before === (await trainer.weightsSha256());
  });
  return results;
}

/** A picture that a canvas gives, read, prepared and asked about; and the report of the training, written in the page. */
export async function pictureAndReport() {
  return withTrainer({ seed: 3 }, async (trainer) => {
    const history = await trainer.fit(digits.train, { batchSize: 50, validationSplit: 0.2 });
    const canvas = new OffscreenCanvas(56, 56);
    const context = canvas.getContext("2d");
    const pixels = new Uint8ClampedArray(4 * 56 * 56).fill(255);
    for (let y = 0; y < 56; y++)
      for (let x = 0; x < 56; x++)
        pixels.fill(255 - image[(y >> 1) * 28 + (x >> 1)], 4 * (56 * y + x), 4 * (56 * y + x) + 3);
    context.putImageData(new ImageData(pixels, 56, 56), 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
    const picture = await wasmgrad.loadPicture(bytes);
    const metadata = { dataset: "digits" };
    const prepared = wasmgrad.preparePicture(picture, trainer.model.inputShape, { metadata });
    const report = await wasmgrad.createReport(trainer, { dataset: digits, history, title: "In a page" });
    const { inverted, centred, drawings } = prepared;
    const away = prepared.pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - image[i])), 0);
    return {
      prepared: { inverted, centred, drawings, close: away < 60 },
      outputs: (await trainer.predict(prepared.pixels)).length,
      title: /<title>(.*)<\/title>/.exec(report)[1],
      tested: report.includes(`${digits.test.count} images`) || report.includes(String(digits.test.count)),
      damaged: await failure(wasmgrad.loadPicture(bytes.subarray(0, 20))),
    };
  });
}

/** dispose() with calls under way, and afterwards. */
export async function disposing() {
  const trainer = await createTrainer(model(), { threads: 2 });
  const first = firstBatch();
  const fit = failure(trainer.fit(digits.train, { epochs: 10_000, callbacks: first.callbacks }));
  await first.arrived;
  const evaluation = failure(trainer.evaluate(digits.test));
  trainer.dispose();
  trainer.dispose();
  const results = {
    fit: await fit,
    evaluation: await evaluation,
    after: await failure(trainer.getWeights()),
  };
  return { ...results, state: trainer.state };
}

/** A model saved here is one that loadModel() reads: another trainer of it predicts the same. */
export async function saving() {
  return withTrainer({ seed: 3 }, async (trainer) => {
    await trainer.fit(digits.train, { batchSize: 50 });
    const bytes = await trainer.save({ classNames: digits.classNames, dataset: "digits" });
    const { model: loaded, metadata } = await wasmgrad.loadModel(bytes);
    const other = await createTrainer(loaded, { threads: 1 });
    const result = {
      bytes: bytes.length,
      same: (await other.weightsSha256()) === (await trainer.weightsSha256()),
      dataset: metadata.dataset,
      outputs: [Array.from(await trainer.predict(image)), Array.from(await other.predict(image))],
    };
    other.dispose();
    return result;
  });
}
