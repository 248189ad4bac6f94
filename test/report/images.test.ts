import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { answerPictures, classColour, cssColour } from "../../src/report/image-pictures.ts";
import { reportHtml } from "../../src/report/index.ts";
import { type ReportedTraining, reportOf } from "../../src/report/report-of.ts";

// The report of models whose outputs are images.

const count = 3;
const images = Uint8Array.from({ length: count * 6 }, (_, i) => i * 9);
const training: ReportedTraining = {
  dataset: {
    name: "cells & co",
    classNames: ["background", "<cell>", "wall"],
    answers: { kind: "masks", shape: [2, 3] },
    train: { shape: [2, 3, 1] },
    test: {
      images,
      labels: Uint8Array.of(0, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 2, 2, 2, 1, 1, 1),
      count,
      shape: [2, 3, 1],
    },
  },
  images: { train: 5, validation: 0 },
  model: { name: "net", rows: [], countParams: () => 7, graph: { ops: [] } },
  weights: [],
  configuration: { targets: "masks" },
  machine: {},
  history: [
    { epoch: 0, loss: 1, accuracy: 0.5, meanIoU: 0.25 },
    { epoch: 1, loss: 0.5, accuracy: 0.75, meanIoU: 0.5 },
  ],
  test: {
    loss: 0.25,
    accuracy: 0.75,
    figures: { meanIoU: 0.625 },
    confusion: [],
    outputs: new Float32Array(),
    images: {
      kind: "masks",
      by: "crossentropy",
      pixels: [
        [8, 0, 0],
        [1, 4, 0],
        [0, 0, 0],
      ],
      best: [{ index: 1, error: 0.01, output: probabilities([0, 0, 0, 0, 0, 0]) }],
      worst: [{ index: 2, error: 2.5, output: probabilities([2, 2, 1, 1, 1, 0]) }],
    },
  },
  timing: { trainSeconds: 1, imagesPerSecond: 5, date: "2026-11-27T00:00:00Z" },
};

function probabilities(ids: readonly number[]): Float32Array {
  return Float32Array.from({ length: 3 * ids.length }, (_, i) =>
    ids[Math.floor(i / 3)] === i % 3 ? 0.8 : 0.1,
  );
}

const pictures = (html: string) =>
  [...html.matchAll(/<img class="crisp" src="data:image\/png;base64,([^"]*)"[^>]*alt="([^"]*)"/g)].map(
    ([, data, alt]) => ({ alt: alt!, ...decode(Buffer.from(data!, "base64")) }),
  );

describe("masks", () => {
  const html = reportHtml(reportOf(training));

  test("input, target, output and wrong pixels side by side, in the classes' colours", () => {
    const shown = pictures(html);
    expect(shown.map(({ alt }) => alt)).toEqual(
      [1, 2].flatMap((no) => [
        `Test image ${no}`,
        `What it was to give for image ${no}`,
        `What it gave for image ${no}`,
        `Where that is off for image ${no}`,
      ]),
    );
    const [, , , , input, target, output, wrong] = shown;
    expect([...input!.data]).toEqual([...images.slice(12)]);
    const colours = ({ data }: { data: ArrayLike<number> }) =>
      Array.from({ length: 6 }, (_, at) => Array.from(data).slice(3 * at, 3 * at + 3));
    expect(colours(target!)).toEqual([2, 2, 2, 1, 1, 1].map((id) => [...classColour(id)]));
    expect(colours(output!)).toEqual([2, 2, 1, 1, 1, 0].map((id) => [...classColour(id)]));
    const off = colours(wrong!).map(([red]) => red! > 200);
    expect(off).toEqual([false, false, true, false, false, true]);
  });

  test("a legend, the IoU of each class, and the mean of those that are there", () => {
    expect(html).toContain(`<i style="background:${cssColour(1)}"></i><bdi>&lt;cell&gt;</bdi>`);
    const cells = [...html.matchAll(/<td class="number">([^<]*)<\/td>/g)].map(([, text]) => text);
    // IoU, precision, recall and pixels.
    expect(cells.join(" ")).toContain("0.889 0.889 1.000 8 0.800 1.000 0.800 5 – – – 0 0.844");
    expect(html).toMatch(/no\. 2 · 2\.5 · 2 wrong pixels of 6 \(33\.3/);
    expect(html).not.toContain("Confusion matrix");
    expect(html).not.toContain("Correct predictions");
  });

  test("the headline and the curves are of the mean IoU", () => {
    expect(html).toMatch(/Test mean IoU<\/dt><dd class="value">0\.625<\/dd><dd class="more">75\.00/);
    expect(html).toContain("Mean IoU by epoch: training from 0.25 in epoch 1 to 0.5 in epoch 2.");
    expect(html).not.toContain("Accuracy by epoch");
    expect(html).toContain("images with masks of 3 classes");
  });
});

test("of other classes there are other colours, told from each other", () => {
  const all = Array.from({ length: 60 }, (_, id) => cssColour(id));
  expect(new Set(all).size).toBe(60);
  expect(all.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true);
});

describe("numbers", () => {
  const { labels: _, ...unlabelled } = training.dataset.test;
  const numbers = (shape: readonly number[], targets: Float32Array, output: Float32Array) =>
    reportOf({
      ...training,
      configuration: { targets: "images" },
      dataset: {
        ...training.dataset,
        answers: { kind: "numbers", shape },
        test: { ...unlabelled, labels: [], targets },
      },
      history: [{ epoch: 0, loss: 1, meanAbsoluteError: 0.5 }],
      test: {
        loss: 0.25,
        figures: { meanAbsoluteError: 0.125 },
        confusion: [],
        outputs: new Float32Array(),
        images: {
          kind: "numbers",
          by: "mean squared error",
          best: [{ index: 0, error: 0.1, output }],
          worst: [],
        },
      },
    });

  test("greys between black and white, which are 0 and 1 unless targets go beyond", () => {
    const targets = Float32Array.from({ length: 18 }, (_, i) => i / 18);
    const report = numbers([2, 3, 1], targets, Float32Array.of(0, 1, 2, -1, 0.5, 0.25));
    const [, target, output, error] = pictures(reportHtml(report));
    expect([...target!.data]).toEqual([0, 1, 2, 3, 4, 5].map((i) => Math.round((255 * i) / 18)));
    expect([...output!.data]).toEqual([0, 255, 255, 0, 128, 64]);
    expect([...error!.data].slice(0, 2)).toEqual([0, Math.round(255 * (1 - 1 / 18))]);
    const wide = numbers(
      [2, 3],
      Float32Array.from(targets, (t) => 8 * t - 1),
      new Float32Array(6),
    );
    expect(wide.images!.range).toEqual([-1, Math.fround(8 * Math.fround(5 / 18) - 1)]);
    expect([...pictures(reportHtml(wide))[2]!.data][0]).toBe(Math.round(255 / (wide.images!.range![1] + 1)));
  });

  test("the headline tells the errors", () => {
    const html = reportHtml(numbers([2, 3, 1], new Float32Array(18), new Float32Array(6)));
    expect(html).toMatch(/Test loss<\/dt><dd class="value">0\.25/);
    expect(html).toMatch(/Mean absolute error<\/dt><dd class="value">0\.125/);
    expect(html).toContain("that are their own targets");
    expect(html).toContain("Mean absolute error by epoch");
  });

  test("what is no picture is written out", () => {
    const html = reportHtml(numbers([8], new Float32Array(24), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)));
    expect(pictures(html)).toHaveLength(1);
    expect(html).toContain("<code>1, 2, 3, 4, 5, 6 …</code>");
    // Nothing stands below a fourth head.
    expect(html).toContain("<span>output</span><span></span>");
    for (const [size, said] of [
      [8, "images with 8 numbers each"],
      [1, "images with a number each"],
    ] as const) {
      const report = numbers([size], new Float32Array(3 * size), new Float32Array(size));
      const { answers } = report.dataset;
      const dataset = { ...report.dataset, answers: { ...answers!, own: false } };
      expect(reportHtml({ ...report, dataset })).toContain(said);
    }
  });

  test("of two channels the first is shown", () => {
    const report = { kind: "numbers", shape: [1, 2, 2] } as const;
    const tested = { index: 0, error: 0, pixels: images, target: [0, 1, 1, 0], output: [1, 0, 0, 1] };
    expect(answerPictures(tested, report)!.target.data).toEqual(Uint8Array.of(0, 255));
  });
});
