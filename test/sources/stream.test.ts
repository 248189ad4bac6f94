import { readdir, readlink, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { zipSync } from "fflate";
import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeIdxImages, encodeIdxLabels } from "../../src/data/index.ts";
import type { LoadOptions } from "../../src/data/load-options.ts";
import { inMemory, isStreamed, type StreamedImageSet } from "../../src/data/streamed.ts";
import type { Dataset, ImageSet } from "../../src/data/types.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { imageDatasetFromDirectory } from "../../src/sources/image-directory.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { dataErrorOf, fill, makeSet, tempFolder } from "../data/helpers.ts";
import { hash32 } from "../support/fixture-values.ts";
import { modelOf } from "../support/sessions.ts";
import { npy } from "./npy.ts";
import { fillTree, png } from "./pictures.ts";

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => hash32(seed * 100_003 + i));

/** So many images of noise, their classes in turn. */
const noisy = (count: number, shape: ImageSet["shape"], seed: number): ImageSet => ({
  images: noise(count * shape[0] * shape[1] * shape[2], seed),
  labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
  count,
  shape,
});

const idx = (part: string, set: ImageSet) => ({
  [`${part}-images-idx3-ubyte`]: encodeIdxImages(set),
  [`${part}-labels-idx1-ubyte`]: encodeIdxLabels(set.labels),
});
const idxFolder = async (shape: ImageSet["shape"] = [5, 4, 1]) =>
  fill(await tempFolder(), { ...idx("train", noisy(57, shape, 1)), ...idx("t10k", noisy(11, shape, 2)) });

function emnist(): Record<string, Uint8Array | string> {
  const files: Record<string, Uint8Array | string> = {
    "emnist-letters-mapping.txt": "1 65 97\n2 66 98\n3 67 99",
  };
  for (const [part, count] of [["train", 31] as const, ["test", 7] as const]) {
    const set = noisy(count, [4, 3, 1], count);
    files[`emnist-letters-${part}-images-idx3-ubyte`] = encodeIdxImages(set);
    files[`emnist-letters-${part}-labels-idx1-ubyte`] = encodeIdxLabels(set.labels.map((label) => label + 1));
  }
  return files;
}

const record = (label: number, seed: number) => [label, ...noise(3072, seed)];
const cifar = () => ({
  "batches.meta.txt": "plane\ncar\nbird\n",
  "data_batch_1.bin": Uint8Array.from([0, 1, 2, 0, 1].flatMap(record)),
  "data_batch_2.bin": Uint8Array.from([2, 2, 1].flatMap((label, i) => record(label, 10 + i))),
  "test_batch.bin": Uint8Array.from([1, 0].flatMap((label, i) => record(label, 20 + i))),
});

function archive(arrays: Readonly<Record<string, Uint8Array>>, level: 0 | 6 = 0): Uint8Array {
  const files = Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, [bytes, { level }]] as const);
  return zipSync(Object.fromEntries(files) as never);
}
const arrays = (shape: readonly number[] = [5, 5]) => {
  const { images, labels } = noisy(40, [5, 5, 1], 3);
  return {
    x_train: npy("|u1", [40, ...shape], [...images]),
    y_train: npy("<i8", [40], [...labels]),
  };
};

/** Pictures of noise, so that sizes and colours tell. */
function pictures(size: (i: number) => readonly [number, number], channels: 1 | 3 = 3) {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 24; i++) {
    const [width, height] = size(i);
    const data = noise(width * height * channels, i);
    files[`${["cat", "dog", "eel"][i % 3]}/${i}.png`] = encode({ width, height, channels, data });
  }
  return files;
}

/** Threads that read, as long as they live. */
const live = vi.hoisted(() => new Set<object>());
vi.mock("node:worker_threads", async (original) => {
  const real = await original<typeof import("node:worker_threads")>();
  class Worker extends real.Worker {
    constructor(...[script, options]: ConstructorParameters<typeof real.Worker>) {
      super(script, options);
      // Those of the kernels are a text.
      if (options?.eval) return;
      live.add(this);
      this.on("exit", () => live.delete(this));
    }
  }
  return { ...real, Worker };
});

/** Files of a test that are open, where the system tells. */
const openFiles = async () => {
  const links = (await readdir("/proc/self/fd").catch(() => [])).map((fd) =>
    readlink(`/proc/self/fd/${fd}`).catch(() => ""),
  );
  return (await Promise.all(links)).filter((path) => /ubyte|\.npz|\.png|\.bin/.test(path));
};

afterEach(async () => {
  expect(live.size).toBe(0);
  expect(await openFiles()).toEqual([]);
});

/** Both ways of opening it, and whether they are alike. */
async function both(path: string, options: LoadOptions = {}): Promise<[streamed: Dataset, whole: Dataset]> {
  const whole = await loadDataset(path, options);
  const streamed = await loadDataset(path, { ...options, stream: true });
  const { train, test: kept, validation, ...others } = streamed;
  expect(others).toEqual({
    name: whole.name,
    classNames: whole.classNames,
    ...(whole.pictures && { pictures: whole.pictures }),
  });
  for (const [part, own] of [
    ["train", train],
    ["test", kept],
    ["validation", validation],
  ] as const) {
    const set = whole[part];
    expect(own === undefined).toBe(set === undefined);
    if (!own || !set) continue;
    expect(isStreamed(own)).toBe(true);
    expect([own.count, own.shape, own.labels]).toEqual([set.count, set.shape, set.labels]);
    // Backwards, where each is read by itself, and in order, where several are at once.
    const backwards = Uint32Array.from({ length: set.count }, (_, i) => set.count - 1 - i);
    const rows = Uint32Array.from([...backwards, ...backwards.toReversed()]);
    const [images, expected] = [(await inMemory(own, rows)).images, (await inMemory(set, rows)).images];
    expect(Buffer.compare(images, expected), part).toBe(0);
  }
  return [streamed, whole];
}

/** What a training on a dataset comes to. */
async function trained({ train, test: kept, classNames }: Dataset, stopAfter?: number) {
  const layers = [
    { ...flatten(), inputShape: train.shape },
    dense({ units: classNames.length, activation: "softmax" }),
  ];
  const model = await modelOf(layers, { seed: 3, threads: 2 });
  const history = await model.fit(train, {
    epochs: 2,
    batchSize: 8,
    validationSplit: 0.25,
    validationFrom: "stratified",
    callbacks: { onBatchEnd: ({ batch }, _, training) => void (batch === stopAfter && training.stop()) },
  });
  return [
    history.history,
    await model.weightsSha256(),
    await model.evaluate(kept),
    await model.predict(kept),
  ];
}

describe("a dataset that is streamed has the images of one in memory, and trains to the same bits", () => {
  test.each<[string, () => Promise<string>, LoadOptions?]>([
    ["a folder of IDX files", () => idxFolder()],
    [
      "IDX files with channels",
      async () => {
        const shape = [4, 4, 3] as const;
        const rename4 = (files: Record<string, Uint8Array>) =>
          Object.fromEntries(
            Object.entries(files).map(([name, bytes]) => [name.replace("idx3", "idx4"), bytes]),
          );
        return fill(await tempFolder(), {
          ...rename4(idx("train", noisy(20, shape, 1))),
          ...rename4(idx("test", noisy(5, shape, 2))),
          "classes.txt": "a\nb\nc\nd\n",
        });
      },
    ],
    ["EMNIST", async () => fill(await tempFolder(), emnist())],
    ["CIFAR's binary files", async () => fill(await tempFolder(), cifar())],
    [
      "an .npz without a test",
      async () => join(await fill(await tempFolder(), { "d.npz": archive(arrays()) }), "d.npz"),
    ],
    [
      "an .npz of flat images with validation and test",
      async () => {
        const { x_train, y_train } = arrays([25]);
        const other = { x_test: x_train, y_test: y_train, x_val: x_train, y_val: y_train };
        return fill(await tempFolder(), { "d.npz": archive({ x_train, y_train, ...other }) });
      },
    ],
    [
      "a folder of .npy files",
      async () => {
        const { x_train, y_train } = arrays([5, 5, 1]);
        const files = { x_train, y_train, x_test: x_train, y_test: y_train };
        return fill(
          await tempFolder(),
          Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${name}.npy`, bytes])),
        );
      },
    ],
    [
      "pictures of one size",
      async () =>
        fillTree(
          await tempFolder(),
          pictures(() => [9, 7]),
        ),
    ],
    [
      "grey pictures",
      async () =>
        fillTree(
          await tempFolder(),
          pictures(() => [9, 7], 1),
        ),
    ],
    [
      "pictures of several sizes",
      async () =>
        fillTree(
          await tempFolder(),
          pictures((i) => [9 + (i % 4), 7]),
        ),
    ],
    [
      "pictures of which all is told",
      async () =>
        fillTree(
          await tempFolder(),
          pictures((i) => [9 + (i % 4), 7]),
        ),
      { imageSize: [6, 5], colorMode: "grayscale", interpolation: "area", resize: "crop" },
    ],
    [
      "pictures of which the size is told",
      async () =>
        fillTree(
          await tempFolder(),
          pictures((i) => [9 + (i % 4), 7], 1),
        ),
      { imageSize: [6, 5] },
    ],
    [
      "pictures some of which are left out",
      async () => fillTree(await tempFolder(), { ...pictures(() => [9, 7]), "cat/bad.png": "no picture" }),
      { skipBad: true },
    ],
    [
      "pictures in folders of parts",
      async () => {
        const parts = ["train", "validation", "test"].map((part) =>
          Object.entries(pictures(() => [8, 8])).map(([name, bytes]) => [`${part}/${name}`, bytes] as const),
        );
        return fillTree(await tempFolder(), Object.fromEntries(parts.flat()));
      },
    ],
  ])("%s", async (_, make, options) => {
    const [streamed, whole] = await both(await make(), options);
    expect(await trained(streamed)).toEqual(await trained(whole));
  });
});

describe("a set that is streamed", () => {
  test("says what to do where its images are asked for as a whole", async () => {
    const { train } = await loadDataset(await idxFolder(), { stream: true });
    expect(() => train.images).toThrow(
      "its images are streamed, and do not lie in memory. Read some: await set.read(",
    );
  });

  test("has a mark that names, sizes and contents make, and the place does not", async () => {
    const markOf = async (path: string) =>
      ((await loadDataset(path, { stream: true })).train as StreamedImageSet).mark;
    const [one, same] = [await idxFolder(), await idxFolder()];
    const mark = await markOf(one);
    expect(await markOf(same)).toBe(mark);
    const file = join(same, "train-images-idx3-ubyte");
    await writeFile(file, encodeIdxImages(noisy(57, [5, 4, 1], 9)));
    expect(await markOf(same)).not.toBe(mark);

    const [folder, other] = [await tempFolder(), await tempFolder()];
    for (const each of [folder, other])
      await fillTree(
        each,
        pictures(() => [9, 7]),
      );
    expect(await markOf(other)).toBe(await markOf(folder));
    await rename(join(other, "cat/0.png"), join(other, "cat/00.png"));
    expect(await markOf(other)).not.toBe(await markOf(folder));
  });

  test("of large files is told by blocks of them: not all is read", async () => {
    const large = await idxFolder([60, 60, 1]);
    const set = noisy(2000, [60, 60, 1], 4);
    await fill(large, idx("train", set));
    const file = join(large, "train-images-idx3-ubyte");
    expect((await stat(file)).size).toBeGreaterThan(7e6);
    const markOf = async () => ((await loadDataset(large, { stream: true })).train as StreamedImageSet).mark;
    const mark = await markOf();
    // A byte in the first block, and one between two blocks.
    for (const [at, same] of [
      [100, false],
      [16 + 10_000, true],
    ] as const) {
      const bytes = encodeIdxImages(set);
      bytes[at]! ^= 1;
      await writeFile(file, bytes);
      expect((await markOf()) === mark, `byte ${at}`).toBe(same);
    }
  });
});

test("imageDatasetFromDirectory() streams as well: the same images, and where they lie", async () => {
  const folder = await fillTree(await tempFolder(), {
    ...pictures((i) => [9 + (i % 4), 7]),
    "cat/bad.png": "no picture",
  });
  const options = {
    imageSize: [6, 5],
    cropToAspectRatio: true,
    validationSplit: 0.25,
    subset: "both",
    skipBad: true,
  } as const;
  const whole = await imageDatasetFromDirectory(folder, options);
  const streamed = await imageDatasetFromDirectory(folder, { ...options, stream: true });
  for (const [i, set] of streamed.entries()) {
    const other = whole[i]!;
    expect([set.count, set.shape, set.labels]).toEqual([other.count, other.shape, other.labels]);
    expect([set.classNames, set.filePaths, set.skipped]).toEqual([
      other.classNames,
      other.filePaths,
      other.skipped,
    ]);
    const rows = Uint32Array.from({ length: set.count }, (_, row) => row);
    expect(Buffer.compare((await inMemory(set, rows)).images, other.images)).toBe(0);
  }
  // Nothing is looked at before its turn where size and colours are Keras's.
  const lazy = await imageDatasetFromDirectory(folder, { stream: true });
  expect([lazy.shape, lazy.count]).toEqual([[256, 256, 3], 25]);
  const at = lazy.filePaths.findIndex((path) => path.endsWith("bad.png"));
  await expect(inMemory(lazy, Uint32Array.of(0, at))).rejects.toThrow(
    /bad\.png: .*Mend the file, or put it back/,
  );
});

describe("files that change while a training reads from them", () => {
  const change = {
    disappears: [(path: string) => rm(path), /: is no longer there\. Put it back\.$/],
    "is cut off": [
      (path: string) => truncate(path, 500),
      /: has 500 bytes, and had 1156 when the dataset was opened/,
    ],
    "is another one": [
      (path: string) => writeFile(path, new Uint8Array(2000)),
      /: has 2000 bytes, and had 1156 when/,
    ],
  } as const;

  test.each(Object.keys(change) as (keyof typeof change)[])(
    "one that %s is named, and the training goes on from there",
    async (how) => {
      const folder = await idxFolder();
      const [act, message] = change[how];
      const path = join(folder, "train-images-idx3-ubyte");
      const layers = [{ ...flatten(), inputShape: [5, 4, 1] }, dense({ units: 3, activation: "softmax" })];
      const options = { epochs: 3, batchSize: 8 };
      const { train } = await loadDataset(folder, { stream: true });
      const straight = await modelOf(layers, { seed: 3 });
      await straight.fit(train, options);

      const model = await modelOf(layers, { seed: 3 });
      const kept = join(folder, "kept");
      const training = model.training(train, {
        ...options,
        callbacks: {
          // Files are opened anew in each fit and stay open meanwhile: one that disappears must do so before.
          async onTrainBegin() {
            if (how !== "disappears") return;
            await rename(path, kept);
          },
          async onEpochEnd() {
            if (how === "disappears") return;
            await writeFile(kept, await import("node:fs/promises").then(({ readFile }) => readFile(path)));
            await act(path);
          },
        },
      });
      let failure: Error | undefined;
      try {
        await training.run();
      } catch (error) {
        failure = error as Error;
      }
      expect(failure?.message).toMatch(message);
      expect(failure?.message).toContain(path);
      const state = training.state();
      expect([state.epoch, state.batch]).toEqual([how === "disappears" ? 0 : 1, 0]);

      await rm(path, { force: true });
      await rename(kept, path);
      const again = await modelOf(layers, { seed: 3 });
      await again.fit(train, { ...options, initialState: state });
      expect(await again.weightsSha256()).toBe(await straight.weightsSha256());
    },
  );

  test("a picture that is damaged meanwhile is named", async () => {
    const folder = await fillTree(
      await tempFolder(),
      pictures(() => [9, 7]),
    );
    const dataset = await loadDataset(folder, { stream: true });
    const path = join(folder, "dog/1.png");
    await writeFile(path, png(9, 7, 3).subarray(0, 40));
    const error = await trained(dataset).then(
      () => undefined,
      (failure: Error) => failure,
    );
    expect(error?.message).toContain(path);
    await rm(path);
    const missing = await trained(dataset).then(
      () => undefined,
      (failure: Error) => failure,
    );
    expect(missing?.message).toContain(`${path}: there is no such file`);
  });

  test("a training that is stopped early leaves no thread and no open file", async () => {
    const folder = await fillTree(
      await tempFolder(),
      pictures(() => [9, 7]),
    );
    await trained(await loadDataset(folder, { stream: true }), 1);
    const { train } = await loadDataset(await idxFolder(), { stream: true });
    const model = await modelOf([
      { ...flatten(), inputShape: [5, 4, 1] },
      dense({ units: 3, activation: "softmax" }),
    ]);
    const training = model.training(train, { batchSize: 8 });
    await training.step();
    expect([live.size, (await openFiles()).length]).toEqual([1, process.platform === "linux" ? 1 : 0]);
    training.stop();
    await training.step();
  });
});

describe("what cannot be read in parts is refused", () => {
  test.each<[string, () => Promise<string>, string]>([
    [
      "a dataset by name",
      async () => "digits",
      'loadDataset: stream is for files at a path, not for "digits", which fits into memory: leave it out',
    ],
    [
      "gzipped IDX",
      async () => {
        const { "train-images-idx3-ubyte": images, ...others } = {
          ...idx("train", makeSet(6, [4, 3, 1], 3)),
          ...idx("t10k", makeSet(3, [4, 3, 1], 3)),
        };
        return fill(await tempFolder(), { ...others, "train-images-idx3-ubyte.gz": gzipSync(images!) });
      },
      "is gzipped, and cannot be streamed, as there is no reading it in parts. Unpack it once: gunzip ",
    ],
    [
      "a packed .npz",
      async () => fill(await tempFolder(), { "d.npz": archive(arrays(), 6) }),
      "x_train is packed, and cannot be streamed, as there is no reading it in parts. Write: np.savez(…) in place of np.savez_compressed(…)",
    ],
    [
      "an .npz of floats",
      async () =>
        fill(await tempFolder(), {
          "d.npz": archive({
            ...arrays(),
            x_train: npy("<f4", [2, 5, 5], Array(50).fill(0.5)),
            y_train: npy("|u1", [2], [0, 1]),
          }),
        }),
      "x_train: holds float32 numbers; expected bytes, 0 to 255, where images are streamed. Write: (255 * x).round().astype(np.uint8)",
    ],
    [
      "a table",
      async () => fill(await tempFolder(), { "d.csv": "label,a,b,c,d\n0,1,2,3,4\n1,2,3,4,5\n" }),
      "is a table, which is read as a whole. Write its numbers to an archive: np.savez(",
    ],
    [
      "an IDX file that is cut off",
      async () => {
        const folder = await idxFolder();
        await truncate(join(folder, "train-images-idx3-ubyte"), 400);
        return folder;
      },
      "train-images-idx3-ubyte: has 400 bytes; expected 1156 for dimensions 57 x 5 x 4",
    ],
    [
      "labels that are not as many",
      async () => fill(await idxFolder(), { "train-labels-idx1-ubyte": encodeIdxLabels(new Uint8Array(5)) }),
      "57 images but 5 labels",
    ],
    [
      "a picture that is none",
      async () => fillTree(await tempFolder(), { ...pictures(() => [9, 7]), "cat/bad.png": "no picture" }),
      "1 of 25 pictures cannot be read",
    ],
    [
      "an archive that is cut off",
      async () => fill(await tempFolder(), { "d.npz": archive(arrays()).subarray(0, 700) }),
      "d.npz: is a damaged archive: End of central directory record signature not found",
    ],
  ])("%s", async (_, make, message) => {
    const error = await dataErrorOf(loadDataset(await make(), { stream: true }));
    expect(error.message).toContain(message);
  });
});
