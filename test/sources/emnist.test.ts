import { rm } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { encodeIdxImages, encodeIdxLabels } from "../../src/data/index.ts";
import { isStreamed } from "../../src/data/streamed.ts";
import { loadDataset } from "../../src/sources/load.ts";
import { dataErrorOf, fill, makeSet, tempFolder } from "../data/helpers.ts";

afterEach(() => void vi.restoreAllMocks());

/** Files of a split; its labels count from `first`. */
function split(name: string, first: number): Record<string, Uint8Array | string> {
  const files: Record<string, Uint8Array | string> = {};
  for (const [part, count] of [
    ["train", 6],
    ["test", 3],
  ] as const) {
    const set = makeSet(count, [4, 3, 1], 3);
    files[`${name}-${part}-images-idx3-ubyte.gz`] = gzipSync(encodeIdxImages(set));
    files[`${name}-${part}-labels-idx1-ubyte`] = encodeIdxLabels(set.labels.map((label) => label + first));
  }
  files[`${name}-mapping.txt`] = [0, 1, 2].map((i) => `${i + first} ${65 + i} ${97 + i}`).join("\r\n");
  return files;
}

test("a split is set upright, its classes count from 0 and have their characters as names", async () => {
  const folder = await fill(await tempFolder(), split("emnist-letters", 1));
  for (const path of [folder, join(folder, "emnist-letters")]) {
    const { name, classNames, train, test: kept } = await loadDataset(path);
    expect([name, classNames, train.count, kept.count]).toEqual(["emnist-letters", ["A", "B", "C"], 6, 3]);
    expect([...train.labels]).toEqual([0, 1, 2, 0, 1, 2]);
    expect(train.shape).toEqual([3, 4, 1]);
    const { images } = makeSet(1, [4, 3, 1], 3);
    // The first row is what was the first column.
    expect([...train.images.subarray(0, 4)]).toEqual([0, 3, 6, 9].map((at) => images[at]));
  }
});

test("of several splits one is to be named", async () => {
  const folder = await fill(await tempFolder(), {
    ...split("emnist-letters", 1),
    ...split("emnist-digits", 0),
  });
  const error = await dataErrorOf(loadDataset(folder));
  expect(error.message).toContain(
    `name one: ${join(folder, "emnist-digits")}, ${join(folder, "emnist-letters")}.`,
  );
  expect((await loadDataset(join(folder, "emnist-digits"))).name).toBe("emnist-digits");
});

test("a split is streamed by itself by the size of its own plain files, whatever lies beside them", async () => {
  const letters = split("emnist-letters", 1);
  const plain = Object.fromEntries(
    ["train", "test"].map((part) => {
      const name = `emnist-letters-${part}-images-idx3-ubyte`;
      return [name, gunzipSync(letters[`${name}.gz`]!)];
    }),
  );
  const folder = await fill(await tempFolder(), { ...letters, ...plain, ...split("emnist-digits", 0) });
  const path = join(folder, "emnist-letters");
  const own = Object.values(plain).reduce((sum, { length }) => sum + length, 0);
  const notices: string[] = [];
  const streamed = async (free: number) => {
    vi.spyOn(process, "availableMemory").mockReturnValue(free);
    const options = { stream: "auto", onNotice: (text: string) => void notices.push(text) } as const;
    return isStreamed((await loadDataset(path, options)).train);
  };
  expect([await streamed(2 * own - 1), await streamed(2 * own)]).toEqual([true, false]);
  expect(notices.join()).toContain(`its images take some ${(own / 1e9).toPrecision(3)} GB`);
  await rm(join(folder, "emnist-letters-train-images-idx3-ubyte"));
  expect(await streamed(1)).toBe(false);
});

test("what does not fit is refused", async () => {
  const messageOf = async (files: Record<string, Uint8Array | string>) =>
    (await dataErrorOf(loadDataset(await fill(await tempFolder(), files)))).message;
  const { "emnist-x-test-labels-idx1-ubyte": _, ...lacking } = split("emnist-x", 0);
  expect(await messageOf(lacking)).toMatch(/has no emnist-x-test-labels-idx1-ubyte\(\.gz\)/);
  const files = split("emnist-x", 0);
  expect(await messageOf({ ...files, "emnist-x-mapping.txt": "0 65\n1 66" })).toMatch(
    /labels up to 2; .* names 2 from 0 on/,
  );
  expect(await messageOf({ ...files, "emnist-x-mapping.txt": "0 65\n2 66" })).toMatch(/one after the other/);
  expect(await messageOf({ ...files, "emnist-x-mapping.txt": "a b" })).toMatch(/has the line "a b"/);
});
