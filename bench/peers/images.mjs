import { readFile, writeFile } from "node:fs/promises";
import { CLASSES, PIXELS } from "./seed-cnn.mjs";

/**
 * Writes `count` images (bytes, then as many label bytes) for all peers to read: digits of wasmgrad's generator.
 * Returns what they are, for the table.
 */
export async function writeImages(file, count) {
  const { generateDigits } = await import("../../dist/data/digits.js");
  const { train } = await generateDigits({ train: count, test: 0, seed: 1 });
  await writeFile(file, Buffer.concat([train.images, train.labels]));
  return `${count} generated digits`;
}

/** Reads what writeImages wrote: bytes, and the same scaled to [0, 1]. */
export async function readImages(file, count) {
  const all = new Uint8Array(await readFile(file));
  if (all.length !== count * (PIXELS + 1))
    throw new RangeError(`${file}: ${all.length} bytes, expected ${count} images and labels`);
  const bytes = all.subarray(0, count * PIXELS);
  return {
    count,
    bytes,
    labels: all.subarray(count * PIXELS),
    floats: Float32Array.from(bytes, (b) => b / 255),
  };
}

/** One-hot rows. */
export function oneHot(labels) {
  const rows = new Float32Array(labels.length * CLASSES);
  labels.forEach((label, i) => {
    rows[i * CLASSES + label] = 1;
  });
  return rows;
}
