import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { loadDataset } from "../../src/sources/load.ts";
import { withModelClasses } from "../../src/sources/model-classes.ts";
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

  test("train/ and val/ alone: val is the test, as of pictures; other folders with pictures are told of", async () => {
    const files = Object.fromEntries(
      Object.entries(five((no) => no % 2)).map(([path, bytes]) => [
        `${path.includes("3") ? "val" : "train"}/${path}`,
        bytes,
      ]),
    );
    const { train, validation, test: kept, notices } = await loaded(files);
    expect([train.count, validation, kept.count, kept.images[0]]).toEqual([4, undefined, 1, 60]);
    expect(notices).toEqual([
      'cells has no folder test: the pictures of "val" are kept for the test, and validation is taken from "train".',
    ]);
    const split = dataErrorOf(loadDataset(await folderOf(files), { testSplit: 0.5 }));
    expect((await split).message).toMatch(
      /testSplit is 0\.5, but "val" has pictures for the test: leave testSplit out$/,
    );
    const one = png(twelve(() => 0));
    const more = { "raw/1.png": one, "training/images/1.png": one, "json/1.json": "{}" };
    expect((await loaded({ ...files, ...more })).notices[0]).toContain("the pictures of");
    expect((await loaded({ ...files, ...more })).notices[1]).toBe(
      "cells: raw/, training/ are left out: beside one folder to train on, one for validation and one for the test are read.",
    );
  });

  test("a part without images and masks of its own is refused: it would be left out", async () => {
    const inTrain = Object.entries(five((no) => no % 2)).map(([path, bytes]) => [`train/${path}`, bytes]);
    const messageOf = async (more: Readonly<Record<string, Uint8Array>>) => {
      const folder = await folderOf({ ...Object.fromEntries(inTrain), ...more });
      return (await dataErrorOf(loadDataset(folder))).message.replaceAll(/\S*cells/g, "cells");
    };
    const one = png(twelve(() => 0));
    const pair = { "test/images/1.png": one, "test/masks/1.png": one };
    expect(await messageOf({ ...pair, "test/overlays/1.png": one })).toBe(
      "cells/test: has images/ and masks/, and beside them overlays/; expected those two alone, as there are to train on: move all but images/ and masks/ elsewhere.",
    );
    expect(await messageOf({ ...pair, "val/images/1.png": one })).toBe(
      "cells/val: has no images/ and masks/, as there are to train on; expected both, with a mask for each picture. Add what is lacking, or move the folder elsewhere.",
    );
    const empty = { "val/images/1.txt": one, "val/masks/1.txt": one };
    expect(await messageOf({ ...pair, ...empty })).toBe(
      "cells/val: no picture is in images/; expected some, with masks.",
    );
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
    for (const no of [0, 1, 2, 3, 4]) {
      const photo = Array.from({ length: 3 * 100 }, (_, i) => (i * 31 + no * 7 + (i >> 3)) % 256);
      files[`images/${no}.png`] = files[`masks/${no}.png`] = png(photo, [10, 10]);
    }
    const folder = await folderOf(files);
    const error = await dataErrorOf(loadDataset(folder, { imageSize: [10, 10] }));
    expect(error.message).toMatch(
      /masks have, with \S*masks\/\d\.png, more than 256 colours; expected one for each class/,
    );
  });

  test("masks packed with loss are refused by their format, whatever they are called", async () => {
    const pictures: Record<string, { file: string }> = JSON.parse(
      readFileSync(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
    );
    const withMask = (name: string) =>
      folderOf({ ...five(() => 0), "masks/2.png": Buffer.from(pictures[name]!.file, "base64") });
    for (const [name, format] of [
      ["420.jpg", "JPEG"],
      ["lossy.webp", "WebP"],
    ] as const) {
      const error = await dataErrorOf(loadDataset(await withMask(name)));
      expect(error.code).toBe("bad-pictures");
      expect(error.message.replaceAll(/\S*cells/g, "cells")).toBe(
        `cells: 1 of 5 pictures cannot be read: cells/images/2.png has the mask cells/masks/2.png, which is a ${format} packed with loss, which changes pixels, and so their classes; expected a PNG. One of black and white is mended by: magick 2.png -threshold 50% 2.png; others are to be saved as PNG where they are made. Mend or remove them, or leave them out: skipBad: true, on the command line --skip-bad.`,
      );
    }
    expect((await loadDataset(await withMask("lossless.webp"))).answers?.kind).toBe("masks");
  });

  test("masks of 16 bits are refused: they would be divided down", async () => {
    const ids = Uint16Array.from({ length: 12 }, (_, at) => at % 3);
    const sixteen = encode({ width: 4, height: 3, channels: 1, depth: 16, data: ids });
    const folder = await folderOf({ ...five(() => 0), "masks/2.png": sixteen });
    const error = await dataErrorOf(loadDataset(folder));
    expect(error.code).toBe("bad-pictures");
    expect(error.message).toMatch(
      /images\/2\.png has the mask \S*masks\/2\.png, which has 16 bits a channel; expected classes as 8 bits, 0 to 255\. Where its numbers are below 256, write: Image\.fromarray\(/,
    );
  });

  test("a mask has the proportions of its picture", async () => {
    const loadedWith = (height: number, width: number) =>
      folderOf({ ...five(() => 0), "masks/2.png": png(new Array(height * width).fill(0), [height, width]) });
    const turned = await dataErrorOf(loadDataset(await loadedWith(4, 3)));
    expect(turned.code).toBe("bad-pictures");
    expect(turned.message).toMatch(
      /images\/2\.png has the mask \S*masks\/2\.png, which is 3x4 pixels, but its picture 4x3; expected the same proportions\./,
    );
    const cropped = await dataErrorOf(loadDataset(await loadedWith(3, 3)));
    expect(cropped.message).toContain("is 3x3 pixels");
    // Half of 4x3 is 2x1.5.
    expect((await loadDataset(await loadedWith(2, 2))).train.shape).toEqual([3, 4, 1]);
  });

  test("skipBad leaves out pictures with bad masks, as bad pictures, and names them", async () => {
    const pictures: Record<string, { file: string }> = JSON.parse(
      readFileSync(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
    );
    const lossy = Buffer.from(pictures["420.jpg"]!.file, "base64");
    const own: Record<string, Uint8Array | string> = five((no, at) => (no + at) % 3);
    const photo = Array.from({ length: 3 * 300 }, (_, i) => (i * 31 + (i >> 3)) % 256);
    Object.assign(own, {
      "images/photo.png": png(photo, [15, 20]),
      "masks/photo.png": png(photo, [15, 20]),
      "masks/0.png": png(new Array(12).fill(0), [4, 3]),
      "masks/2.png": lossy,
      "images/3.png": "no picture",
      "images/5.png": own["images/3.png"]!,
      "masks/5.png": "no mask",
      "images/6.png": png(twelve((at) => 120 + at)),
      "masks/6.png": png(twelve((at) => at % 3)),
    });
    const { train, test: kept, notices } = await loaded(own, { skipBad: true, imageSize: [15, 20] });
    const firsts = [train, kept].flatMap(({ images, count }) =>
      Array.from({ length: count }, (_, i) => images[300 * i]),
    );
    expect(firsts.sort()).toEqual([120, 20, 80]);
    for (const { images, labels, count } of [train, kept])
      for (let i = 0; i < count; i++) expect(labels[300 * i]).toBe((images[300 * i]! / 20) % 3);
    expect(notices[0]).toMatch(/^cells: 5 pictures left out: /);
    for (const said of [
      "cells/images/0.png has the mask cells/masks/0.png, which is 3x4 pixels, but its picture 4x3;",
      "cells/images/2.png has the mask cells/masks/2.png, which is a JPEG packed with loss,",
      "cells/images/3.png ",
      "cells/images/5.png has the mask cells/masks/5.png, which ",
      "cells/images/photo.png has the mask cells/masks/photo.png, which has more than 256 colours;",
    ])
      expect(notices[0]).toContain(said);
  });

  test("255 beside ids is told to be a class", async () => {
    const { notices, classNames } = await loaded(five((_, at) => [0, 1, 2, 255][at % 4]!));
    expect(classNames).toEqual(["0", "1", "2", "255"]);
    expect(notices[0]).toContain(
      'one a line. 255 is learnt as a class like the others; where it stands for pixels of no class, weigh it 0 by a setting: {"classWeight": {"3": 0}}.',
    );
    const greys = await loaded(five((_, at) => [0, 128, 255][at % 3]!));
    expect(greys.notices[0]).toMatch(/one a line\.$/);
  });

  test("names for more colours than there are cannot be told apart", async () => {
    const files = { ...five((_, at) => [10, 200][at % 2]!), "classes.txt": "sea\nland\nsky\n" };
    expect((await dataErrorOf(loadDataset(await folderOf(files)))).message).toMatch(
      /classes\.txt: names 3 classes, but masks have 2: 10, 200\. Name these, in that order\.$/,
    );
    const ids = await loaded({ ...five((_, at) => at % 2), "classes.txt": "sea\nland\nsky\n" });
    expect(ids.classNames).toEqual(["sea", "land", "sky"]);
  });
});

test("a folder with other folders beside is one of classes, as before", async () => {
  const files = five(() => 0);
  const beside = { ...files, "others/1.png": png(twelve(() => 9)) };
  const { classNames, answers, notices } = await loaded(beside);
  expect(classNames).toEqual(["images", "masks", "others"]);
  expect(answers).toBeUndefined();
  expect(notices[0]).toBe(
    "cells: has images/ and masks/, and beside them others/, so folders are read as classes. To train on masks, move all but images/ and masks/ elsewhere.",
  );
  const within = Object.fromEntries(Object.entries(beside).map(([path, bytes]) => [`train/${path}`, bytes]));
  const parts = await loaded({ ...within, "test/images/1.png": png(twelve(() => 9)) });
  expect(parts.notices.join()).toContain("cells/train: has images/ and masks/, and beside them others/");
});

test("a folder without pictures beside is none of classes", async () => {
  const { answers, notices } = await loaded({ ...five((_, at) => at % 2), "json/1.json": "{}" });
  expect(answers?.kind).toBe("masks");
  expect(notices).toHaveLength(1);
});

describe("masks of another folder, for a model of classes", () => {
  /** Names of the model's classes for the first four pixels of the test. */
  const classesOf = async (
    greys: readonly number[],
    model: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ) => {
    const dataset = await loaded({ ...five((_, at) => greys[at % greys.length]!), ...more });
    const { test: kept, classNames } = withModelClasses(dataset, "test", model);
    return Array.from(kept.labels.subarray(0, 4), (id) => classNames[id]);
  };

  test.each([
    ["greys of which one is not there", [0, 200], ["0", "128", "200"], ["0", "200", "0", "200"]],
    ["ids of which the last is not there", [0, 1], ["0", "1", "2"], ["0", "1", "0", "1"]],
    ["ids, of a model with 255", [0, 2], ["0", "1", "2", "255"], ["0", "2", "0", "2"]],
    ["black and white, of a model with 255", [0, 255], ["0", "1", "2", "255"], ["0", "255", "0", "255"]],
    [
      "black and white, of a model of colours",
      [0, 255],
      ["#000000", "#00ff00", "#ffffff"],
      ["#000000", "#ffffff"],
    ],
    ["greys, of a model of colours", [0, 128], ["#000000", "#00ff00", "#808080"], ["#000000", "#808080"]],
    ["low greys, of a model of greys", [0, 40], ["0", "40", "80"], ["0", "40", "0", "40"]],
  ])("%s", async (_, greys, model, expected) => {
    expect((await classesOf(greys, model)).slice(0, expected.length)).toEqual(expected);
  });

  test("names of classes.txt are found in another order", async () => {
    const names = { "classes.txt": "land\nsea\n" };
    expect(await classesOf([10, 200], ["sea", "sky", "land"], names)).toEqual(["land", "sea", "land", "sea"]);
  });

  test("ids and black and white are those of a model that names them", async () => {
    const ids = await loaded(five((_, at) => at % 3));
    expect(withModelClasses(ids, "test", ["ground", "cat", "dog"])).toBe(ids);
    const white = await loaded(five((_, at) => 255 * (at % 2)));
    expect(withModelClasses(white, "test", ["ground", "cat"])).toBe(white);
  });

  test.each([
    ["a grey", [0, 90], ["0", "128", "200"], '"90", but the model knows "0", "128", "200"'],
    ["white", [0, 255], ["0", "1", "2"], '"255", but the model knows "0", "1", "2"'],
    [
      "a grey, of a model that names classes",
      [100, 200],
      ["ground", "cat"],
      '"100", "200", but the model knows',
    ],
    ["an id between greys", [0, 1], ["0", "128", "200"], '"1", but'],
  ])("%s that the model does not know is refused", async (_, greys, model, said) => {
    await expect(classesOf(greys, model)).rejects.toThrow(`cells: its masks have ${said}`);
  });
});
