import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadDataset as loadInPage } from "../../src/browser/load-dataset.ts";
import type { TrainerOptions } from "../../src/browser/types.ts";
import * as api from "../../src/node.ts";
import { halves } from "../support/samples.ts";

// Every exported function that takes options refuses a misspelt one, and says which it is near to. A new export, or a new
// method of Sequential, fails here until it is listed: among those that check their options, or those that have none.

interface Taker {
  /** Every option that there is. */
  readonly names: readonly string[];
  /** Options without which the function would fail for another reason. */
  readonly needed?: object;
  /** Options beside which a call that is right ends soon. */
  readonly quick?: object;
  /** What a misspelt option holds. Default: a number. */
  readonly value?: unknown;
  call(options: never): unknown;
}

/** All names of an options type: the compiler holds the list to it. */
function names<Options>(list: Readonly<Record<keyof Options, true>>): string[] {
  return Object.keys(list);
}

const layer = { name: true, inputShape: true, trainable: true } as const;
const weights = {
  activation: true,
  useBias: true,
  kernelInitializer: true,
  biasInitializer: true,
  kernelRegularizer: true,
  biasRegularizer: true,
  activityRegularizer: true,
  kernelConstraint: true,
  biasConstraint: true,
} as const;
const pooling = names<api.Pooling2dOptions>({ ...layer, poolSize: true, strides: true, padding: true });
const plain = names<api.LayerOptions>(layer);
const common = {
  learningRate: true,
  weightDecay: true,
  excludeFromWeightDecay: true,
  useEma: true,
  emaMomentum: true,
  emaOverwriteFrequency: true,
  gradientAccumulationSteps: true,
  clipNorm: true,
  globalClipNorm: true,
  clipValue: true,
} as const;
const adam = names<api.AdamOptions>({ ...common, beta1: true, beta2: true, epsilon: true });
const digits = { train: true, test: true, seed: true, wasm: true } as const;
const download = {
  signal: true,
  onProgress: true,
  mirrors: true,
  fetch: true,
  stallTimeoutMs: true,
  retryDelayMs: true,
} as const;
const pictures = {
  imageSize: true,
  colorMode: true,
  interpolation: true,
  resize: true,
  skipBad: true,
  testSplit: true,
} as const;
const load = names<api.LoadOptions>({
  ...download,
  ...digits,
  digits: true,
  onNotice: true,
  dataDir: true,
  stream: true,
  offline: true,
  cacheDir: true,
  storage: true,
  workerUrl: true,
  ...pictures,
});
const compile = {
  optimizer: true,
  loss: true,
  lossWeights: true,
  metrics: true,
  backend: true,
  threads: true,
  maxMemory: true,
  wasm: true,
  seed: true,
  weights: true,
  preprocessing: true,
} as const;
const crossentropy = names<api.CrossentropyOptions>({ labelSmoothing: true, fromLogits: true });
const focal = { labelSmoothing: true, fromLogits: true, alpha: true, gamma: true } as const;
const answers = names<api.AnswersOptions>({ threshold: true, topK: true, classId: true, name: true });
const runOptions = {
  dataset: true,
  targets: true,
  model: true,
  epochs: true,
  batchSize: true,
  recipe: true,
  optimizer: true,
  loss: true,
  validationSplit: true,
  validationFrom: true,
  seed: true,
  backend: true,
  threads: true,
  classWeight: true,
  shuffle: true,
  preprocessing: true,
  restoreBest: true,
  dataDir: true,
  stream: true,
  trainLimit: true,
  testLimit: true,
  digitsCount: true,
  digitsTestCount: true,
  maxMemory: true,
  callbacks: true,
  from: true,
  base: true,
  cut: true,
  freeze: true,
  head: true,
  checkpointEvery: true,
  ...pictures,
} as const;
const fit = names<api.FitOptions>({
  epochs: true,
  batchSize: true,
  validationSplit: true,
  validationFrom: true,
  validationData: true,
  shuffle: true,
  initialEpoch: true,
  restoreBestWeights: true,
  sampleWeight: true,
  classWeight: true,
  callbacks: true,
  initialState: true,
  signal: true,
});
const evaluate = names<api.EvaluateOptions>({ batchSize: true, sampleWeight: true, signal: true });
const predict = names<api.PredictOptions>({ batchSize: true, signal: true });

const few = { train: 1, test: 1 };
const samples = halves(8, 1);
const layers = [api.flatten({ inputShape: [6, 6, 1] }), api.dense({ units: 2, activation: "softmax" })];
const model = api.sequential(layers);
const image = api.input({ shape: [3] });
const branch = { inputs: image, outputs: api.dense({ units: 2 }).apply(image) };
const picture = api.pictureOf({ width: 1, height: 1, data: new Uint8Array(4) });

const TAKERS: Readonly<Record<string, Taker>> = {
  conv2d: {
    names: names<api.Conv2dOptions>({
      ...layer,
      ...weights,
      filters: true,
      kernelSize: true,
      strides: true,
      padding: true,
      dilationRate: true,
      groups: true,
    }),
    needed: { filters: 2, kernelSize: 3 },
    call: api.conv2d,
  },
  dense: {
    names: names<api.DenseOptions>({ ...layer, ...weights, units: true }),
    needed: { units: 2 },
    call: api.dense,
  },
  l1: { names: names<Pick<api.L1L2Options, "l1">>({ l1: true }), call: api.l1 },
  l2: { names: names<Pick<api.L1L2Options, "l2">>({ l2: true }), call: api.l2 },
  l1l2: { names: names<api.L1L2Options>({ l1: true, l2: true }), call: api.l1l2 },
  maxNorm: { names: names<api.MaxNormOptions>({ maxValue: true, axis: true }), call: api.maxNorm },
  minMaxNorm: {
    names: names<api.MinMaxNormOptions>({ minValue: true, maxValue: true, rate: true, axis: true }),
    call: api.minMaxNorm,
  },
  unitNorm: { names: names<api.UnitNormOptions>({ axis: true }), call: api.unitNorm },
  constant: { names: names<api.ConstantOptions>({ value: true }), needed: { value: 1 }, call: api.constant },
  maxPooling2d: { names: pooling, call: api.maxPooling2d },
  averagePooling2d: { names: pooling, call: api.averagePooling2d },
  batchNormalization: {
    names: names<api.BatchNormalizationOptions>({
      ...layer,
      momentum: true,
      epsilon: true,
      center: true,
      scale: true,
      betaInitializer: true,
      gammaInitializer: true,
      movingMeanInitializer: true,
      movingVarianceInitializer: true,
    }),
    call: api.batchNormalization,
  },
  randomFlip: {
    names: names<api.RandomFlipOptions>({ ...layer, mode: true }),

    call: api.randomFlip,
  },
  randomTranslation: {
    names: names<api.RandomTranslationOptions>({
      ...layer,
      heightFactor: true,
      widthFactor: true,
      fillMode: true,
      interpolation: true,
      fillValue: true,
    }),
    needed: { heightFactor: 0.1, widthFactor: 0.1 },
    call: api.randomTranslation,
  },
  randomRotation: {
    names: names<api.RandomRotationOptions>({
      ...layer,
      factor: true,
      fillMode: true,
      interpolation: true,
      fillValue: true,
    }),
    needed: { factor: 0.1 },
    call: api.randomRotation,
  },
  randomZoom: {
    names: names<api.RandomZoomOptions>({
      ...layer,
      heightFactor: true,
      widthFactor: true,
      fillMode: true,
      interpolation: true,
      fillValue: true,
    }),
    needed: { heightFactor: 0.1 },
    call: api.randomZoom,
  },
  randomCrop: {
    names: names<api.RandomCropOptions>({ ...layer, height: true, width: true }),
    needed: { height: 4, width: 4 },
    call: api.randomCrop,
  },
  randomContrast: {
    names: names<api.RandomContrastOptions>({ ...layer, factor: true, valueRange: true }),
    needed: { factor: 0.1 },
    call: api.randomContrast,
  },
  randomBrightness: {
    names: names<api.RandomBrightnessOptions>({ ...layer, factor: true, valueRange: true }),
    needed: { factor: 0.1 },
    call: api.randomBrightness,
  },
  randomErasing: {
    names: names<api.RandomErasingOptions>({
      ...layer,
      factor: true,
      scale: true,
      fillValue: true,
      valueRange: true,
    }),

    call: api.randomErasing,
  },
  mixUp: {
    names: names<api.MixUpOptions>({ ...layer, alpha: true }),

    call: api.mixUp,
  },
  cutMix: {
    names: names<api.CutMixOptions>({ ...layer, factor: true }),

    call: api.cutMix,
  },
  depthwiseConv2d: {
    names: names<api.DepthwiseConv2dOptions>({
      ...layer,
      kernelSize: true,
      strides: true,
      padding: true,
      depthMultiplier: true,
      dilationRate: true,
      depthwiseInitializer: true,
      depthwiseRegularizer: true,
      depthwiseConstraint: true,
      biasRegularizer: true,
      activityRegularizer: true,
      biasConstraint: true,
      activation: true,
      useBias: true,
      biasInitializer: true,
    }),
    needed: { kernelSize: 3 },
    call: api.depthwiseConv2d,
  },
  separableConv2d: {
    names: names<api.SeparableConv2dOptions>({
      ...layer,
      filters: true,
      pointwiseInitializer: true,
      pointwiseRegularizer: true,
      pointwiseConstraint: true,
      kernelSize: true,
      strides: true,
      padding: true,
      depthMultiplier: true,
      dilationRate: true,
      depthwiseInitializer: true,
      depthwiseRegularizer: true,
      depthwiseConstraint: true,
      biasRegularizer: true,
      activityRegularizer: true,
      biasConstraint: true,
      activation: true,
      useBias: true,
      biasInitializer: true,
    }),
    needed: { filters: 2, kernelSize: 3 },
    call: api.separableConv2d,
  },
  conv2dTranspose: {
    names: names<api.Conv2dTransposeOptions>({
      ...layer,
      ...weights,
      filters: true,
      kernelSize: true,
      strides: true,
      padding: true,
      outputPadding: true,
      dilationRate: true,
    }),
    needed: { filters: 2, kernelSize: 3 },
    call: api.conv2dTranspose,
  },
  layerNormalization: {
    names: names<api.LayerNormalizationOptions>({
      ...layer,
      axis: true,
      epsilon: true,
      center: true,
      scale: true,
      betaInitializer: true,
      gammaInitializer: true,
    }),
    call: api.layerNormalization,
  },
  groupNormalization: {
    names: names<api.GroupNormalizationOptions>({
      ...layer,
      groups: true,
      epsilon: true,
      center: true,
      scale: true,
      betaInitializer: true,
      gammaInitializer: true,
    }),
    call: api.groupNormalization,
  },
  globalAveragePooling2d: {
    names: names<api.GlobalPooling2dOptions>({ ...layer, keepdims: true }),
    call: api.globalAveragePooling2d,
  },
  globalMaxPooling2d: {
    names: names<api.GlobalPooling2dOptions>({ ...layer, keepdims: true }),
    call: api.globalMaxPooling2d,
  },
  globalAveragePooling1d: {
    names: names<api.GlobalPooling1dOptions>({ ...layer, keepdims: true }),
    call: api.globalAveragePooling1d,
  },
  globalMaxPooling1d: {
    names: names<api.GlobalPooling1dOptions>({ ...layer, keepdims: true }),
    call: api.globalMaxPooling1d,
  },
  conv1d: {
    names: names<api.Conv1dOptions>({
      ...layer,
      ...weights,
      filters: true,
      kernelSize: true,
      strides: true,
      padding: true,
      dilationRate: true,
    }),
    needed: { filters: 2, kernelSize: 3 },
    call: api.conv1d,
  },
  maxPooling1d: {
    names: names<api.Pooling1dOptions>({ ...layer, poolSize: true, strides: true, padding: true }),
    call: api.maxPooling1d,
  },
  averagePooling1d: {
    names: names<api.Pooling1dOptions>({ ...layer, poolSize: true, strides: true, padding: true }),
    call: api.averagePooling1d,
  },
  relu: {
    names: names<api.ReluOptions>({ ...layer, maxValue: true, negativeSlope: true, threshold: true }),
    call: api.relu,
  },
  prelu: {
    names: names<api.PreluOptions>({ ...layer, alphaInitializer: true, sharedAxes: true }),
    call: api.prelu,
  },
  softmax: { names: plain, call: api.softmax },
  reshape: {
    names: names<api.ReshapeOptions>({ ...layer, targetShape: true }),
    needed: { targetShape: [-1] },
    call: api.reshape,
  },
  permute: {
    names: names<api.PermuteOptions>({ ...layer, dims: true }),
    needed: { dims: [2, 1] },
    call: api.permute,
  },
  zeroPadding2d: {
    names: names<api.ZeroPadding2dOptions>({ ...layer, padding: true }),
    call: api.zeroPadding2d,
  },
  cropping2d: { names: names<api.Cropping2dOptions>({ ...layer, cropping: true }), call: api.cropping2d },
  upSampling2d: {
    names: names<api.UpSampling2dOptions>({ ...layer, size: true, interpolation: true }),
    call: api.upSampling2d,
  },
  spatialDropout2d: {
    names: names<api.SpatialDropout2dOptions>({ ...layer, rate: true }),
    needed: { rate: 0.5 },
    call: api.spatialDropout2d,
  },
  gaussianNoise: {
    names: names<api.GaussianNoiseOptions>({ ...layer, stddev: true }),
    needed: { stddev: 0.5 },
    call: api.gaussianNoise,
  },
  gaussianDropout: {
    names: names<api.GaussianDropoutOptions>({ ...layer, rate: true }),
    needed: { rate: 0.5 },
    call: api.gaussianDropout,
  },
  rescaling: {
    names: names<api.RescalingOptions>({ ...layer, scale: true, offset: true }),
    needed: { scale: 2 },
    call: api.rescaling,
  },
  normalization: {
    names: names<api.NormalizationOptions>({ ...layer, mean: true, variance: true }),
    needed: { mean: 0, variance: 1 },
    call: api.normalization,
  },
  adapt: {
    names: names<api.AdaptOptions>({ preprocessing: true }),
    call: (options) => api.adapt(samples, options),
  },
  "adapt, preprocessing": {
    names: ["scale", "offset"],
    needed: { scale: 1, offset: 0 },
    call: (preprocessing) => api.adapt(samples, { preprocessing }),
  },
  subtract: { names: plain, call: api.subtract },
  average: { names: plain, call: api.average },
  maximum: { names: plain, call: api.maximum },
  minimum: { names: plain, call: api.minimum },
  flatten: { names: plain, call: api.flatten },
  dropout: {
    names: names<api.DropoutOptions>({ ...layer, rate: true }),
    needed: { rate: 0.5 },
    call: api.dropout,
  },
  activation: {
    names: names<api.ActivationOptions>({ ...layer, activation: true }),
    needed: { activation: "relu" },
    call: api.activation,
  },
  leakyRelu: { names: names<api.LeakyReluOptions>({ ...layer, alpha: true }), call: api.leakyRelu },
  add: { names: plain, call: api.add },
  multiply: { names: plain, call: api.multiply },
  concatenate: { names: names<api.ConcatenateOptions>({ ...layer, axis: true }), call: api.concatenate },
  input: {
    names: names<api.InputOptions>({ shape: true, name: true }),
    needed: { shape: [2, 2, 1] },
    call: api.input,
  },
  model: {
    names: names<api.FunctionalOptions>({ inputs: true, outputs: true, name: true }),
    needed: branch,
    call: api.model,
  },
  elu: { names: names<api.EluOptions>({ ...layer, alpha: true }), call: api.elu },
  sgd: {
    names: names<api.SgdOptions>({ ...common, momentum: true, nesterov: true }),
    call: api.sgd,
  },
  rmsprop: {
    names: names<api.RmspropOptions>({
      ...common,
      rho: true,
      momentum: true,
      epsilon: true,
      centered: true,
    }),
    call: api.rmsprop,
  },
  adam: { names: adam, call: api.adam },
  adagrad: {
    names: names<api.AdagradOptions>({ ...common, initialAccumulatorValue: true, epsilon: true }),
    call: api.adagrad,
  },
  adadelta: {
    names: names<api.AdadeltaOptions>({ ...common, rho: true, epsilon: true }),
    call: api.adadelta,
  },
  adamax: { names: adam, call: api.adamax },
  nadam: { names: adam, call: api.nadam },
  lion: { names: names<api.LionOptions>({ ...common, beta1: true, beta2: true }), call: api.lion },
  adamw: { names: adam, call: api.adamw },
  createOptimizer: { names: adam, call: (options) => api.createOptimizer("adam", options) },
  oneCycle: {
    names: names<api.OneCycleOptions>({ peak: true, steps: true, warmUp: true, start: true }),
    needed: { peak: 1, steps: 1 },
    call: api.oneCycle,
  },
  checkRunConfig: { names: names<api.RunOptions>(runOptions), call: api.checkRunConfig },
  run: {
    names: names<api.RunOptions>(runOptions),
    quick: { dataset: "nowhere" },
    call: (options) => api.run(options),
  },
  "run, hooks": {
    names: names<api.RunHooks>({
      dataset: true,
      load: true,
      workerUrl: true,
      signal: true,
      onLoading: true,
      onNotice: true,
      onBuilt: true,
      onReady: true,
      callbacks: true,
      from: true,
      base: true,
      onCheckpoint: true,
      resume: true,
      onTrained: true,
    }),
    quick: { signal: AbortSignal.abort() },
    call: (hooks) => api.run({}, hooks),
  },
  exponentialDecay: {
    names: names<api.ExponentialDecayOptions>({
      initialLearningRate: true,
      decaySteps: true,
      decayRate: true,
      staircase: true,
    }),
    needed: { initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 },
    call: api.exponentialDecay,
  },
  cosineDecay: {
    names: names<api.CosineDecayOptions>({
      initialLearningRate: true,
      decaySteps: true,
      alpha: true,
      warmupTarget: true,
      warmupSteps: true,
    }),
    needed: { initialLearningRate: 1, decaySteps: 1 },
    call: api.cosineDecay,
  },
  constantRate: {
    names: names<api.ConstantRateOptions>({ learningRate: true }),
    needed: { learningRate: 1 },
    call: api.constantRate,
  },
  stepDecay: {
    names: names<api.StepDecayOptions>({ initialLearningRate: true, decaySteps: true, decayRate: true }),
    needed: { initialLearningRate: 1, decaySteps: 1 },
    call: api.stepDecay,
  },
  polynomialDecay: {
    names: names<api.PolynomialDecayOptions>({
      initialLearningRate: true,
      decaySteps: true,
      endLearningRate: true,
      power: true,
      cycle: true,
    }),
    needed: { initialLearningRate: 1, decaySteps: 1 },
    call: api.polynomialDecay,
  },
  inverseTimeDecay: {
    names: names<api.InverseTimeDecayOptions>({
      initialLearningRate: true,
      decaySteps: true,
      decayRate: true,
      staircase: true,
    }),
    needed: { initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 },
    call: api.inverseTimeDecay,
  },
  cosineDecayRestarts: {
    names: names<api.CosineDecayRestartsOptions>({
      initialLearningRate: true,
      firstDecaySteps: true,
      tMul: true,
      mMul: true,
      alpha: true,
    }),
    needed: { initialLearningRate: 1, firstDecaySteps: 1 },
    call: api.cosineDecayRestarts,
  },
  warmUp: {
    names: names<api.WarmUpOptions>({ warmupSteps: true, initialLearningRate: true, schedule: true }),
    needed: { warmupSteps: 1, schedule: 1 },
    call: api.warmUp,
  },
  piecewiseConstantDecay: {
    names: names<api.PiecewiseConstantDecayOptions>({ boundaries: true, values: true }),
    needed: { boundaries: [1], values: [1, 2] },
    call: api.piecewiseConstantDecay,
  },
  topKCategoricalAccuracy: {
    names: names<api.TopKOptions>({ k: true, name: true }),
    call: api.topKCategoricalAccuracy,
  },
  binaryAccuracy: {
    names: names<api.BinaryAccuracyOptions>({ threshold: true, name: true }),
    call: api.binaryAccuracy,
  },
  precision: { names: answers, call: api.precision },
  recall: { names: answers, call: api.recall },
  f1Score: {
    names: names<api.F1Options>({ average: true, threshold: true, name: true }),
    call: api.f1Score,
  },
  auc: {
    names: names<api.AucOptions>({
      numThresholds: true,
      curve: true,
      summationMethod: true,
      multiLabel: true,
      name: true,
    }),
    call: api.auc,
  },
  defineLayer: {
    names: ["type", "options", "merges", "lower"],
    needed: { type: "mine", lower: (_graph: unknown, _name: string, [input]: [unknown]) => input },
    call: api.defineLayer,
  },
  categoricalCrossentropy: { names: crossentropy, call: api.categoricalCrossentropy },
  sparseCategoricalCrossentropy: { names: crossentropy, call: api.sparseCategoricalCrossentropy },
  binaryCrossentropy: { names: crossentropy, call: api.binaryCrossentropy },
  categoricalFocalCrossentropy: {
    names: names<api.CategoricalFocalOptions>(focal),
    call: api.categoricalFocalCrossentropy,
  },
  binaryFocalCrossentropy: {
    names: names<api.BinaryFocalOptions>({ ...focal, applyClassBalancing: true }),
    call: api.binaryFocalCrossentropy,
  },
  huber: { names: names<api.HuberOptions>({ delta: true }), call: api.huber },
  defineLoss: {
    names: names<api.LossDefinition>({ name: true, takes: true, metrics: true, compute: true }),
    needed: { name: "mine", compute() {} },
    call: api.defineLoss,
  },
  defineMetric: {
    names: names<api.MetricDefinition>({
      name: true,
      accumulators: true,
      better: true,
      update: true,
      value: true,
    }),
    needed: { name: "mine", update() {} },
    call: api.defineMetric,
  },
  defineSchedule: {
    names: ["name", "rate"],
    needed: { name: "mine", rate: () => 1 },
    call: api.defineSchedule,
  },
  generateDigits: { names: names<api.DigitsOptions>(digits), quick: few, call: api.generateDigits },
  loadDataset: { names: load, quick: few, call: (options) => api.loadDataset("digits", options) },
  "loadDataset in a page": { names: load, quick: few, call: (options) => loadInPage("digits", options) },
  "loadDataset, digits": {
    names: names<api.DigitsOptions>(digits),
    quick: few,
    call: (digits) => api.loadDataset("digits", { digits }),
  },
  saveNpz: {
    names: names<api.SaveNpzOptions>({ compress: true }),
    call: (options) => api.saveNpz({ train: halves(4, 1) }, options),
  },
  imageDatasetFromDirectory: {
    names: names<api.ImageDirectoryOptions>({
      classNames: true,
      colorMode: true,
      imageSize: true,
      interpolation: true,
      cropToAspectRatio: true,
      padToAspectRatio: true,
      validationSplit: true,
      subset: true,
      seed: true,
      followLinks: true,
      skipBad: true,
      stream: true,
      signal: true,
      onProgress: true,
    }),
    quick: { signal: AbortSignal.abort() },
    call: (options) => api.imageDatasetFromDirectory("nowhere", options),
  },
  imageDatasetFromFiles: {
    names: names<api.ImageFilesOptions>({
      classNames: true,
      colorMode: true,
      imageSize: true,
      interpolation: true,
      cropToAspectRatio: true,
      padToAspectRatio: true,
      validationSplit: true,
      subset: true,
      seed: true,
      skipBad: true,
      signal: true,
      onProgress: true,
    }),
    quick: { signal: AbortSignal.abort() },
    call: (options) => api.imageDatasetFromFiles([], options),
  },
  samplesFrom: {
    names: names<api.SamplesFromOptions>({
      shape: true,
      classNames: true,
      pixels: true,
      imageSize: true,
      colorMode: true,
      interpolation: true,
      resize: true,
    }),
    call: (options) => api.samplesFrom([[[0, 1]]], [0], options),
  },
  predictPicture: {
    names: names<api.PredictPictureOptions>({ metadata: true, invert: true, center: true, top: true }),
    call: (options) => api.predictPicture(model, picture, options),
  },
  downloadFile: {
    names: names<api.DownloadOptions>(download),
    quick: { signal: AbortSignal.abort() },
    call: (options) => api.downloadFile(api.DATASETS.mnist!, "trainImages", options),
  },
  gunzip: {
    names: names<api.GunzipOptions>({ maxBytes: true, promisedBytes: true, source: true }),
    needed: { maxBytes: 1 },
    call: (options) => api.gunzip(new Uint8Array(), options),
  },
  sequential: { names: ["name"], call: (options) => api.sequential(layers, options) },
  Sequential: { names: ["name"], call: (options) => new api.Sequential(layers, options) },
  transferModel: {
    names: names<api.TransferOptions>({ cut: true, freeze: true, inputShape: true, head: true, name: true }),
    needed: { head: [2] },
    call: (options) => api.transferModel(model, options),
  },
  saveModel: {
    names: names<api.ModelMetadata>({
      preprocessing: true,
      classNames: true,
      loss: true,
      lossWeights: true,
      targets: true,
      range: true,
      dataset: true,
      background: true,
      centred: true,
      pictures: true,
    }),
    call: (options) => api.saveModel(model, options),
  },
  "saveModel, preprocessing": {
    names: ["scale", "offset"],
    needed: { scale: 1, offset: 0 },
    call: (preprocessing) => api.saveModel(model, { preprocessing }),
  },
  "saveModel, pictures": {
    names: ["interpolation", "resize"],
    call: (pictures) => api.saveModel(model, { pictures }),
  },
  loadModel: {
    names: names<api.LoadModelOptions>({
      maxMemory: true,
      model: true,
      names: true,
      inputShape: true,
      preprocessing: true,
      classNames: true,
      onWarning: true,
    }),
    call: (options) => api.loadModel(new Uint8Array(8), options),
  },
  modelCard: {
    names: names<api.CardOptions>({ format: true, file: true, run: true, version: true }),
    needed: { format: "npz", file: "m.npz" },
    call: (options) => api.modelCard(model, options as unknown as api.CardOptions),
  },
  exportModel: {
    names: names<api.ExportOptions>({
      format: true,
      name: true,
      weights: true,
      kerasVersion: true,
      metadata: true,
      onWarning: true,
    }),
    needed: { format: "npz" },
    call: (options) => api.exportModel(model, options as unknown as api.ExportOptions),
  },
  createReport: {
    names: names<api.ReportOptions>({
      dataset: true,
      history: true,
      title: true,
      configuration: true,
      machine: true,
    }),
    call: (options) => api.createReport(model, options),
  },
  preparePicture: {
    names: names<api.PrepareOptions>({ metadata: true, invert: true, center: true }),
    call: (options) => api.preparePicture(picture, [28, 28, 1], options),
  },
  createTrainer: {
    names: names<TrainerOptions>({ ...compile, workerUrl: true, modules: true }),
    call: (options) => api.createTrainer(model, options),
  },
  "createTrainer, preprocessing": {
    names: ["scale", "offset"],
    call: (preprocessing) => api.createTrainer(model, { preprocessing }),
  },
  "Sequential.compile": {
    names: names<api.CompileOptions>(compile),
    call: (options) => model.compile(options),
  },
  "Sequential.compile, preprocessing": {
    names: ["scale", "offset"],
    call: (preprocessing) => model.compile({ preprocessing }),
  },
  "Sequential.fit": { names: fit, call: (options) => model.fit(samples, options) },
  "Sequential.training": { names: fit, call: (options) => model.training(samples, options) },
  "Sequential.fit, samples": {
    names: names<api.Samples>({
      images: true,
      count: true,
      shape: true,
      labels: true,
      targets: true,
      weights: true,
    }),
    needed: samples,
    call: (given) => model.fit(given),
  },
  "Sequential.fit, callbacks": {
    // state and restore may be any object's own methods, misspelt: those are not refused.
    names: names<Omit<api.Callbacks, "state" | "restore">>({
      onWarning: true,
      onTrainBegin: true,
      onEpochBegin: true,
      onBatchEnd: true,
      onEpochEnd: true,
      onTrainEnd: true,
    }),
    value: () => {},
    call: (callbacks) => model.fit(samples, { callbacks }),
  },
  earlyStopping: {
    names: names<api.EarlyStoppingOptions>({
      monitor: true,
      mode: true,
      minDelta: true,
      patience: true,
      baseline: true,
      restoreBestWeights: true,
      startFromEpoch: true,
    }),
    call: api.earlyStopping,
  },
  backupAndRestore: {
    names: names<api.BackupAndRestoreOptions>({
      name: true,
      everySeconds: true,
      deleteCheckpoint: true,
      beside: true,
      onNotice: true,
    }),
    call: api.backupAndRestore,
  },
  modelCheckpoint: {
    names: names<api.ModelCheckpointOptions>({
      save: true,
      everyEpochs: true,
      saveBestOnly: true,
      saveWeightsOnly: true,
      monitor: true,
      mode: true,
    }),
    needed: { save() {} },
    call: api.modelCheckpoint,
  },
  reduceLROnPlateau: {
    names: names<api.ReduceLROnPlateauOptions>({
      monitor: true,
      mode: true,
      factor: true,
      patience: true,
      minDelta: true,
      cooldown: true,
      minLr: true,
    }),
    call: api.reduceLROnPlateau,
  },
  terminateOnNaN: { names: names<api.TerminateOnNaNOptions>({ raiseError: true }), call: api.terminateOnNaN },
  csvLogger: {
    names: names<api.CsvLoggerOptions>({ separator: true, append: true }),
    call: (options) => api.csvLogger("log.csv", options),
  },
  tensorBoard: {
    names: names<api.TensorBoardOptions>({
      logDir: true,
      histogramFreq: true,
      writeGraph: true,
      writeImages: true,
      writeStepsPerSecond: true,
      updateFreq: true,
    }),
    call: api.tensorBoard,
  },
  "Sequential.evaluate": { names: evaluate, call: (options) => model.evaluate(samples, options) },
  "Sequential.predict": { names: predict, call: (options) => model.predict(samples, options) },
};

/** Functions and classes whose arguments hold no options. */
const WITHOUT = [
  "CheckpointError",
  "learningRateScheduler",
  "loadCheckpoint",
  "saveCheckpoint",
  "optimizerState",
  "setOptimizerState",
  "DataError",
  "Model",
  "modelFromConfig",
  "createModel",
  "scheduleFromConfig",
  "nonNeg",
  "MemoryError",
  "ModelError",
  "ModelFileError",
  "RunConfigError",
  "NonFiniteError",
  "PictureError",
  "SafetensorsError",
  "SamplesError",
  "TrainingDivergedError",
  "assembleDataset",
  "balancedClassWeights",
  "readPicture",
  "writeReport",
  "checkLabels",
  "decodeSafetensors",
  "defaultCacheDir",
  "encodeIdxImages",
  "encodeIdxLabels",
  "encodeSafetensors",
  "findDataset",
  "idxBytes",
  "isGzip",
  "layersFromConfig",
  "loadFolder",
  "loadPicture",
  "maxDownloadBytes",
  "namedModel",
  "numberedClasses",
  "pairUp",
  "parseIdxImages",
  "parseIdxLabels",
  "pictureOf",
  "readIdxPair",
  "sha256",
  "splitValidation",
  "take",
  "unpackIdx",
  "verifyFile",
  "Sequential.activations",
  "Sequential.setTrainable",
  "Sequential.countParams",
  "Sequential.dispose",
  "Sequential.getWeights",
  "Sequential.parts",
  "Sequential.setWeights",
  "Sequential.summary",
  "Sequential.toConfig",
  "Sequential.weightsSha256",
];

async function messageOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}

/** A slip of the finger, another convention, or any name at all. */
function wrongNames(known: readonly string[], anyName: boolean): fc.Arbitrary<string> {
  const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz");
  const slip = fc
    .tuple(fc.constantFrom(...known), fc.nat(), letter, fc.constantFrom("drop", "swap", "insert", "snake"))
    .map(([name, at, other, kind]) => {
      const i = at % (name.length - 1);
      const [before, rest] = [name.slice(0, i), name.slice(i)];
      if (kind === "drop") return before + rest.slice(1);
      if (kind === "swap") return before + rest[1] + rest[0] + rest.slice(2);
      if (kind === "insert") return before + other + rest;
      return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    });
  return (anyName ? fc.oneof(slip, fc.string({ minLength: 1 }), fc.constant("__proto__")) : slip).filter(
    (name) => !known.includes(name),
  );
}

beforeAll(() => model.compile({ threads: 1 }));
afterAll(() => model.dispose());

describe.each(Object.entries(TAKERS))("%s", (what, { names: known, needed = {}, quick, value = 1, call }) => {
  // Callbacks may have methods of their own, by names that are near to none of the hooks.
  const anyName = !what.endsWith("callbacks");

  test("refuses a misspelt option", async () => {
    await fc.assert(
      fc.asyncProperty(wrongNames(known, anyName), async (name) => {
        const options = Object.defineProperty({ ...needed }, name, { value, enumerable: true });
        const message = await messageOf(() => call(options as never));
        const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
        expect(message).toMatch(/no (option|callback) is called /);
        expect(message).toContain(`is called ${shown}: `);
      }),
      { numRuns: 60 },
    );
  });

  test("names the right one where only the convention differs", async () => {
    for (const name of known) {
      const snake = `${name.replace(/[A-Z0-9]/g, (capital) => `_${capital.toLowerCase()}`)}_`;
      const message = await messageOf(() => call({ ...needed, [snake]: value } as never));
      expect(message).toContain(`is called "${snake}": did you mean ${name}? Write: `);
    }
  });

  test("takes undefined for every option as it takes none of them", async () => {
    const undefineds = Object.fromEntries(known.map((name) => [name, undefined]));
    const given = { ...needed, ...quick };
    const message = await messageOf(() => call({ ...undefineds, ...given } as never));
    expect(message).toBe(await messageOf(() => call(given as never)));
  });

  test("takes an object of options, and nothing else", async () => {
    if (what.includes(",")) return; // inside of options, or no options
    const others = [new Uint8Array(3), new Map([["a", 1]]), new Set(["a"]), new Date(0), /a/, new URL("a:b")];
    for (const wrong of [null, 3, "a", [], () => {}, ...others]) {
      const message = await messageOf(() => call(wrong as never));
      expect(message).toMatch(/: got .*, expected an object of options/);
    }
  });
});

test("a count that is undefined among the digits' options leaves that beside them", async () => {
  const { train, test } = await api.loadDataset("digits", {
    train: 3,
    test: 2,
    digits: { train: undefined, test: undefined },
  });
  expect([train.count, test.count]).toEqual([3, 2]);
});

test("every export is listed: with its options, or as one that has none", () => {
  const exported = Object.entries(api)
    .filter(([, value]) => typeof value === "function")
    .map(([name]) => name);
  const own = Object.getOwnPropertyDescriptors(api.Sequential.prototype);
  const inherited = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(api.Sequential.prototype));
  const methods = Object.entries({ ...inherited, ...own })
    .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
    .map(([name]) => `Sequential.${name}`);
  const listed = [...Object.keys(TAKERS), ...WITHOUT].filter((name) => !/[ ,]/.test(name));
  expect(listed.sort()).toEqual([...exported, ...methods].sort());
});

test("what a model's file holds is no option of a model's", () => {
  for (const make of [
    api.sequential,
    (own: typeof layers, options: object) => new api.Sequential(own, options),
  ])
    expect(() => make(layers, { loaded: { tensors: [] } } as never)).toThrow(
      /^sequential: no option is called "loaded": expected name$/,
    );
});
