import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { loadDataset } from "../../src/sources/load.ts";
import { dataErrorOf, tempFolder } from "../data/helpers.ts";

// Folders of pictures and their masks.

/** A grey picture of 3 rows and 4 columns; or of as many colours. */
const png = (numbers: readonly number[], [height, width] = [3, 4]) => {
  const channels = numbers.length / (height! * width!);
  return encode({
    width: width!,
    height: height!,
    channels: channels as 1 | 3,
    data: Uint8Array.from(numbers),
  });
};
const twelve = (of: (at: number) => number) => Array.from({ length: 12 }, (_, at) => of(at));

async function folderOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const folder = join(await tempFolder(), "cells");
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** Five pictures, and masks of what those have at each pixel. */
const five = (mask: (no: number, at: number) => number) =>
  Object.fromEntries(
    [0, 1, 2, 3, 4].flatMap((no) => [
      [`images/${no}.png`, png(twelve((at) => 20 * no + at))],
      [`masks/${no}.png`, png(twelve((at) => mask(no, at)))],
    ]),
  );

async function loaded(files: Readonly<Record<string, Uint8Array | string>>, options = {}) {
  const notices: string[] = [];
  const dataset = await loadDataset(await folderOf(files), {
    onNotice: (text) => void notices.push(text.replace(/\S*cells/g, "cells")),
    ...options,
  });
  return { ...dataset, notices };
}

describe("images/ and masks/", () => {
  test("greys are classes; a fifth is kept for the test", async () => {
    const {
      train,
      test: kept,
      answers,
      classNames,
      name,
      notices,
    } = await loaded(five((no, at) => (no + at) % 3));
    expect([name, answers, classNames]).toEqual(["cells", { kind: "masks", shape: [3, 4] }, ["0", "1", "2"]]);
    expect([train.count, kept.count, train.shape]).toEqual([4, 1, [3, 4, 1]]);
    expect(notices).toEqual(["cells has no images for the test: 1 of 5 are kept for it."]);
    for (const { images, labels, count } of [train, kept])
      for (let i = 0; i < count; i++) {
        const no = images[12 * i]! / 20;
        expect([...labels.subarray(12 * i, 12 * i + 12)]).toEqual(twelve((at) => (no + at) % 3));
      }
  });

  test("black and white are 0 and 1", async () => {
    const { train, classNames, notices } = await loaded(five((_, at) => 255 * (at % 2)));
    expect(classNames).toEqual(["0", "1"]);
    expect([...train.labels.subarray(0, 12)]).toEqual(twelve((at) => at % 2));
    expect(notices).toHaveLength(1);
  });

  test("other greys, and colours, are classes in their order, which is told; classes.txt names them", async () => {
    const greys = await loaded(five((_, at) => [10, 128, 200][at % 3]!));
    expect(greys.classNames).toEqual(["10", "128", "200"]);
    expect([...greys.train.labels.subarray(0, 12)]).toEqual(twelve((at) => at % 3));
    expect(greys.notices[0]).toBe(
      'cells: classes are the greys of masks in their order: 0 is "10", 1 is "128", 2 is "200". Name them in cells/classes.txt, one a line.',
    );
    const files: Record<string, Uint8Array | string> = five(() => 0);
    for (const no of [0, 1, 2, 3, 4])
      files[`masks/${no}.png`] = png(
        twelve((at) => at % 2).flatMap((id) => (id ? [0, 0, 128] : [128, 0, 0])),
      );
    const coloured = await loaded({ ...files, "classes.txt": "sea\nland\n" });
    expect(coloured.classNames).toEqual(["sea", "land"]);
    expect([...coloured.train.labels.subarray(0, 4)]).toEqual([1, 0, 1, 0]);
    const few = await folderOf({ ...files, "classes.txt": "sea\n" });
    expect((await dataErrorOf(loadDataset(few))).message).toContain("names 1 class, but masks have 2");
  });

  test("masks of other sizes are brought to that of images without new classes between", async () => {
    const files: Record<string, Uint8Array | string> = five(() => 0);
    for (const no of [0, 1, 2, 3, 4])
      files[`masks/${no}.png`] = png(
        Array.from({ length: 48 }, (_, at) => (at % 8 < 4 ? 0 : 2)),
        [6, 8],
      );
    const { train } = await loaded(files);
    expect([...train.labels.subarray(0, 8)]).toEqual([0, 0, 2, 2, 0, 0, 2, 2]);
    const small = await loaded(files, { imageSize: [2, 2] });
    expect([...small.train.labels.subarray(0, 4)]).toEqual([0, 2, 0, 2]);
  });

  test("folders of parts", async () => {
    const own = five((no) => no % 2);
    const files = Object.fromEntries(
      Object.entries(own).map(([path, bytes]) => {
        const part = path.includes("4") ? "test" : path.includes("3") ? "val" : "train";
        return [`${part}/${path}`, bytes];
      }),
    );
    const { train, validation, test: kept, notices } = await loaded(files);
    expect([train.count, validation!.count, kept.count]).toEqual([3, 1, 1]);
    expect([...validation!.labels]).toEqual(twelve(() => 1));
    expect(kept.images[0]).toBe(80);
    expect(notices).toEqual([]);
  });

  test("a picture without a mask, and a mask without a picture", async () => {
    const { "masks/3.png": _, ...lacking } = five(() => 0);
    expect((await dataErrorOf(loadDataset(await folderOf(lacking)))).message).toMatch(
      /images\/3\.png: has none of the same name in \S*masks; expected a mask for each picture\.$/,
    );
    const more = { ...five(() => 0), "masks/9.png": png(twelve(() => 0)) };
    expect((await dataErrorOf(loadDataset(await folderOf(more)))).message).toMatch(/masks\/9\.png: has none/);
  });

  test("photos as masks are refused", async () => {
    const files: Record<string, Uint8Array | string> = five(() => 0);
    for (const no of [0, 1, 2, 3, 4])
      files[`masks/${no}.png`] = png(
        Array.from({ length: 3 * 100 }, (_, i) => (i * 31 + no * 7 + (i >> 3)) % 256),
        [10, 10],
      );
    const folder = await folderOf(files);
    const error = await dataErrorOf(loadDataset(folder, { imageSize: [10, 10] }));
    expect(error.message).toContain("masks have more than 256 colours");
  });
});

test("a folder with other folders beside is one of classes, as before", async () => {
  const files = five(() => 0);
  const { classNames, answers } = await loaded({ ...files, "others/1.png": png(twelve(() => 9)) });
  expect(classNames).toEqual(["images", "masks", "others"]);
  expect(answers).toBeUndefined();
});
