import type { PlainSamples } from "../../src/train/samples.ts";
import { fixtureLabels, fixtureValues, hash32 } from "./fixture-values.ts";

/** Images of `size` x `size` bytes, bright in the half that the label names (0 left, 1 right), with noise. */
export function halves(count: number, seed: number, size = 6): PlainSamples & { labels: Uint8Array } {
  const labels = fixtureLabels(count, seed, 2);
  const images = new Uint8Array(count * size * size);
  const start = hash32(seed + 1);
  for (let i = 0; i < images.length; i++) {
    const right = i % size >= size / 2 ? 1 : 0;
    const label = labels[Math.floor(i / (size * size))]!;
    images[i] = (right === label ? 150 : 30) + (hash32(start + i) % 80);
  }
  return { images, count, shape: [size, size, 1], labels };
}

/** Flat float inputs with float targets. */
export function vectors(count: number, inputs: number, outputs: number, seed: number) {
  return {
    images: fixtureValues(count * inputs, seed, 1),
    count,
    shape: [inputs],
    targets: fixtureValues(count * outputs, seed + 1, 1),
  };
}
