import { expect, test } from "vitest";
import {
  add,
  average,
  conv1d,
  cropping2d,
  dense,
  flatten,
  globalMaxPooling2d,
  input,
  type Layer,
  maximum,
  maxPooling1d,
  normalization,
  permute,
  prelu,
  rescaling,
  reshape,
  spatialDropout2d,
  subtract,
  upSampling2d,
  zeroPadding2d,
} from "../../src/model/layers/index.ts";
import { model } from "../../src/train/functional.ts";

const at = { name: "bad" };
const image = () => input({ shape: [6, 7, 2] });
const NO_IMAGE = "got an input of shape (6, 7), expected an image (height, width, channels)";

// Each message names the layer, what was got and what was expected.
test.each<[Layer, number[][], string]>([
  [zeroPadding2d(at), [[6, 7]], NO_IMAGE],
  [cropping2d(at), [[6, 7]], NO_IMAGE],
  [upSampling2d(at), [[6, 7]], NO_IMAGE],
  [spatialDropout2d({ rate: 0.5, ...at }), [[6, 7]], NO_IMAGE],
  [globalMaxPooling2d(at), [[6, 7]], NO_IMAGE],
  [
    cropping2d({
      cropping: [
        [3, 3],
        [0, 1],
      ],
      ...at,
    }),
    [[6, 7, 2]],
    "cropping takes 6 rows and 1 columns, but the input is of shape (6, 7, 2); leave one of each at least",
  ],
  [
    conv1d({ filters: 2, kernelSize: 3, ...at }),
    [[6, 7, 2]],
    "got an input of shape (6, 7, 2), expected a sequence (steps, channels)",
  ],
  [
    conv1d({ filters: 2, kernelSize: 4, dilationRate: 2, ...at }),
    [[6, 7]],
    'got 6 steps, but kernelSize 4 spans 7; use a smaller kernelSize or padding: "same"',
  ],
  [
    maxPooling1d({ poolSize: 7, ...at }),
    [[6, 7]],
    'got 6 steps, but poolSize 7 spans 7; use a smaller poolSize or padding: "same"',
  ],
  [
    reshape({ targetShape: [4, -1, 5], ...at }),
    [[6, 7, 2]],
    "targetShape is (4, -1, 5), expected one of the 84 numbers of (6, 7, 2)",
  ],
  [
    reshape({ targetShape: [83], ...at }),
    [[6, 7, 2]],
    "targetShape is (83,), expected one of the 84 numbers of (6, 7, 2)",
  ],
  [
    permute({ dims: [2, 1], ...at }),
    [[6, 7, 2]],
    "dims is [2, 1], expected the numbers from 1 to 3 for an input of shape (6, 7, 2)",
  ],
  [
    permute({ dims: [1, 2, 3, 4, 5, 6], ...at }),
    [[1, 2, 3, 4, 5, 6]],
    "dims moves 6 axes, expected at most 5",
  ],
  [
    prelu({ sharedAxes: [1, 4], ...at }),
    [[6, 7, 2]],
    "sharedAxes has 4, expected axes from 1 to 3 of an input of shape (6, 7, 2)",
  ],
  [
    normalization({ mean: [1, 2, 3], variance: 1, ...at }),
    [[6, 7, 2]],
    "mean has 3 numbers, expected 2, one for each channel of (6, 7, 2)",
  ],
  [
    add(at),
    [
      [6, 7, 2],
      [6, 7, 3],
    ],
    "got inputs of shapes (6, 7, 2) and (6, 7, 3), expected the same shape, or sizes of 1 where they differ",
  ],
  [
    maximum(at),
    [
      [6, 7, 2],
      [5, 1, 1],
    ],
    "got inputs of shapes (6, 7, 2) and (5, 1, 1), expected the same shape, or sizes of 1 where they differ",
  ],
  [subtract(at), [[3], [3], [3]], "got 3 inputs, expected two"],
  [average(at), [[3]], "got one input, expected a list of two or more"],
])("%o of %j", (layer, shapes, message) => {
  const inputs = shapes.map((shape) => input({ shape }));
  expect(() => layer.apply(inputs)).toThrow(`layer 'bad': ${message}`);
});

test.each<[() => Layer, string]>([
  [
    () => reshape({ targetShape: [-1, -1] }),
    "reshape: targetShape is [-1, -1], expected a list of whole numbers >= 1, of which one may be -1. Write: reshape({ targetShape: [-1, 8] })",
  ],
  [
    () => permute({ dims: [1, 3] }),
    "permute: dims is [1, 3], expected the numbers from 1 to that of the axes, each once, such as [2, 1]",
  ],
  [() => zeroPadding2d({ padding: -1 }), "zeroPadding2d: padding is -1, expected a whole number >= 0, two:"],
  [
    () => upSampling2d({ interpolation: "bilinar" as never }),
    'interpolation is "bilinar", expected one of nearest, bilinear',
  ],
  [
    () => prelu({ sharedAxes: [0] }),
    "prelu: sharedAxes is [0], expected a list of axes from 1, such as [1, 2]",
  ],
  [() => rescaling({ scale: Number.NaN }), "rescaling: scale is NaN, expected a finite number, below 3.4e38"],
  [
    () => normalization({ mean: 0, variance: [1, -1] }),
    "normalization: variance is [1, -1], expected a number >= 0, or a list of one a channel",
  ],
])("option %#", (make, message) => {
  expect(make).toThrow(message);
});

test("axes that repeat in turns are too many for the kernels where the model is made ready", async () => {
  const [a, b] = [input({ shape: [2, 1, 2, 1, 2] }), input({ shape: [1, 3, 1, 3, 1] })];
  const net = model({
    inputs: [a, b],
    outputs: dense({ units: 1 }).apply(flatten().apply(add(at).apply([a, b]))),
  });
  await net.compile({ threads: 1, loss: "meanSquaredError" });
  const ones = (n: number) => new Float32Array(n).fill(1);
  await expect(
    net.predict({ images: [ones(8), ones(9)], shape: [a.shape, b.shape], count: 1 }),
  ).rejects.toThrow(
    "layer 'bad': broadcasts (2, 1, 2, 1, 2) and (1, 3, 1, 3, 1) over each other, expected at most 4 runs of axes that repeat alike",
  );
  net.dispose();
});

test("values that broadcast give the shape of both", () => {
  expect(add().apply([image(), input({ shape: [6, 1, 1] })]).shape).toEqual([6, 7, 2]);
  expect(average().apply([input({ shape: [2] }), image()]).shape).toEqual([6, 7, 2]);
});
