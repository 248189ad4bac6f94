// Mutated files through everything that reads files: what comes is the file's content or an error of ours, and soon.
// WASMGRAD_FUZZ=20000 runs as many mutations of each kind, WASMGRAD_FUZZ_SEED=2 others; both say what took longest.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { unzipSync, zipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ModelError } from "../../src/compiler/errors.ts";
import { DataError } from "../../src/data/errors.ts";
import { encodeIdxImages, encodeIdxLabels, readIdxPair } from "../../src/data/index.ts";
import { MemoryError } from "../../src/engine/memory-error.ts";
import { ModelFileError, readModel, saveModel } from "../../src/formats/model-file.ts";
import { layersFromConfig } from "../../src/model/model-json.ts";
import { parseJson } from "../../src/options/strict-json.ts";
import { loadPicture } from "../../src/picture/load.ts";
import { PictureError } from "../../src/picture/picture.ts";
import { decodePng } from "../../src/picture/png.ts";
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from "../../src/safetensors/safetensors.ts";
import { parseCsv } from "../../src/sources/csv.ts";
import { npyOfTexts } from "../../src/sources/npy.ts";
import { parseNpz } from "../../src/sources/npz.ts";
import { NonFiniteError } from "../../src/train/errors.ts";
import { Sequential, sequential } from "../../src/train/sequential.ts";
import { npy, npz } from "../sources/npy.ts";
import { mutateBytes, mutateJson, randomOf, withPngChecksums } from "../support/mutate.ts";
import { chunk, rawPng } from "../support/png.ts";

const RUNS = Number(process.env.WASMGRAD_FUZZ ?? 300);
const SEED = Number(process.env.WASMGRAD_FUZZ_SEED ?? 1);
/** Bytes that no file of these few kilobytes may make the process take at once, beside what it had. */
const MOST_BYTES = 256 * 2 ** 20;

const NET = {
  name: "net",
  layers: [
    {
      type: "conv2d",
      filters: 9,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      inputShape: [12, 10, 1],
    },
    { type: "maxPooling2d", poolSize: 2, strides: [2, 1] },
    { type: "conv2d", filters: 8, kernelSize: [2, 3], dilationRate: 2, useBias: false },
    { type: "leakyRelu", alpha: 0.1 },
    { type: "averagePooling2d", poolSize: [2, 1], padding: "same" },
    { type: "dropout", rate: 0.2 },
    { type: "flatten" },
    { type: "dense", units: 3, activation: "softmax" },
  ],
};

let model: Sequential;
let file: Uint8Array;
beforeAll(async () => {
  model = new Sequential(layersFromConfig(NET), { name: NET.name });
  await model.compile({ threads: 1 });
  file = saveModel(model, { classNames: ["a", "b", "c"], dataset: "digits", background: 0 });
});
afterAll(() => model.dispose());

/**
 * Runs `read` on what `mutated` makes; throws where it throws what is none of `errors`, and where hardly any input, or
 * nearly each, is refused: one of the two ways would go untested then.
 */
async function fuzz<T>(
  name: string,
  mutated: (below: (n: number) => number) => T,
  read: (input: T) => unknown,
  errors: readonly (abstract new (...args: never[]) => Error)[],
  { leastRead = RUNS / 50 }: { readonly leastRead?: number } = {},
): Promise<{ read: number; refused: number }> {
  const counts = { read: 0, refused: 0 };
  let [slowest, largest] = [0, 0];
  for (let i = 0; i < RUNS; i++) {
    const seed = SEED * 1_000_003 + i;
    const input = mutated(randomOf(seed));
    const before = process.memoryUsage().arrayBuffers;
    const began = performance.now();
    try {
      await read(input);
      counts.read++;
    } catch (error) {
      if (!errors.some((kind) => error instanceof kind))
        throw new Error(`${name}, seed ${seed}: ${(error as Error).stack}`, { cause: error });
      if ((error as Error).message.length > 4000)
        throw new Error(`${name}, seed ${seed}: an error of ${(error as Error).message.length} characters`);
      counts.refused++;
    }
    slowest = Math.max(slowest, performance.now() - began);
    largest = Math.max(largest, process.memoryUsage().arrayBuffers - before);
    if (largest > MOST_BYTES) throw new Error(`${name}, seed ${seed}: took ${largest} bytes`);
  }
  if (process.env.WASMGRAD_FUZZ)
    console.log(
      `${name}: ${RUNS} mutations, ${counts.read} read, slowest ${slowest.toFixed(0)} ms, most ${(largest / 2 ** 20).toFixed(1)} MiB`,
    );
  expect(counts.read, `${name}: read`).toBeGreaterThanOrEqual(leastRead);
  expect(counts.refused, `${name}: refused`).toBeGreaterThan(RUNS / 50);
  return counts;
}

test("model files: none that was changed is loaded", async () => {
  const { read } = await fuzz(
    "model files",
    (below) => {
      let changed = mutateBytes(file, below);
      while (Buffer.compare(changed, file) === 0) changed = mutateBytes(file, below);
      return changed;
    },
    (bytes) => readModel(bytes),
    [ModelFileError, MemoryError],
    { leastRead: 0 },
  );
  expect(read).toBe(0);
});

test("model files without hashes, of which the header was changed", async () => {
  const { tensors, metadata } = decodeSafetensors(file);
  const { weightsSha256: _, metadataSha256: __, ...own } = metadata;
  await fuzz(
    "unsealed model files",
    (below) => {
      // Hardly an architecture that was changed goes with the tensors: some are left as they were.
      const changed = below(2) > 0;
      const architecture = JSON.stringify(changed ? mutateJson(NET, below) : NET);
      const bytes = encodeSafetensors(tensors, { ...own, architecture });
      return changed && below(2) ? bytes : mutateBytes(bytes, below);
    },
    (bytes) => readModel(bytes),
    [ModelFileError, MemoryError],
  );
});

test("safetensors", async () => {
  await fuzz("safetensors", (below) => mutateBytes(file, below), decodeSafetensors, [SafetensorsError]);
});

test("models as JSON: what builds also runs within its memory", async () => {
  const run = async (text: string) => {
    const net = new Sequential(layersFromConfig(parseJson(text)));
    try {
      await net.compile({ threads: 1, loss: "meanSquaredError", maxMemory: 32 * 2 ** 20, optimizer: "sgd" });
      const size = net.inputShape.reduce((product, n) => product * n, 1);
      const outputs = net.outputShape.reduce((product, n) => product * n, 1);
      await net.predict(new Uint8Array(size).fill(7));
      const samples = { images: new Uint8Array(2 * size), count: 2, shape: net.inputShape };
      if (net.outputShape.length === 1)
        await net.fit({ ...samples, targets: new Float32Array(2 * outputs) }, { batchSize: 2 });
    } finally {
      net.dispose();
    }
  };
  const { read } = await fuzz("models", (below) => JSON.stringify(mutateJson(NET, below)), run, [
    ModelError,
    MemoryError,
    NonFiniteError,
  ]);
  expect(read).toBeGreaterThan(RUNS / 20);
});

const image = Uint8Array.from({ length: 12 * 9 * 4 }, (_, i) => (i * 37) % 256);
const rowsOf = (bytes: number) =>
  Array.from({ length: 9 }, (_, y) => [...image.subarray(y * bytes, (y + 1) * bytes)]);
const pngs = [
  encode({ width: 12, height: 9, channels: 4, data: image }),
  encode({ width: 12, height: 9, channels: 3, data: image.subarray(108) }, { interlace: "Adam7" }),
  encode({ width: 36, height: 12, channels: 1, data: image }),
  encode({
    width: 12,
    height: 9,
    channels: 3,
    depth: 16,
    data: Uint16Array.from(image.subarray(108), (n) => 257 * n),
  }),
  // A palette of few bits, some of its colours transparent; grey of few bits; and the one colour that is transparent.
  rawPng({
    width: 12,
    height: 9,
    depth: 4,
    colourType: 3,
    rows: rowsOf(6),
    chunks: [chunk("PLTE", image.subarray(0, 48)), chunk("tRNS", image.subarray(0, 9))],
  }),
  rawPng({
    width: 12,
    height: 9,
    depth: 2,
    colourType: 0,
    rows: rowsOf(3),
    chunks: [chunk("tRNS", Uint8Array.of(0, 1))],
  }),
  rawPng({
    width: 12,
    height: 9,
    depth: 8,
    colourType: 2,
    rows: rowsOf(36),
    chunks: [chunk("tRNS", Uint8Array.of(0, 37, 0, 74, 0, 111))],
  }),
];

test("PNG pictures", async () => {
  const mutated = (below: (n: number) => number) => {
    const bytes = mutateBytes(pngs[below(pngs.length)]!, below);
    // Without its checksums few mutations would get past the first look.
    return below(8) ? withPngChecksums(bytes) : bytes;
  };
  await fuzz("PNG", mutated, decodePng, [PictureError]);
});

test("IDX files, gzipped and plain", async () => {
  const images = encodeIdxImages({ images: image, count: 4, shape: [12, 9, 1] });
  const labels = encodeIdxLabels(Uint8Array.of(0, 1, 2, 1));
  const packed = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
  const either = (bytes: Uint8Array, below: (n: number) => number) => {
    switch (below(4)) {
      case 0:
        return bytes;
      case 1:
        return mutateBytes(bytes, below);
      case 2:
        return packed(mutateBytes(bytes, below));
      default:
        return mutateBytes(packed(bytes), below);
    }
  };
  await fuzz(
    "IDX",
    (below) => [either(images, below), either(labels, below)] as const,
    ([own, their]) => readIdxPair(own, their, { classCount: 3 }),
    [DataError],
  );
});

/** The same archive, not packed: mutations meet its numbers. */
function zlibStored(zip: Uint8Array): Uint8Array {
  return zipSync(unzipSync(zip), { level: 0 });
}

/** Small pictures of each format that has a decoder of its own. */
const others = Object.entries<{ file: string }>(
  JSON.parse(readFileSync(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8")),
).map(([name, { file }]) => [name, new Uint8Array(Buffer.from(file, "base64"))] as const);

test.each(["jpg", "webp", "gif"])("pictures: %s", async (ending) => {
  const files = others.filter(([name]) => name.endsWith(`.${ending}`)).map(([, bytes]) => bytes);
  await fuzz(ending, (below) => mutateBytes(files[below(files.length)]!, below), loadPicture, [PictureError]);
});

const table = new TextEncoder().encode(
  `label,${Array.from({ length: 9 }, (_, i) => `p${i}`)}\n${Array.from({ length: 8 }, (_, i) => [i % 3, ...Array.from({ length: 9 }, (_, k) => 25 * k + i)].join(",")).join("\n")}\n`,
);
const archive = npz({
  x_train: npy(
    "|u1",
    [8, 3, 3],
    Array.from({ length: 72 }, (_, i) => 3 * i),
  ),
  y_train: npy("<i8", [8], [0, 1, 2, 0, 1, 2, 0, 1]),
  class_names: npyOfTexts(["cat", "a dog", "cow"]),
});
const quiet = { onNotice: () => {} };

test("tables of pixels", async () => {
  await fuzz(
    "CSV",
    (below) => mutateBytes(table, below),
    (bytes) => parseCsv(bytes, "x"),
    [DataError],
  );
});

test("NumPy's archives", async () => {
  const arrays = zlibStored(archive);
  await fuzz(
    "npz",
    (below) => mutateBytes(below(2) ? archive : arrays, below),
    (bytes) => parseNpz(bytes, "x", quiet),
    [DataError],
  );
});

test("the files that are mutated are good ones", async () => {
  expect(readModel(file).tensors).toHaveLength(5);
  expect(parseCsv(table, "x").labels).toHaveLength(8);
  for (const bytes of [archive, zlibStored(archive)])
    expect(parseNpz(bytes, "x", quiet).classNames).toEqual(["cat", "a dog", "cow"]);
  for (const png of pngs) expect(decodePng(png).height).toBeGreaterThan(0);
  expect(sequential(layersFromConfig(NET)).outputShape).toEqual([3]);
});
