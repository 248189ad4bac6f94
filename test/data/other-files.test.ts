import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeIdxImages, encodeIdxLabels, loadDataset } from "../../src/data/node.ts";
import { dataErrorOf, fill, gzFiles, makeSet, tempFolder, tinyDataset } from "./helpers.ts";

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const ZIP = Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0);
const DOC = String.raw`docs[\\/]datasets\.md`;

const messageOf = async (dataset: string) =>
  (await dataErrorOf(loadDataset(dataset, { offline: true }))).message;

describe("a file in place of a folder says what it is, and what to write", () => {
  const cases: [name: string, content: Uint8Array | string, said: RegExp][] = [
    ["data.csv", "label,p0,p1\n1,0,255\n", /is a table \(CSV\);.*train\.csv.*#tables-csv has an example/],
    ["data.CSV.gz", Uint8Array.of(0x1f, 0x8b), /is a table \(CSV\)/],
    ["mnist.npz", ZIP, /is a file of NumPy arrays;.*np\.savez\(.*#numpy-npz/],
    ["a.npy", "", /NumPy/],
    ["data.zip", ZIP, /is an archive;.*Unpack it.*#from-an-archive/],
    ["data.tar.gz", Uint8Array.of(0x1f, 0x8b), /is an archive/],
    ["noname", ZIP, /is an archive/],
    ["cat.jpeg", "", /is a picture;.*folder of pictures for each class.*#pictures/],
    ["noname2", PNG, /is a picture/],
    ["noname3", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), /is a picture/],
    ["noname4", "GIF89a", /is a picture/],
    ["noname5", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0), /NumPy/],
    ["noname6", Uint8Array.of(0x1f, 0x8b, 8), /is an archive/],
    ["noname7", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), /HDF5/],
    ["noname8", "PAR1", /[Pp]arquet/],
    ["model.safetensors", "", /is a model;.*datasets\.md has the format/],
    ["weights.h5", "", /HDF5/],
    ["page", "<!doctype html>", /is a web page/],
    ["thesis.doc", "years of work", /is a file; expected a folder with IDX files/],
    ["empty", "", /is a file; expected a folder/],
  ];

  it.each(cases)("%s", async (name, content, said) => {
    const folder = await fill(await tempFolder(), { [name]: content });
    const path = join(folder, name);
    const error = await dataErrorOf(loadDataset(path));
    expect(error.code).toBe("unknown-dataset");
    expect(error.message).toMatch(said);
    expect(error.message).toMatch(new RegExp(`^dataset ".*${name}": .*${DOC}`));
  });

  it("one of the IDX files: its folder is meant", async () => {
    const folder = await fill(await tempFolder(), gzFiles(tinyDataset()));
    for (const name of ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
      expect(await messageOf(join(folder, name))).toContain(`for the test: "${folder}"`);
    const set = makeSet(1, [1, 1, 1], 1);
    await fill(folder, { bytes: encodeIdxImages(set), more: encodeIdxLabels(set.labels) });
    expect(await messageOf(join(folder, "bytes"))).toContain("is one IDX file");
    expect(await messageOf(join(folder, "more"))).toContain("is one IDX file");
  });
});

describe("a folder of other files says what it holds", () => {
  it.each<[what: string, files: string[], said: RegExp]>([
    [
      "pictures",
      ["a.png", "b.PNG", "c.jpg"],
      /; it holds 3 pictures\. Put the pictures of each class into a folder of its name.*#pictures/,
    ],
    ["folders of pictures", ["train/cat/1.png", "train/dog/2.png", "test/cat/3.png"], /it holds 3 pictures/],
    ["a table", ["data.csv", "readme.txt"], /it holds a table \(CSV\)\./],
    ["an archive", ["mnist.zip"], /it holds an archive\. Unpack it/],
    ["NumPy's", ["x_train.npy", "y_train.npy"], /it holds a file of NumPy arrays\./],
  ])("%s", async (_, files, said) => {
    const folder = await tempFolder();
    for (const file of files) await fill(join(folder, dirname(file)), { [basename(file)]: "" });
    const message = await messageOf(folder);
    expect(message).toMatch(said);
    expect(message).toMatch(/no train-images-idx3-ubyte\(\.gz\)/);
  });

  it("a dataset in a folder inside of it is named", async () => {
    const folder = await tempFolder();
    const inner = await fill(join(folder, "mnist"), gzFiles(tinyDataset()));
    expect(await messageOf(folder)).toContain(`the dataset is in a folder inside of it: name "${inner}".`);
  });

  it("nothing of that: what is expected, and where it is described", async () => {
    const folder = await fill(await tempFolder(), { "notes.txt": "", photo: PNG });
    await mkdir(join(folder, "empty"));
    expect(await messageOf(folder)).toMatch(
      new RegExp(`expected a folder with training and test images.*${DOC} has the format`),
    );
  });

  it("some of the IDX files: what is missing, whatever else lies there", async () => {
    const { "t10k-labels-idx1-ubyte.gz": _, ...rest } = gzFiles(tinyDataset());
    const folder = await fill(await tempFolder(), { ...rest, "a.png": "", "b.png": "" });
    const message = await messageOf(folder);
    expect(message).toMatch(/: no t10k-labels-idx1-ubyte\(\.gz\); expected/);
    expect(message).not.toContain("pictures.");
  });

  it("thousands of files are not all looked at", async () => {
    const folder = await fill(
      await tempFolder(),
      Object.fromEntries(Array.from({ length: 2100 }, (_, i) => [`${i}.png`, ""])),
    );
    expect(await messageOf(folder)).toContain("it holds more than 2000 pictures");
  });
});

describe("a name that is nearly right", () => {
  it.each([
    ["minst", "mnist"],
    ["MNIST", "mnist"],
    ["fashion_mnist", "fashion-mnist"],
    ["fashionmnist", "fashion-mnist"],
    ["digit", "digits"],
    ["kminst", "kmnist"],
  ])("%s: did you mean %s?", async (name, right) => {
    expect(await messageOf(name)).toContain(`did you mean ${right}?`);
  });

  it("is not guessed from anything", async () => {
    expect(await messageOf("imagenet")).not.toContain("did you mean");
  });
});
