import { chmod, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { imageDatasetFromDirectory } from "../../src/sources/image-directory.ts";
import { dataErrorOf, tempFolder } from "../data/helpers.ts";
import { fillTree, hundredthsOf, keras, png, toleranceOf } from "./pictures.ts";

const pets = {
  "cat/1.png": png(4, 3, [250, 0, 0]),
  "cat/10.png": png(4, 3, [240, 0, 0]),
  "cat/2.png": png(4, 3, [230, 0, 0]),
  "dog/a/x.PNG": png(4, 3, [0, 250, 0]),
  "dog/b.png": png(4, 3, [0, 240, 0]),
};
const small = { imageSize: [3, 4] } as const;

describe("a folder is read as Keras's image_dataset_from_directory reads it", () => {
  test.each(keras.cases.map((one) => [JSON.stringify(one.options), one] as const))("%s", async (_, one) => {
    const folder = await fillTree(
      await tempFolder(),
      Object.fromEntries(
        Object.entries(keras.files).map(([name, text]) => [
          name,
          Uint8Array.from(Buffer.from(text, "base64")),
        ]),
      ),
    );
    const { options } = one;
    const set = await imageDatasetFromDirectory(folder, {
      imageSize: options.image_size,
      colorMode: options.color_mode,
      interpolation: options.interpolation,
      cropToAspectRatio: options.crop_to_aspect_ratio,
      padToAspectRatio: options.pad_to_aspect_ratio,
      classNames: options.class_names,
    });
    expect(set.classNames).toEqual(one.classNames);
    expect(set.filePaths.map((path) => relative(folder, path))).toEqual(one.files);
    expect([...set.labels]).toEqual(one.labels);
    expect(set.shape).toEqual([...options.image_size, options.color_mode ? 1 : 3]);
    const expected = hundredthsOf(one);
    const off = set.images.findIndex(
      (byte, i) => Math.abs(byte - Math.min(Math.max(expected[i]! / 100, 0), 255)) > toleranceOf(options),
    );
    expect(off).toBe(-1);
  });
});

test("by default images are 256x256 in RGB, as Keras's", async () => {
  const set = await imageDatasetFromDirectory(await fillTree(await tempFolder(), pets));
  expect(set).toMatchObject({ shape: [256, 256, 3], count: 5, classNames: ["cat", "dog"], skipped: [] });
});

test("classes are the folders; hidden ones and files beside them are not looked at", async () => {
  const folder = await fillTree(await tempFolder(), {
    ...pets,
    ".cache/1.png": png(1, 1, 0),
    "cat/._1.png": "junk of a file system",
    "cat/notes.txt": "",
    "readme.md": "",
  });
  const set = await imageDatasetFromDirectory(folder, small);
  expect(set.filePaths.map((path) => relative(folder, path))).toEqual([
    join("cat", "1.png"),
    join("cat", "10.png"),
    join("cat", "2.png"),
    join("dog", "b.png"),
    join("dog", "a", "x.PNG"),
  ]);
  expect([...set.labels]).toEqual([0, 0, 0, 1, 1]);
  expect([...set.images.subarray(0, 3)]).toEqual([250, 0, 0]);
});

describe("validation", () => {
  const many = Object.fromEntries(
    ["a", "b", "c"].flatMap((name, c) =>
      Array.from({ length: 10 }, (_, i) => [`${name}/${i}.png`, png(2, 2, 80 * c + i)]),
    ),
  );

  test("gets the same share of each class, drawn by the seed; the parts are the whole", async () => {
    const folder = await fillTree(await tempFolder(), many);
    const split = { imageSize: [2, 2], colorMode: "grayscale", validationSplit: 0.3 } as const;
    const [training, validation] = await imageDatasetFromDirectory(folder, { ...split, subset: "both" });
    expect([...validation.labels].map((label) => label)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(training.count).toBe(21);
    expect(new Set([...training.filePaths, ...validation.filePaths]).size).toBe(30);
    for (const [subset, expected] of [
      ["validation", validation],
      ["training", training],
    ] as const) {
      const part = await imageDatasetFromDirectory(folder, { ...split, subset });
      expect(part).toEqual(expected);
      expect(part.filePaths).toEqual(expected.filePaths);
    }
    const other = await imageDatasetFromDirectory(folder, { ...split, subset: "validation", seed: 2 });
    expect(other.filePaths).not.toEqual(validation.filePaths);
  });

  test("asks for both options", async () => {
    const folder = await fillTree(await tempFolder(), pets);
    const message = async (options: object) =>
      (await dataErrorOf(imageDatasetFromDirectory(folder, options as never))).message;
    expect(await message({ validationSplit: 0.2 })).toMatch(
      /Write: { validationSplit: 0.2, subset: "both" }/,
    );
    expect(await message({ subset: "training" })).toMatch(
      /Write: { validationSplit: 0.2, subset: "training" }/,
    );
    expect(await message({ cropToAspectRatio: true, padToAspectRatio: true })).toMatch(
      /leave one of them out/,
    );
  });
});

describe("files that cannot be read", () => {
  const files = { ...pets, "cat/bad.png": png(4, 3, 7).subarray(0, 60), "dog/none.jpg": "no picture" };

  test("are an error that names them with their reasons", async () => {
    const folder = await fillTree(await tempFolder(), files);
    const error = await dataErrorOf(imageDatasetFromDirectory(folder, small));
    expect(error.code).toBe("bad-pictures");
    expect(error.message).toContain("2 of 7 pictures cannot be read");
    expect(error.message).toMatch(
      /cat.bad\.png is a damaged PNG.*dog.none\.jpg is no PNG, JPEG.*skipBad: true/,
    );
  });

  test("are left out where that is asked for, and told", async () => {
    const folder = await fillTree(await tempFolder(), files);
    const set = await imageDatasetFromDirectory(folder, { ...small, skipBad: true });
    expect(set.count).toBe(5);
    expect(set.images.length).toBe(5 * 36);
    expect([...set.labels]).toEqual([0, 0, 0, 1, 1]);
    expect(set.skipped.map(({ file }) => relative(folder, file))).toEqual([
      join("cat", "bad.png"),
      join("dog", "none.jpg"),
    ]);
  });

  test("of hundreds, ten are named", async () => {
    const bad = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`cat/${i}.jpg`, ""]));
    const folder = await fillTree(await tempFolder(), { ...bad, "dog/1.png": png(1, 1, 0) });
    const { message } = await dataErrorOf(imageDatasetFromDirectory(folder, small));
    expect(message.match(/is empty/g)).toHaveLength(10);
    expect(message).toContain("And 20 more.");
  });

  test.skipIf(process.getuid?.() === 0)("files without permission are among them", async () => {
    const folder = await fillTree(await tempFolder(), pets);
    await chmod(join(folder, "cat/1.png"), 0);
    const { message } = await dataErrorOf(imageDatasetFromDirectory(folder, small));
    expect(message).toMatch(/1 of 5.*1\.png.*permissions/);
  });
});

describe("folders that are none of pictures", () => {
  const messageOf = async (files: Record<string, Uint8Array | string>, options: object = {}) => {
    const folder = await fillTree(await tempFolder(), files);
    return dataErrorOf(imageDatasetFromDirectory(folder, { ...small, ...options } as never));
  };

  test("say what was expected", async () => {
    expect(await messageOf({ "1.png": png(1, 1, 0) })).toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/holds no folders; expected one for each class/),
    });
    expect(await messageOf({ "a/1.tif": "", "a/2.tif": "", "b/3.txt": "" })).toMatchObject({
      code: "not-found",
      message: expect.stringMatching(/"a", "b" hold no pictures.*there are 2 \.tif, 1 \.txt/),
    });
    expect((await dataErrorOf(imageDatasetFromDirectory("nowhere"))).message).toMatch(/no such folder/);
  });

  test("classNames must be the folders", async () => {
    const wrong = await messageOf(pets, { classNames: ["cat", "dogs"] });
    expect(wrong).toMatchObject({ code: "bad-classes" });
    expect(wrong.message).toMatch(/has a folder "dog", which is none of the classes "cat", "dogs"/);
    const more = await messageOf(pets, { classNames: ["cat", "dog", "dgo"] });
    expect(more.message).toMatch(/has no folder "dgo"; did you mean "dog"\?/);
  });

  test("too much for one array is refused before it is taken", async () => {
    const error = await messageOf(pets, { imageSize: [16_384, 16_384] });
    expect(error).toMatchObject({ code: "too-large", message: expect.stringMatching(/--image-size 64x64/) });
  });
});

test("links to files are read, those to folders within a class where followLinks is set", async () => {
  const folder = await fillTree(await tempFolder(), pets);
  const other = await fillTree(await tempFolder(), { "x/1.png": png(4, 3, 9) });
  await symlink(join(other, "x"), join(folder, "cat", "more"), "junction");
  await symlink(folder, join(folder, "cat", "loop"), "junction");
  expect((await imageDatasetFromDirectory(folder, small)).count).toBe(5);
  await expect(imageDatasetFromDirectory(folder, { ...small, followLinks: true })).rejects.toThrow(
    /32 deep|unreadable|too many/i,
  );
});

test("it stops when asked to, and tells of each picture", async () => {
  const folder = await fillTree(await tempFolder(), pets);
  const told: unknown[] = [];
  const controller = new AbortController();
  const reading = imageDatasetFromDirectory(folder, {
    ...small,
    signal: controller.signal,
    onProgress: (progress) => {
      told.push(progress);
      if (told.length === 2) controller.abort(new Error("enough"));
    },
  });
  await expect(reading).rejects.toThrow("enough");
  expect(told).toEqual([
    { file: "pictures", received: 1, total: 5, unit: "pictures" },
    { file: "pictures", received: 2, total: 5, unit: "pictures" },
  ]);
});
