import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodeIdxImages, encodeIdxLabels } from "../../src/data/index.ts";
import { type FileKind, fileKind, refusal } from "../../src/web/state/file-kind.ts";
import { datasetFromFiles, type OwnFile } from "../../src/web/state/idx-files.ts";
import { LiveCurve } from "../../src/web/state/live-curve.ts";
import { mapAtlas, rowAtlas } from "../../src/web/ui/atlas.ts";
import { bars } from "../cli/helpers.ts";

const images = (name: string, n: number): OwnFile => ({ name, bytes: encodeIdxImages(bars(n)) });
const labels = (name: string, n: number): OwnFile => ({ name, bytes: encodeIdxLabels(bars(n).labels) });
const text = (name: string, content: string): OwnFile => ({ name, bytes: new TextEncoder().encode(content) });

describe("IDX files of one's own", () => {
  test("one pair, sorted by class: a fifth of each is for the test, with its own labels", async () => {
    const all = bars(60);
    const order = Array.from({ length: 60 }, (_, i) => 3 * (i % 20) + Math.floor(i / 20));
    const image = (from: { images: Uint8Array }, i: number) =>
      from.images.subarray(64 * i, 64 * (i + 1)).join();
    const sorted = {
      ...all,
      labels: Uint8Array.from(order, (i) => all.labels[i]!),
      images: Uint8Array.from(order.flatMap((i) => [...all.images.subarray(64 * i, 64 * (i + 1))])),
    };
    const files = [
      { name: "b", bytes: encodeIdxLabels(sorted.labels) },
      { name: "a", bytes: encodeIdxImages(sorted) },
    ];
    const { dataset, notice } = await datasetFromFiles(files);
    const { train, test: kept, classNames } = dataset;
    expect([train.count, kept.count, classNames]).toEqual([48, 12, ["0", "1", "2"]]);
    for (const id of [0, 1, 2]) expect(kept.labels.filter((label) => label === id)).toHaveLength(4);
    const pairs = (set: typeof train) => Array.from(set.labels, (label, i) => `${label}: ${image(set, i)}`);
    expect([...pairs(train), ...pairs(kept)].sort()).toEqual(
      Array.from(all.labels, (label, i) => `${label}: ${image(all, i)}`).sort(),
    );
    expect(notice).toContain("12 of 60 images, the same share of each class");
  });

  test.each([
    ["their names", ["t10k-images", "train-images", "t10k-labels", "train-labels"], [60, 30]],
    ["their sizes where names say nothing", ["a", "b", "c", "d"], [30, 60]],
  ])("two pairs are told apart by %s", async (_, [one, two, three, four], [first, second]) => {
    const { dataset } = await datasetFromFiles([
      images(one!, first!),
      images(two!, second!),
      labels(three!, first!),
      labels(four!, second!),
    ]);
    expect([dataset.train.count, dataset.test.count]).toEqual(_ === "their names" ? [30, 60] : [60, 30]);
  });

  test("gzipped files, and names of classes", async () => {
    const packed = images("i.gz", 20);
    const { dataset } = await datasetFromFiles([
      { ...packed, bytes: new Uint8Array(gzipSync(packed.bytes)) },
      labels("l", 20),
      text("classes.txt", "\ufefftop\r\nmiddle\r\nbottom\r\nnone\r\n"),
    ]);
    expect(dataset.classNames).toEqual(["top", "middle", "bottom", "none"]);
  });

  test.each<[string, OwnFile[], RegExp]>([
    ["images alone", [images("a", 9)], /a: its label file is missing/],
    ["labels alone", [labels("a", 9)], /Got 0 files of images and 1 file of labels/],
    ["nothing", [], /Got 0 files of images/],
    ["other lengths", [images("a", 9), labels("b", 8)], /9 images but 8 labels/],
    ["text", [text("a.csv", "label,pixel\n1,2")], /^a\.csv is a text file\. .*pairs of IDX files/],
    [
      "numbers that are no bytes",
      [{ name: "a", bytes: Uint8Array.of(0, 0, 13, 1) }],
      /a: it is no file of images or labels.*IDX of float32/,
    ],
    [
      "something else, gzipped",
      [{ name: "a.tgz", bytes: new Uint8Array(gzipSync("hello")) }],
      /a\.tgz: what it unpacks to is no file of images or labels/,
    ],
    ["too many", ["a", "b", "c", "d", "e", "f"].map((name) => images(name, 9)), /at most 5/],
    [
      "too few names",
      [images("a", 9), labels("b", 9), text("c.txt", "one\ntwo")],
      /go up to 2, but 2 classes/,
    ],
    [
      "a name twice",
      [images("a", 9), labels("b", 9), text("c.txt", "x\nx\ny")],
      /c\.txt: .*different class names/,
    ],
  ])("%s: refused, with the file's name", async (_, files, message) => {
    await expect(datasetFromFiles(files)).rejects.toThrow(message);
  });
});

describe("the kind of a file", () => {
  const bytes = (...start: number[]) => Uint8Array.from({ length: 64 }, (_, i) => start[i] ?? 1);
  const ascii = (content: string) => new TextEncoder().encode(content);
  test.each<[string, string, Uint8Array]>([
    ["a.png", "picture", bytes(0x89, 0x50, 0x4e, 0x47)],
    ["a", "picture", bytes(0xff, 0xd8, 0xff, 0xe0)],
    ["a.webp", "picture", ascii("RIFF\x01\x02\x03\x04WEBPVP8 ")],
    ["a", "idx", encodeIdxImages(bars(3))],
    ["a.gz", "gzip", new Uint8Array(gzipSync("x"))],
    ["a.safetensors", "model", ascii("anything")],
    ["a.bin", "model", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d)],
    ["a.npy", "numpy", bytes(0x93, ...ascii("NUMPY"))],
    ["a", "model", bytes(0x89, ...ascii("HDF\r\n\x1a\n"))],
    ["a.npz", "zip", bytes(0x50, 0x4b, 3, 4)],
    ["a.pdf", "pdf", ascii("%PDF-1.7")],
    ["a.png", "web page", ascii("<!DOCTYPE html><title>Not found</title>")],
    ["a.csv", "text", ascii("1,2,3\n")],
    ["a", "empty", new Uint8Array()],
    ["a", "unknown", bytes(1, 2, 3)],
  ])("%s: %s", (name, kind, content) => {
    expect(fileKind(name, content)).toBe(kind);
  });

  test.each<[FileKind, string]>([
    [
      "picture",
      "a is a picture, and came together with other files. Drop pictures by themselves to have one classified.",
    ],
    ["model", "a is a model, and came together with other files. Drop it by itself to load it."],
    ["empty", "a is empty. Get the file again."],
    ["zip", "a is a ZIP archive. Unpack it, and drop the files that are in it."],
    [
      "web page",
      "a is a web page, not data: a download that went wrong often leaves one. Get the file again.",
    ],
    ["pdf", "a is a PDF document. To have a picture classified, drop it as PNG or JPEG."],
  ])("among a dataset's files, one that is of no use there is refused: %s", (kind, words) => {
    expect(refusal("a", kind)).toBe(words);
  });

  test.each<[FileKind, RegExp]>([
    [
      "numpy",
      /^a is a NumPy array\. .*docs\/datasets\.md of wasmgrad has the lines of Python that write them\.$/,
    ],
    ["text", /^a is a text file\. .* A \.txt beside them may name the classes, one a line\.$/],
    ["unknown", /^a is of a kind that this page does not know\. It opens pictures .*plain or \.gz\)\.$/],
  ])("and what would be of use is named: %s", (kind, words) => {
    expect(refusal("a", kind)).toMatch(words);
  });
});

describe("the files of MNIST, dropped under any names", () => {
  const folder = process.env.WASMGRAD_DATA ? join(process.env.WASMGRAD_DATA, "mnist") : "";
  const here = folder !== "" && existsSync(folder);
  const file = (name: string): OwnFile => ({
    name: name.slice(0, 9),
    bytes: readFileSync(join(folder, name)),
  });
  const training = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];
  const all = [...training, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];

  test.skipIf(!here)(`are recognised${here ? "" : " (they are not in $WASMGRAD_DATA/mnist)"}`, async () => {
    const { dataset, known, notice } = await datasetFromFiles(all.map(file).reverse());
    expect([known, dataset.name, dataset.train.count, dataset.test.count]).toEqual([
      "mnist",
      "mnist",
      60_000,
      10_000,
    ]);
    expect(notice).toContain("the files of MNIST handwritten digits");
    const part = await datasetFromFiles(training.map(file));
    expect([part.known, part.dataset.name, part.dataset.train.count]).toEqual([
      undefined,
      "own files",
      48_000,
    ]);
  });
});

describe("the live curve", () => {
  test("turns means since the epoch began into means of each stretch", () => {
    const curve = new LiveCurve();
    curve.add({ epoch: 0, seen: 1000 }, { loss: 2, accuracy: 0.1 }, 4000);
    curve.add({ epoch: 0, seen: 4000 }, { loss: 1.25, accuracy: 0.4 }, 4000);
    curve.add({ epoch: 1, seen: 2000 }, { loss: 0.5, accuracy: 0.8 }, 4000);
    expect(curve.points).toEqual([
      { x: 0.25, loss: 2, accuracy: 0.1, images: 1000 },
      { x: 1, loss: 1, accuracy: expect.closeTo(0.5, 12), images: 3000 },
      { x: 1.5, loss: 0.5, accuracy: 0.8, images: 2000 },
    ]);
  });

  test("counts a few images at an epoch's end to the stretch before", () => {
    const curve = new LiveCurve();
    curve.add({ epoch: 0, seen: 960 }, { loss: 1, accuracy: 0.5 }, 1000);
    // 40 images of loss 26: the mean of all is 2.
    curve.add({ epoch: 0, seen: 1000 }, { loss: 2, accuracy: 0.5 }, 1000);
    expect(curve.points).toEqual([
      { x: 1, loss: expect.closeTo(2, 12), accuracy: expect.closeTo(0.5, 12), images: 1000 },
    ]);
  });

  test("stays short however long training is, and keeps its mean", () => {
    const curve = new LiveCurve();
    for (let epoch = 0; epoch < 50; epoch++)
      for (let seen = 200; seen <= 20_000; seen += 200)
        curve.add({ epoch, seen }, { loss: epoch, accuracy: 0.5 }, 20_000);
    expect(curve.points.length).toBeLessThan(600);
    expect(curve.points.length).toBeGreaterThan(150);
    const all = curve.points.reduce((sum, { images }) => sum + images, 0);
    const mean = curve.points.reduce((sum, { loss, images }) => sum + loss * images, 0) / all;
    expect(mean).toBeCloseTo(24.5, 0);
    expect(curve.points.map(({ x }) => x)).toEqual([...curve.points].map(({ x }) => x).sort((a, b) => a - b));
  });
});

describe("pictures of activations", () => {
  test("maps lie side by side, clear between them", () => {
    // Two maps of 1x2: 0, 4 and 2, -4.
    const { pixels, shape } = mapAtlas(Float32Array.of(0, 2, 4, -4), [1, 2, 2], 2, 2);
    expect(shape).toEqual([1, 5, 4]);
    const grey = [...pixels].filter((_, i) => i % 4 === 0);
    const alpha = [...pixels].filter((_, i) => i % 4 === 3);
    expect(grey).toEqual([128, 255, 0, 191, 0]);
    expect(alpha).toEqual([255, 255, 0, 255, 255]);
  });

  test("a flat layer fills rows", () => {
    const { pixels, shape } = rowAtlas(Float32Array.from({ length: 40 }, (_, i) => i));
    expect(shape).toEqual([2, 32, 4]);
    expect(pixels[4 * 39]).toBe(255);
    expect(pixels[4 * 40 + 3]).toBe(0);
  });

  test("a layer that is all zero is black", () => {
    expect(rowAtlas(new Float32Array(4)).pixels.filter((_, i) => i % 4 < 3)).toEqual(new Uint8Array(12));
  });
});
