// What users of other frameworks, and of the command line, call things: so that a wrong name is answered with the right one. Whoever
// imports this module has it known.
import { knowOtherNames, type OtherNames, type Others } from "./names.ts";

/** Bare, see names.ts; only where spelling alone does not tell. */
const others: Others = {
  accuracy: "acc",
  alpha: "negativeslope",
  averagePooling2d: "avgpool2d",
  batchNormalization: "batchnorm batchnorm1d batchnorm2d",
  batchSize: "bs batch",
  binaryCrossentropy: "bce",
  categoricalCrossentropy: "crossentropy",
  concatenate: "cat concat",
  dense: "linear",
  dilationRate: "dilation",
  epsilon: "eps",
  filters: "outchannels",
  globalAveragePooling2d: "globalavgpool2d",
  images: "x",
  kernelSize: "kernel",
  labels: "y",
  learningRate: "lr",
  maxPooling2d: "maxpool2d",
  meanAbsoluteError: "mae l1",
  meanSquaredError: "mse",
  rate: "p",
  strides: "stride",
  units: "outfeatures",
  useBias: "bias",
  val_accuracy: "valacc",
  weightDecay: "wd",
};

/** What there is not, and what there is instead. */
const absent: OtherNames["absent"] = [
  [/^trainable$/, "layers take it: dense({ units: 10, trainable: false })"],
  [/^(patience|earlystopping)$/, "callbacks: earlyStopping({ patience: 3 }) does it"],
  [/^verbose$/, "fit prints nothing; callbacks can: { onEpochEnd: (info, logs) => console.log(logs) }"],
  [/^in(channels|features)$/, "inputs follow from the layer before; the first takes inputShape"],
];

/** Where an option belongs, if it was given to another function. */
const homes: OtherNames["homes"] = [
  ["learningRate weightDecay", "adam({ learningRate: 0.001 })"],
  [
    "epochs batchSize validationSplit callbacks classWeight sampleWeight",
    "model.fit(train, { epochs: 3, batchSize: 32 })",
  ],
  ["optimizer loss metrics seed threads", 'model.compile({ optimizer: "adam" })'],
];

knowOtherNames({ others, absent, homes });
