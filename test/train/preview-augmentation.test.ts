import { describe, expect, test } from "vitest";
import {
  batchNormalization,
  conv2d,
  cutMix,
  dense,
  dropout,
  flatten,
  gaussianNoise,
  input,
  LAYERS,
  type Layer,
  mixUp,
  normalization,
  randomBrightness,
  randomCrop,
  randomErasing,
  randomFlip,
  randomRotation,
  randomTranslation,
  rescaling,
  zeroPadding2d,
} from "../../src/model/layers/index.ts";
import { makeLayer } from "../../src/model/layers/layer.ts";
import { piecewiseConstantDecay, sgd } from "../../src/optim/index.ts";
import { model } from "../../src/train/functional.ts";
import { openPreview, previewAugmentation } from "../../src/train/preview-augmentation.ts";
import type { Pixels } from "../../src/train/samples.ts";
import { sequential } from "../../src/train/sequential.ts";
import { hash32 } from "../support/fixture-values.ts";

const SHAPE = [7, 6, 1];
const SIZE = 42;
/** A power of two, for exact gradients. */
const COUNT = 4;
const BYTES = Uint8Array.from({ length: COUNT * SIZE }, (_, i) => hash32(i) % 256);

const inFront = ([first, ...rest]: readonly Layer[]) => [
  makeLayer(LAYERS[first!.type]!, { ...first!.config, inputShape: SHAPE }),
  ...rest,
];

/**
 * What the layers give in a step of a training by fit(): behind them lies a dense layer of zeros with a unit for each picture,
 * whose targets are 1 for its picture and 0 else, so that a step of the right rate makes that picture its weights, exactly.
 */
async function seenByFit(layers: readonly Layer[], images: Pixels, seed: number, step: number) {
  const net = sequential([
    ...inFront(layers),
    flatten(),
    dense({ units: COUNT, useBias: false, kernelInitializer: "zeros" }),
  ]);
  const whole = COUNT ** 2 / 2;
  const learningRate =
    step === 0 ? whole : piecewiseConstantDecay({ boundaries: [step - 1], values: [0, whole] });
  await net.compile({ optimizer: sgd({ learningRate }), loss: "meanSquaredError", seed, threads: 1 });
  const targets = Float32Array.from({ length: COUNT ** 2 }, (_, i) => Number(i % (COUNT + 1) === 0));
  const samples = { images, shape: SHAPE, count: COUNT, targets };
  await net.fit(samples, { batchSize: COUNT, epochs: step + 1, shuffle: false });
  const { data } = net.getWeights().at(-1)!;
  net.dispose();
  return Float32Array.from(data, (_, i) => {
    const length = data.length / COUNT;
    return data[(i % length) * COUNT + Math.floor(i / length)]!;
  });
}

describe("what is shown of augmentation", () => {
  test.each<[string, readonly Layer[]]>([
    ["a flip", [randomFlip()]],
    [
      "several",
      [randomTranslation({ heightFactor: 0.3, widthFactor: 0.2 }), randomRotation({ factor: 0.2 })],
    ],
    ["a crop of what was padded", [zeroPadding2d({ padding: 2 }), randomCrop({ height: 5, width: 6 })]],
    ["colours and a rectangle", [randomBrightness({ factor: 0.4 }), randomErasing()]],
    [
      "behind other scales",
      [rescaling({ scale: 2, offset: -1 }), normalization({ mean: 0.1, variance: 4 }), randomFlip()],
    ],
    ["noise", [gaussianNoise({ stddev: 0.2 })]],
  ])("%s: the bits that a step of training sees", async (_, layers) => {
    for (const [seed, step] of [
      [1, 0],
      [2 ** 32 + 5, 2],
    ] as const)
      for (const images of [BYTES, Float32Array.from(BYTES, (byte) => byte / 128 - 1)]) {
        const net = sequential([...inFront(layers), randomless(), flatten(), dense({ units: 3 })]);
        const preview = await previewAugmentation(net, images, { seed, step });
        const expected = await seenByFit(layers, images, seed, step);
        expect(preview!.values).toEqual(expected.map((value) => value + 0));
      }
  });

  /** What lies behind is of no weight. */
  const randomless = () => conv2d({ filters: 2, kernelSize: 3 });

  test("names the layers, and shows bytes as they were", async () => {
    const net = sequential([
      ...inFront([randomFlip(), zeroPadding2d({ padding: 1 }), randomCrop({ height: 7, width: 6 })]),
      conv2d({ filters: 2, kernelSize: 3 }),
      dropout({ rate: 0.5 }),
      flatten(),
      dense({ units: 3 }),
    ]);
    const preview = (await previewAugmentation(net, BYTES.subarray(0, SIZE)))!;
    expect(preview).toMatchObject({ layers: ["randomFlip", "randomCrop"], mixes: false, shape: [7, 6, 1] });
    const before = new Set(BYTES.subarray(0, SIZE)).add(0);
    expect([...preview.pixels].every((byte) => before.has(byte))).toBe(true);
    expect(new Set(preview.pixels).size).toBeGreaterThan(20);
    const inverted = { scale: -1 / 128, offset: 1 };
    const shown = await previewAugmentation(net, BYTES.subarray(0, SIZE), { preprocessing: inverted });
    // What was padded is 0, which such a scale gives of 128.
    expect([...shown!.pixels].every((byte) => before.has(byte) || byte === 128)).toBe(true);
    const scaled = sequential([
      ...inFront([rescaling({ scale: 9 }), randomFlip()]),
      flatten(),
      dense({ units: 3 }),
    ]);
    const { pixels } = (await previewAugmentation(scaled, BYTES))!;
    expect([Math.min(...pixels), Math.max(...pixels)]).toEqual([0, 255]);
  });

  test("each of equal pictures is varied by itself, and another draw is another step", async () => {
    const net = sequential([...inFront([randomRotation({ factor: 0.3 })]), flatten(), dense({ units: 3 })]);
    const one = BYTES.subarray(0, SIZE);
    const eight = Uint8Array.from({ length: 8 * SIZE }, (_, i) => one[i % SIZE]!);
    const draw = async (step: number) => (await previewAugmentation(net, eight, { step }))!.pixels;
    const pictures = (pixels: Uint8Array) =>
      Array.from({ length: 8 }, (_, i) => pixels.subarray(i * SIZE, (i + 1) * SIZE).join());
    const all = [...pictures(await draw(0)), ...pictures(await draw(1))];
    expect(new Set(all).size).toBe(16);
    expect(await draw(0)).toEqual(await draw(0));
  });

  test.each([mixUp({ alpha: 1 }), cutMix()])("$type mixes pictures of the batch", async (layer) => {
    const net = sequential([...inFront([layer]), flatten(), dense({ units: 3 })]);
    const images = Uint8Array.from({ length: 8 * SIZE }, (_, i) => 32 * Math.floor(i / SIZE));
    const { mixes, pixels } = (await previewAugmentation(net, images))!;
    expect(mixes).toBe(true);
    expect(pixels).not.toEqual(images);
  });

  test("there is none where nothing varies pictures, though something draws behind them", async () => {
    const layers = [flatten({ inputShape: SHAPE }), dropout({ rate: 0.2 }), dense({ units: 3 })];
    expect(await previewAugmentation(sequential(layers), BYTES)).toBeUndefined();
    const maps = [
      conv2d({ filters: 1, kernelSize: 3, inputShape: SHAPE }),
      dropout({ rate: 0.2 }),
      flatten(),
      dense({ units: 3 }),
    ];
    expect(await previewAugmentation(sequential(maps), BYTES)).toBeUndefined();
  });

  test("says what is wrong with what it is given", async () => {
    const net = sequential([...inFront([randomFlip()]), flatten(), dense({ units: 3 })]);
    await expect(previewAugmentation(net, BYTES.subarray(1))).rejects.toThrow(
      "got 167 numbers, expected those of one or more pictures of shape (7, 6, 1), 42 each",
    );
    const [a, b] = [input({ shape: SHAPE }), input({ shape: [2] })];
    const outputs = [flatten().apply(randomFlip().apply(a)), b].map((x) => dense({ units: 1 }).apply(x));
    await expect(previewAugmentation(model({ inputs: [a, b], outputs }), BYTES)).rejects.toThrow(
      "the model has 2 inputs, expected one",
    );
  });

  test("one that is open sees each batch and step as a new one does, whatever it saw before", async () => {
    const layers = [
      batchNormalization({ center: false, scale: false }),
      gaussianNoise({ stddev: 0.2 }),
      randomRotation({ factor: 0.2 }),
      mixUp(),
    ];
    const net = sequential([...inFront(layers), flatten(), dense({ units: 2 })]);
    const open = (await openPreview(net, { seed: 3 }))!;
    const two = BYTES.subarray(0, 2 * SIZE);
    const floats = Float32Array.from(BYTES, (byte) => byte / 255);
    for (const [images, step] of [
      [BYTES, 4],
      [two, 1],
      [floats, 4],
      [BYTES, 0],
      [BYTES, 4],
    ] as const)
      expect(open.see(images, step)).toEqual(await previewAugmentation(net, images, { seed: 3, step }));
    open.dispose();
  });
});
