import type { Samples } from "../../src/train/samples.ts";
import { fixtureLabels, hash32 } from "./fixture-values.ts";

/** The short runs whose weights test/train/golden.json holds: models by name, optimizers, builds. */
export const GOLDEN_RUNS = [
  ["keras-mnist", "adam"],
  ["lenet5", "rmsprop"],
  ["mlp", "adamw"],
] as const;
export const GOLDEN_BACKENDS = ["scalar", "simd"] as const;
export const GOLDEN_BATCH = 32;

/** Of a run in golden.json. */
export function goldenKey(model: string, optimizer: string, backend: string): string {
  return `${model}, ${optimizer}, ${backend}`;
}

/** 630 images, 28x28x1, 20 steps, the last one of 22: by a formula, with something to learn. */
export function goldenSamples(): Samples & { readonly images: Uint8Array; readonly labels: Uint8Array } {
  const count = 630;
  const labels = fixtureLabels(count, 6, 10);
  return { images: images(count, labels), count, shape: [28, 28, 1], labels };
}

/** Bytes by a formula, brighter in a square whose place the label gives. */
function images(count: number, labels: Uint8Array): Uint8Array {
  const start = hash32(5);
  return Uint8Array.from({ length: count * 784 }, (_, i) => {
    const [row, column] = [Math.floor((i % 784) / 28), i % 28];
    const label = labels[Math.floor(i / 784)]!;
    const inside = Math.floor(row / 7) === Math.floor(label / 3) && Math.floor(column / 9) === label % 3;
    return (hash32(start + i) % 100) + (inside ? 150 : 0);
  });
}
