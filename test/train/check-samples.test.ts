import { describe, expect, test } from "vitest";
import { checkSamples, type SamplesTaker } from "../../src/train/check-samples.ts";
import { inOrder, type Samples, SamplesError } from "../../src/train/samples.ts";

const ports = {
  inputs: [
    { name: "picture", shape: [2, 2, 1] },
    { name: "numbers", shape: [3] },
  ],
  outputs: [
    { name: "digit", shape: [4] },
    { name: "angle", shape: [2] },
  ],
};
const good: Samples = {
  images: [new Uint8Array(8), new Float32Array(6)],
  shape: [[2, 2, 1], [3]],
  count: 2,
  labels: [Uint8Array.of(0, 3), undefined],
  targets: [undefined, new Float32Array(4)],
};
const wrong = (samples: unknown, taker: SamplesTaker = "fit") => {
  try {
    checkSamples(samples as Samples, ports, taker);
  } catch (error) {
    expect(error).toBeInstanceOf(SamplesError);
    return (error as Error).message;
  }
  return "nothing was wrong";
};

test("samples for two inputs and two outputs: bytes and floats, labels and targets", () => {
  expect(() => checkSamples(good, ports, "fit")).not.toThrow();
  const other = { ...good, images: [new Float32Array(8), new Uint8Array(6)], targets: undefined };
  const labels = [Uint8Array.of(1, 2), Uint8Array.of(0, 1)];
  expect(() => checkSamples({ ...other, labels } as never, ports, "evaluate")).not.toThrow();
  const { labels: _, targets: __, ...bare } = good;
  expect(() => checkSamples(bare, ports, "predict")).not.toThrow();
});

/** The same by name. */
const named: Samples = {
  images: { numbers: new Float32Array(6), picture: new Uint8Array(8) },
  shape: { picture: [2, 2, 1], numbers: [3] },
  count: 2,
  labels: { digit: Uint8Array.of(0, 3) },
  targets: { angle: new Float32Array(4) },
};

describe("samples by name", () => {
  test("are as good as lists, and may be mixed with them", () => {
    for (const samples of [named, { ...named, shape: good.shape }, { ...good, targets: named.targets }])
      expect(() => checkSamples(samples, ports, "fit")).not.toThrow();
    const one = { inputs: [ports.inputs[1]!], outputs: [ports.outputs[0]!] };
    const single = {
      images: { numbers: new Float32Array(6) },
      shape: [3],
      count: 2,
      labels: { digit: Uint8Array.of(0, 3) },
    };
    expect(() => checkSamples(single, one, "fit")).not.toThrow();
    expect(inOrder(single, one)).toEqual({
      ...single,
      images: single.images.numbers,
      labels: single.labels.digit,
      targets: undefined,
    });
  });

  test("are put in order: the same object each time, with the arrays of the moment; lists stay as they are", () => {
    const ordered = inOrder(named, ports);
    expect(ordered).toEqual(good);
    expect(inOrder(good, ports)).toBe(good);
    const samples = { ...named };
    const first = inOrder(samples, ports);
    const other = new Float32Array(4).fill(1);
    samples.targets = { angle: other };
    expect(inOrder(samples, ports)).toBe(first);
    expect((first.targets as Float32Array[])[1]).toBe(other);
  });

  test.each<[string, unknown, string]>([
    [
      "a name of no input",
      { ...named, images: { picture: new Uint8Array(8), nubmers: new Float32Array(6) } },
      'fit: images: no input is called "nubmers". Write: images: { picture, numbers }',
    ],
    [
      "a shape of no input",
      { ...named, shape: { picture: [2, 2, 1], image: [3] } },
      'fit: shape: no input is called "image". Write: shape: { picture, numbers }',
    ],
    [
      "a name of no output",
      { ...named, labels: { digits: Uint8Array.of(0, 3) } },
      'fit: labels: no output is called "digits". Write: labels: { digit, angle }',
    ],
    [
      "an input that is missing",
      { ...named, images: { picture: new Uint8Array(8) } },
      'fit: input "numbers": images.numbers is missing, expected bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not',
    ],
    [
      "an array of another kind",
      { ...named, targets: { angle: [1, 2, 3, 4] } },
      'fit: output "angle": targets.angle is of type Array, expected Float32Array. Write: Float32Array.from(targets.angle)',
    ],
    [
      "an output without either",
      { ...named, targets: {} },
      'fit: output "angle": got neither labels nor targets: give one of them. Write: labels: [digit, angle], or targets: [undefined, angle]',
    ],
  ])("%s", (_, samples, message) => {
    expect(wrong(samples)).toBe(message);
  });
});

describe("what does not fit is told by the layer's name, with what to write", () => {
  test.each<[string, unknown, string]>([
    [
      "one array of images",
      { ...good, images: new Uint8Array(8) },
      "fit: images is a Uint8Array, expected a list of 2, one for each input. Write: images: [picture, numbers]",
    ],
    [
      "a list that is too short",
      { ...good, images: [new Uint8Array(8)] },
      "fit: images is a list of 1, expected a list of 2, one for each input. Write: images: [picture, numbers]",
    ],
    [
      "an array of another kind",
      { ...good, images: [new Uint8Array(8), [1, 2, 3]] },
      'fit: input "numbers": images[1] is of type Array, expected bytes (Uint8Array, Uint8ClampedArray), which are scaled, or a Float32Array, which is not. Write: Float32Array.from(images[1])',
    ],
    [
      "an array that is too long",
      { ...good, images: [new Uint8Array(8), new Float32Array(7)] },
      'fit: input "numbers": got 7 input numbers, expected 2 samples of 3',
    ],
    [
      "one shape",
      { ...good, shape: [2, 2, 1] },
      "fit: shape is a list of 3, expected a list of 2, one for each input. Write: shape: [[2, 2, 1], [3]]",
    ],
    [
      "a wrong shape",
      { ...good, shape: [[2, 2, 1], [4]] },
      'fit: input "numbers": got samples of shape (4,), but the model expects (3,)',
    ],
    [
      "no shapes, but sizes",
      { ...good, shape: [4, 3] },
      'fit: input "picture": samples: shape is 4, expected that of one image. Write: shape: [[2, 2, 1], [3]]',
    ],
    [
      "no count",
      { ...good, count: undefined },
      "fit: samples: count is missing, expected a whole number, that of images. Write: { images, shape: [[2, 2, 1], [3]], targets, count: 2 }",
    ],
    [
      "one array of labels",
      { ...good, labels: Uint8Array.of(0, 3) },
      "fit: labels is a Uint8Array, expected a list of 2, one for each output. Write: labels: [digit, angle]",
    ],
    [
      "one array of targets",
      { ...good, targets: new Float32Array(4) },
      "fit: targets is a Float32Array, expected a list of 2, one for each output. Write: targets: [digit, angle]",
    ],
    [
      "an output without either",
      { ...good, targets: undefined },
      'fit: output "angle": got neither labels nor targets: give one of them. Write: labels: [digit, angle], or targets: [undefined, angle]',
    ],
    [
      "an output with both",
      { ...good, labels: [Uint8Array.of(0, 3), Uint8Array.of(0, 1)] },
      'fit: output "angle": got both labels and targets: give one of them. Write: labels: [digit, undefined]',
    ],
    [
      "a label that no class has",
      { ...good, labels: [Uint8Array.of(0, 4), undefined] },
      'fit: output "digit": label 1 is 4, but the output has 4 numbers: expected class ids below 4',
    ],
    [
      "too few labels",
      { ...good, labels: [Uint8Array.of(0), undefined] },
      'fit: output "digit": got 1 label for 2 samples',
    ],
    [
      "too few targets",
      { ...good, targets: [undefined, new Float32Array(2)] },
      'fit: output "angle": got 2 targets, expected 2 samples of 2',
    ],
    [
      "labels of another kind",
      { ...good, labels: [[0, 3], undefined] },
      'fit: output "digit": labels[0] is of type Array, expected Uint8Array. Write: Uint8Array.from(labels[0])',
    ],
    [
      "a list in place of samples",
      [[1], [2]],
      "fit: got an array, expected samples. Write: model.fit({ images: [picture, numbers], shape: [[2, 2, 1], [3]], count })",
    ],
  ])("%s", (_, samples, message) => {
    expect(wrong(samples)).toBe(message);
  });
});

test("lists for a model of one input and one output", () => {
  const one = { inputs: [ports.inputs[1]!], outputs: [ports.outputs[0]!] };
  const numbers = new Float32Array(6);
  const labels = Uint8Array.of(0, 3);
  const check = (samples: object) => () => checkSamples(samples as Samples, one, "fit");
  expect(check({ images: [numbers], shape: [3], count: 2, labels })).toThrow(
    /^fit: images is of type Array, expected .*\. Write: images: images\[0\]$/,
  );
  expect(check({ images: numbers, shape: [3], count: 2, labels: [labels] })).toThrow(
    "fit: labels is of type Array, expected Uint8Array. Write: labels: labels[0]",
  );
});

test("labels and targets for the one output", () => {
  const one = { inputs: [ports.inputs[1]!], outputs: [ports.outputs[0]!] };
  const plain = { images: new Float32Array(6), shape: [3], count: 2 };
  const both = { ...plain, labels: Uint8Array.of(0, 3), targets: new Float32Array(8) };
  for (const taker of ["fit", "evaluate"] as const)
    expect(() => checkSamples(both, one, taker)).toThrow(
      `${taker}: got both labels and targets: give one of them. Write: labels: undefined`,
    );
  expect(() => checkSamples({ ...both, labels: undefined } as never, one, "fit")).not.toThrow();
  expect(() => checkSamples(both, one, "predict")).not.toThrow();
});

test("one array asked of a model of two inputs: the message names them, and the line to write", () => {
  for (const array of [new Float32Array(14), new Uint8Array(14)])
    expect(wrong(array, "predict")).toBe(
      `predict: got a ${array.constructor.name}, expected one for each input. Write: model.predict([picture, numbers])`,
    );
});

test("a source is refused where samples must lie in memory", () => {
  const { images: _, ...source } = good;
  expect(wrong({ ...source, read() {} })).toBe(
    "fit: got a source of samples, which a trainer's worker cannot read from. Give it samples that lie in memory, or train by model.compile() and model.fit()",
  );
});
