import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type LoadOptions, loadDataset, type Progress, ROLES } from "../../src/data/node.ts";
import {
  dataErrorOf,
  FILE_NAMES,
  fill,
  gzFiles,
  listing,
  type Mirror,
  serve,
  startMirror,
  tempFolder,
  tinyDataset,
} from "./helpers.ts";

const tiny = tinyDataset();
const wanted = { name: "tiny", classNames: ["a", "b", "c"], train: tiny.train, test: tiny.test };
const names = Object.values(FILE_NAMES);

/** A cache folder, a good mirror, and `load` bound to both; `WASMGRAD_DATA` is unset. */
let cacheDir: string;
let mirror: Mirror;
const load = (options: LoadOptions = {}) =>
  loadDataset(tiny.info, { cacheDir, mirrors: [mirror.url], retryDelayMs: 1, ...options });

beforeEach(async () => {
  vi.stubEnv("WASMGRAD_DATA", "");
  cacheDir = await tempFolder();
  mirror = await startMirror(serve(tiny));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("download and cache", () => {
  it("fetches each file once, keeps it as it came, and never asks again", async () => {
    const progress: Progress[] = [];
    expect(await load({ onProgress: (p) => progress.push(p) })).toEqual(wanted);
    expect(mirror.requests).toEqual(names.map((name) => `/${name}`));
    expect([...new Set(progress.map(({ file }) => file))]).toEqual(names);
    expect(await listing(join(cacheDir, "tiny"))).toEqual([...names].sort());
    for (const role of ROLES) {
      expect(new Uint8Array(await readFile(join(cacheDir, "tiny", FILE_NAMES[role])))).toEqual(tiny.gz[role]);
    }
    expect(await load()).toEqual(wanted);
    expect(await load({ offline: true })).toEqual(wanted);
    expect(mirror.requests).toHaveLength(4);
  });

  it("shares one download among concurrent loads", async () => {
    const onNotice = vi.fn();
    const loads = await Promise.all([load({ onNotice }), load({ onNotice }), load({ onNotice })]);
    for (const loaded of loads) expect(loaded).toEqual(wanted);
    expect(mirror.requests).toHaveLength(4);
    expect(onNotice.mock.calls).toEqual(Array(2).fill(["Waiting for another run that is downloading Tiny."]));
    expect(await listing(join(cacheDir, "tiny"))).toEqual([...names].sort());
  });

  it("reports a damaged cached file and fetches only that again", async () => {
    await load();
    const path = join(cacheDir, "tiny", FILE_NAMES.testLabels);
    for (const damaged of [tiny.gz.testLabels.subarray(0, 20), tiny.gz.trainLabels, new Uint8Array()]) {
      await writeFile(path, damaged);
      const onNotice = vi.fn();
      const before = mirror.requests.length;
      expect(await load({ onNotice })).toEqual(wanted);
      expect(mirror.requests.slice(before)).toEqual([`/${FILE_NAMES.testLabels}`]);
      expect(onNotice).toHaveBeenCalledTimes(1);
      expect(onNotice.mock.calls[0]![0]).toContain(path);
      expect(onNotice.mock.calls[0]![0]).toMatch(/Fetching it again\.$/);
      expect(new Uint8Array(await readFile(path))).toEqual(tiny.gz.testLabels);
    }
  });

  it("keeps what it got when a later file fails, leaving no other trace, and asks only for the rest", async () => {
    const good = serve(tiny);
    let broken = true;
    const flaky = await startMirror((response, file, request) => {
      if (!broken || !file.startsWith("t10k-images")) good(response, file, request);
      else response.writeHead(200, { "content-length": 500 }).write("part", () => response.destroy());
    });
    const error = await dataErrorOf(load({ mirrors: [flaky.url] }));
    expect(error.code).toBe("download");
    expect(error.message).toMatch(/no mirror delivered t10k-images-idx3-ubyte\.gz:\n {2}- http/);
    expect(error.message).toContain(`into ${join(cacheDir, "tiny")} `);
    expect(error.message).toContain('"digits", which needs no download');
    expect(await listing(join(cacheDir, "tiny"))).toEqual([FILE_NAMES.trainImages, FILE_NAMES.trainLabels]);

    broken = false;
    const before = flaky.requests.length;
    expect(await load({ mirrors: [flaky.url] })).toEqual(wanted);
    expect(flaky.requests.slice(before)).toEqual([`/${FILE_NAMES.testImages}`, `/${FILE_NAMES.testLabels}`]);
  });

  it("does not keep a file with a wrong checksum", async () => {
    const wrong = await startMirror(serve(tinyDataset("tiny", "idx", 5)));
    expect((await dataErrorOf(load({ mirrors: [wrong.url] }))).code).toBe("download");
    expect(await listing(join(cacheDir, "tiny"))).toEqual([]);
    expect(await load({ mirrors: [wrong.url, mirror.url] })).toEqual(wanted);
    expect([wrong.requests.length, mirror.requests.length]).toEqual([1 + 4, 4]);
  });

  it("leaves neither lock nor temporary file behind on abort", async () => {
    const hanging = await startMirror((response) => void response.writeHead(200).write("x"));
    const controller = new AbortController();
    const reason = new Error("enough");
    const loading = load({
      mirrors: [hanging.url],
      signal: controller.signal,
      onProgress: ({ received }) => received > 0 && controller.abort(reason),
    });
    await expect(loading).rejects.toBe(reason);
    expect(await listing(join(cacheDir, "tiny"))).toEqual([]);
    const signal = AbortSignal.abort(reason);
    await expect(load({ signal })).rejects.toBe(reason);
    await expect(loadDataset("digits", { signal })).rejects.toBe(reason);
    expect(mirror.requests).toEqual([]);
  });

  it("loads even if the cache can't be written, and says so", async () => {
    const file = join(cacheDir, "a-file");
    await writeFile(file, "");
    const onNotice = vi.fn();
    expect(await load({ cacheDir: file, onNotice })).toEqual(wanted);
    expect(onNotice).toHaveBeenCalledTimes(4);
    expect(onNotice.mock.calls[0]![0]).toMatch(/^Tiny: can't keep train-images-idx3-ubyte\.gz in /);
  });

  it("takes files that the user put into the cache, plain ones too", async () => {
    await fill(join(cacheDir, "tiny"), {
      ...gzFiles(tiny),
      "t10k-images-idx3-ubyte": tiny.idx.testImages,
    });
    expect(await load({ offline: true })).toEqual(wanted);
    const byGz = tinyDataset("by-gz", "gz");
    await fill(join(cacheDir, "by-gz"), {
      "train-images-idx3-ubyte": byGz.idx.trainImages,
      "train-labels-idx1-ubyte": byGz.idx.trainLabels,
      "t10k-images-idx3-ubyte": byGz.idx.testImages,
      "t10k-labels-idx1-ubyte.gz": byGz.gz.testLabels,
    });
    const onNotice = vi.fn();
    expect((await loadDataset(byGz.info, { cacheDir, offline: true, onNotice })).test).toEqual(byGz.test);
    expect(onNotice).toHaveBeenCalledTimes(3);
    expect(onNotice.mock.calls[0]![0]).toMatch(/train-images-idx3-ubyte is not gzipped.*used unverified\.$/);
  });
});

describe("offline", () => {
  it("and not cached is one error with the folder, the files, and the dataset that needs neither", async () => {
    const error = await dataErrorOf(loadDataset("mnist", { cacheDir, offline: true, mirrors: [mirror.url] }));
    expect(error.code).toBe("not-cached");
    expect(error.message).toBe(
      "MNIST handwritten digits is not on this machine. Offline, nothing is downloaded. " +
        "Put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz " +
        `into ${join(cacheDir, "mnist")} (or into a folder "mnist" in the folder that WASMGRAD_DATA names), ` +
        'or use the dataset "digits", which needs no download.',
    );
    expect(mirror.requests).toEqual([]);
  });

  it("and damaged says what is wrong, and touches nothing", async () => {
    await fill(join(cacheDir, "tiny"), { ...gzFiles(tiny), [FILE_NAMES.testLabels]: tiny.gz.trainLabels });
    const error = await dataErrorOf(load({ offline: true }));
    expect(error.code).toBe("not-cached");
    expect(error.message).toMatch(/damaged.*\n {2}- Tiny: .*t10k-labels-idx1-ubyte\.gz: the SHA-256 of/);
    expect(mirror.requests).toEqual([]);
    expect(await listing(join(cacheDir, "tiny"))).toEqual([...names].sort());
  });
});

describe("the user's own folders", () => {
  it("come in order: dataDir/<name>, dataDir itself, WASMGRAD_DATA, the cache", async () => {
    // Four datasets that only differ in content; the registry entry is told which content to expect.
    const [nested, direct, env, cached] = [1, 2, 3, 4].map((salt) => tinyDataset("tiny", "idx", salt));
    const dataDir = await fill(await tempFolder(), gzFiles(direct!));
    const envDir = await tempFolder();
    await fill(join(dataDir, "tiny"), gzFiles(nested!));
    await fill(join(envDir, "tiny"), gzFiles(env!));
    await fill(join(cacheDir, "tiny"), gzFiles(cached!));
    vi.stubEnv("WASMGRAD_DATA", envDir);
    const source = async (options: LoadOptions) => {
      for (const [name, candidate] of Object.entries({ nested, direct, env, cached })) {
        const loaded = await loadDataset(candidate!.info, { cacheDir, offline: true, ...options }).catch(
          () => null,
        );
        if (loaded !== null) {
          expect(loaded.train).toEqual(candidate!.train);
          return name;
        }
      }
      return undefined;
    };
    expect(await source({ dataDir })).toBe("nested");
    expect(await source({ dataDir: join(dataDir, "tiny") })).toBe("nested");
    expect(await source({ dataDir: await fill(await tempFolder(), gzFiles(direct!)) })).toBe("direct");
    expect(await source({})).toBe("env");
    vi.stubEnv("WASMGRAD_DATA", dataDir);
    expect(await source({})).toBe("nested");
    // Of WASMGRAD_DATA only the subfolder counts: its other files belong to who knows which dataset.
    vi.stubEnv("WASMGRAD_DATA", join(dataDir, "tiny"));
    expect(await source({})).toBe("cached");
  });

  it("may hold plain files", async () => {
    const plain = Object.fromEntries(ROLES.map((role) => [FILE_NAMES[role].slice(0, -3), tiny.idx[role]]));
    const dataDir = await fill(await tempFolder(), plain);
    expect(await load({ dataDir })).toEqual(wanted);
    expect(mirror.requests).toEqual([]);
  });

  it("must have the right checksums", async () => {
    const dataDir = await fill(await tempFolder(), {
      ...gzFiles(tiny),
      [FILE_NAMES.testImages]: tiny.gz.trainImages,
    });
    const error = await dataErrorOf(load({ dataDir }));
    expect(error.code).toBe("checksum");
    expect(error.message).toContain(`Tiny: ${join(dataDir, FILE_NAMES.testImages)}: the SHA-256`);
    expect(mirror.requests).toEqual([]);
  });

  it("must be complete: dataDir always, WASMGRAD_DATA where it has a part", async () => {
    const empty = await tempFolder();
    const none = await dataErrorOf(load({ dataDir: empty }));
    expect(none.code).toBe("not-found");
    expect(none.message).toContain(
      `looked in ${join(empty, "tiny")} and ${empty} for train-images-idx3-ubyte(.gz), `,
    );

    const part = await tempFolder();
    await fill(join(part, "tiny"), { [FILE_NAMES.trainImages]: tiny.gz.trainImages });
    vi.stubEnv("WASMGRAD_DATA", part);
    const some = await dataErrorOf(load());
    expect(some.code).toBe("not-found");
    expect(some.message).toMatch(
      /WASMGRAD_DATA\) lacks train-labels-idx1-ubyte\(\.gz\), t10k-images-idx3-ubyte\(\.gz\), t10k-labels/,
    );
    expect(mirror.requests).toEqual([]);

    vi.stubEnv("WASMGRAD_DATA", empty);
    expect(await load()).toEqual(wanted);
  });
});

describe("names", () => {
  it("that are neither known nor a folder are an error that lists the known", async () => {
    for (const name of ["mnits", "constructor", "./no/such/folder"]) {
      const error = await dataErrorOf(loadDataset(name, { cacheDir, offline: true }));
      expect(error.code).toBe("unknown-dataset");
      expect(error.message).toMatch(
        /^dataset ".*": .*mnist, fashion-mnist, kmnist, digits, cifar10, cifar100, or the path of a folder/,
      );
    }
  });

  it("pass digits on to its generator, with its options and no network", async () => {
    const generateDigits = vi.fn(async () => wanted);
    vi.doMock("../../src/data/digits.ts", () => ({ generateDigits }));
    try {
      const loaded = await loadDataset("digits", { cacheDir, offline: true, digits: { train: 12, seed: 3 } });
      expect(loaded).toBe(wanted);
      expect(generateDigits).toHaveBeenCalledExactlyOnceWith({ train: 12, seed: 3 });
    } finally {
      vi.doUnmock("../../src/data/digits.ts");
    }
  });

  it("load the real MNIST", { timeout: 20_000 }, async (context) => {
    vi.unstubAllEnvs();
    const folder = process.env.WASMGRAD_DATA;
    context.skip(
      !folder || !existsSync(join(folder, "mnist")),
      "WASMGRAD_DATA names no folder with mnist/ in it",
    );
    const { train, test, classNames } = await loadDataset("mnist", { cacheDir, offline: true });
    expect([train.count, test.count, classNames.length]).toEqual([60_000, 10_000, 10]);
    expect(train.shape).toEqual([28, 28, 1]);
    expect([...train.labels.subarray(0, 8)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    // The mean pixel of the training images, the well-known 0.1307 of full scale.
    const sum = train.images.reduce((total, pixel) => total + pixel, 0);
    expect(sum / train.images.length / 255).toBeCloseTo(0.1307, 4);
  });
});
