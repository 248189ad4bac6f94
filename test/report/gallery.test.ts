import { describe, expect, it } from "vitest";
import { galleryItems, pickGallery } from "../../src/report/index.ts";

/** Outputs of 3 classes: `[prediction, probability]` for each sample. */
function outputs(rows: readonly (readonly [number, number])[]): Float32Array {
  return Float32Array.from(rows.flatMap(([c, p]) => [0, 1, 2].map((k) => (k === c ? p : (1 - p) / 2))));
}

describe("pickGallery", () => {
  it("shows the most confidently wrong first, equals in order, NaN last", () => {
    const probabilities = outputs([
      [1, 0.5],
      [1, 0.875],
      [2, Number.NaN],
      [0, 1],
      [2, 0.875],
      [2, 0.75],
    ]);
    const { wrong, wrongCount } = pickGallery(probabilities, [0, 0, 1, 0, 1, 1]);
    expect(wrong).toEqual([
      { index: 1, truth: 0, prediction: 1, probability: 0.875 },
      { index: 4, truth: 1, prediction: 2, probability: 0.875 },
      { index: 5, truth: 1, prediction: 2, probability: 0.75 },
      { index: 0, truth: 0, prediction: 1, probability: 0.5 },
      { index: 2, truth: 1, prediction: -1, probability: Number.NaN },
    ]);
    expect(wrongCount).toBe(5);
    expect(pickGallery(probabilities, [0, 0, 1, 0, 1, 1], { wrong: 2 })).toMatchObject({
      wrong: [{ index: 1 }, { index: 4 }],
      wrongCount: 5,
    });
  });

  const labels = [2, 2, 2, 0, 0, 1, 2];
  const right = outputs(labels.map((label) => [label, 0.75] as const));

  it("takes one right answer of each class in turn", () => {
    const { correct, wrong, wrongCount } = pickGallery(right, labels);
    expect(correct.map(({ index }) => index)).toEqual([3, 5, 0, 4, 1, 2, 6]);
    expect(correct[0]).toEqual({ index: 3, truth: 0, prediction: 0, probability: 0.75 });
    expect([wrong, wrongCount]).toEqual([[], 0]);
    expect(pickGallery(right, labels, { correct: 4 }).correct.map(({ index }) => index)).toEqual([
      3, 5, 0, 4,
    ]);
  });

  it("spreads fewer picks than classes over the classes", () => {
    const many = Uint8Array.from({ length: 30 }, (_, i) => i % 10);
    const probabilities = new Float32Array(300);
    many.forEach((label, i) => {
      probabilities[10 * i + label] = 1;
    });
    expect(pickGallery(probabilities, many, { correct: 4 }).correct.map(({ truth }) => truth)).toEqual([
      0, 2, 5, 7,
    ]);
    expect(pickGallery(probabilities, many, { correct: 0, wrong: 0 })).toMatchObject({
      correct: [],
      wrong: [],
    });
  });

  it("skips classes without a right answer", () => {
    expect(
      pickGallery(
        outputs([
          [0, 1],
          [0, 1],
        ]),
        [0, 1],
      ).correct.map(({ index }) => index),
    ).toEqual([0]);
    expect(pickGallery(outputs([[0, 1]]), [1]).correct).toEqual([]);
  });

  it("refuses outputs that are not a row for each label", () => {
    expect(() => pickGallery(new Float32Array(7), [0, 1])).toThrow("7 outputs for 2 samples");
  });
});

describe("galleryItems", () => {
  const images = { images: Uint8Array.from({ length: 24 }, (_, i) => i), shape: [2, 1, 3] };
  const pick = (index: number) => ({ index, truth: 1, prediction: 0, probability: 0.5 });

  it("copies the pixels of each pick", () => {
    const { correct, wrong, wrongCount } = galleryItems(
      { correct: [pick(3)], wrong: [pick(0), pick(2)], wrongCount: 9 },
      images,
    );
    expect(correct).toEqual([
      { ...pick(3), pixels: Uint8Array.of(18, 19, 20, 21, 22, 23), shape: [2, 1, 3] },
    ]);
    expect(wrong.map(({ pixels }) => pixels[0])).toEqual([0, 12]);
    expect(wrongCount).toBe(9);
    expect(correct[0]!.pixels.buffer).not.toBe(images.images.buffer);
  });

  it("refuses a pick beyond the images", () => {
    expect(() => galleryItems({ correct: [pick(4)], wrong: [], wrongCount: 0 }, images)).toThrow(
      "image 4 is not among the 4 images of shape [2,1,3]",
    );
  });
});
