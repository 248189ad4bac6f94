import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { imageDatasetFromFiles as inPage } from "../../src/browser/image-files.ts";
import { imageDatasetFromDirectory, imageDatasetFromFiles } from "../../src/node.ts";
import { dataErrorOf, tempFolder } from "../data/helpers.ts";
import { fillTree, png } from "./pictures.ts";

const tree: Record<string, Uint8Array> = {
  "cat/2.png": png(4, 3, [230, 0, 0]),
  "cat/10.png": png(4, 3, [240, 0, 0]),
  "dog/a/x.PNG": png(4, 3, [0, 250, 0]),
  "dog/b.png": png(4, 3, [0, 240, 0]),
  ".cache/1.png": png(1, 1, 0),
  "dog/notes.txt": new Uint8Array(3),
};
const small = { imageSize: [3, 4] } as const;

/** Files as `<input webkitdirectory>` has them, in any order. */
const chosen = (files: Record<string, Uint8Array> = tree): File[] =>
  Object.entries(files).map(([path, bytes]) =>
    Object.defineProperty(
      new File([bytes as Uint8Array<ArrayBuffer>], path.split("/").at(-1)!),
      "webkitRelativePath",
      {
        value: `pets/${path}`,
      },
    ),
  );

/** The same as showDirectoryPicker() gives them. */
function handle(files: Record<string, Uint8Array> = tree): FileSystemDirectoryHandle {
  const names = [...new Set(Object.keys(files).map((path) => path.split("/")[0]!))];
  const entry = (name: string) =>
    name in files
      ? { kind: "file", name, getFile: async () => new File([files[name] as Uint8Array<ArrayBuffer>], name) }
      : {
          ...handle(
            Object.fromEntries(
              Object.entries(files).flatMap(([path, bytes]) =>
                path.startsWith(`${name}/`) ? [[path.slice(name.length + 1), bytes]] : [],
              ),
            ),
          ),
          name,
        };
  return {
    kind: "directory",
    name: "pets",
    async *values() {
      for (const name of names) yield entry(name);
    },
  } as unknown as FileSystemDirectoryHandle;
}

test("a chosen folder gives what the same folder on the disk does", async () => {
  const folder = await fillTree(await tempFolder(), tree);
  const expected = await imageDatasetFromDirectory(folder, small);
  const paths = expected.filePaths.map((path) => relative(folder, path).replaceAll("\\", "/"));
  for (const from of [imageDatasetFromFiles, inPage])
    for (const source of [chosen(), handle()]) {
      const set = await from(source, small);
      expect(set).toEqual(expected);
      expect([set.classNames, set.filePaths]).toEqual([["cat", "dog"], paths]);
    }
  const [training, validation] = await imageDatasetFromFiles(chosen(), {
    ...small,
    classNames: ["dog", "cat"],
    validationSplit: 0.5,
    subset: "both",
  });
  expect([[...training.labels], [...validation.labels]]).toEqual([
    [0, 1],
    [0, 1],
  ]);
});

describe("what is no folder of classes is refused", () => {
  const messageOf = async (files: unknown, options = {}) =>
    (await dataErrorOf(imageDatasetFromFiles(files as never, options))).message;

  test("by what it holds", async () => {
    expect(await messageOf([])).toMatch(/holds no pictures in folders/);
    expect(await messageOf(chosen({ "1.png": tree["cat/2.png"]! }))).toMatch(
      /1 pictures, but none in folders/,
    );
    expect(await messageOf(chosen(), { classNames: ["cat"] })).toMatch(
      /in "cat", "dog"; expected the classes "cat"/,
    );
    expect(await messageOf(chosen(), { classNames: ["cat", "dog", "cow"] })).toMatch(
      /the classes "cat", "dog", "cow"/,
    );
    expect(await messageOf(chosen({ ...tree, "cat/bad.png": new Uint8Array(9) }))).toMatch(
      /the chosen folder: 1 of 5 pictures cannot be read: cat\/bad\.png is no PNG/,
    );
  });

  test("by what it is", async () => {
    await expect(imageDatasetFromFiles(7 as never)).rejects.toThrow(
      /got 7, expected.*imageDatasetFromFiles\(input\.files\)/,
    );
    await expect(imageDatasetFromFiles([new File([], "1.png")])).rejects.toThrow(
      /"1\.png" it is not known in which folder/,
    );
  });
});
