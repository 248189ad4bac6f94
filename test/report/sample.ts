import {
  confusionMatrix,
  type EpochRecord,
  galleryItems,
  pickGallery,
  type Report,
} from "../../src/report/index.ts";

/** Two epochs of a plausible run. */
export const HISTORY: readonly EpochRecord[] = [
  { epoch: 0, loss: 0.5, accuracy: 0.75, val_loss: 0.4, val_accuracy: 0.8125, imagesPerSecond: 4000 },
  { epoch: 1, loss: 0.25, accuracy: 0.875, val_loss: 0.375, val_accuracy: 0.84375, imagesPerSecond: 4200 },
];

/** A report with every part: 6 test images of 2x2 pixels, 3 classes, 2 of them wrong. */
export function sampleReport(changes: Partial<Report> = {}): Report {
  const classNames = ["cat", "dog", "elk"];
  const labels = Uint8Array.of(0, 0, 1, 1, 2, 2);
  const predictions = [0, 1, 1, 1, 2, 0];
  const probabilities = Float32Array.from(
    predictions.flatMap((prediction, i) => [0, 1, 2].map((c) => (c === prediction ? 0.5 + i / 16 : 0))),
  );
  const images = { images: Uint8Array.from({ length: 24 }, (_, i) => 10 * i), shape: [2, 2, 1] };
  return {
    title: "Pets",
    dataset: {
      name: "pets",
      classNames,
      imageShape: [2, 2, 1],
      trainCount: 1200,
      validationCount: 300,
      testCount: 6,
    },
    model: {
      name: "tiny",
      layers: [
        { name: "conv2d", type: "conv2d", outputShape: [1, 1, 2], parameters: 10 },
        { name: "head", type: "dense", outputShape: [3], parameters: 9 },
      ],
      parameters: 1019,
    },
    configuration: {
      optimizer: { name: "adam", learningRate: 0.001, betas: [0.9, 0.999] },
      loss: "categoricalCrossentropy",
      batchSize: 32,
      shuffle: true,
      augment: null,
    },
    machine: { cpu: "Some CPU", cores: 2, os: "Linux 6.1", runtimes: { node: "20.20.2" } },
    history: HISTORY,
    plannedEpochs: 2,
    test: { loss: 0.3125, accuracy: 4 / 6 },
    confusion: confusionMatrix(labels, predictions, 3),
    gallery: galleryItems(pickGallery(probabilities, labels), images),
    filters: { layer: "conv2d", values: Float32Array.of(1, -1, 0, 0.5, 0, 0, -1, 1), shape: [2, 2, 1, 2] },
    weightsSha256: "ab".repeat(32),
    timing: { trainSeconds: 90, imagesPerSecond: 4100, date: "2026-11-22T16:42:10.000Z" },
    ...changes,
  };
}
