import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { fillTree, png } from "../sources/pictures.ts";
import { tempFolder, wasmgrad } from "./helpers.ts";

// A folder of pictures on the command line: trained on, tested, asked about.
const decoded = JSON.parse(
  await readFile(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
);
const jpeg = Uint8Array.from(Buffer.from(decoded["420.jpg"].file, "base64"));

let work: string;
const json = (text: string) => JSON.parse(text);
beforeAll(async () => {
  work = await tempFolder();
  const of = (name: string, colour: (i: number) => [number, number, number]) =>
    Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`pets/${name}/${i}.png`, png(9 + i, 12, colour(i))]),
    );
  await fillTree(work, {
    ...of("red one", (i) => [150 + 5 * i, 20, 10]),
    ...of("blue", (i) => [10, 20, 150 + 5 * i]),
    "pets/blue/photo.jpg": jpeg,
    "pets/blue/broken.jpg": "no picture",
  });
});

describe("wasmgrad train --dataset of a folder of pictures", () => {
  const args = ["--dataset", "pets", "--image-size", "8x6", "--interpolation", "area", "--resize", "crop"];

  test("names bad files, and trains where they are to be skipped", async () => {
    const failed = await wasmgrad(["train", ...args, "--model", "mlp", "--epochs", "1"], { cwd: work });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(
      /1 of 42 pictures cannot be read: pets.blue.broken\.jpg is no PNG.*--skip-bad/,
    );
    const done = await wasmgrad(
      ["train", ...args, "--skip-bad", "--model", "mlp", "--epochs", "20", "--out", "run", "--json"],
      { cwd: work },
    );
    expect(done.stderr).toContain("9 of 42 pictures, the same share of each class, are kept for the test");
    expect(done.stderr).toContain("1 picture left out");
    const result = json(done.stdout);
    expect(result.classNames).toEqual(["blue", "red one"]);
    expect(result.configuration).toMatchObject({
      imageSize: [8, 6],
      interpolation: "area",
      resize: "crop",
      skipBad: true,
      validationFrom: "stratified",
    });
    expect(result.images.train + result.images.validation + result.images.test).toBe(41);
    expect(result.test.accuracy).toBeGreaterThan(0.85);
    const again = await wasmgrad(["train", "--config", "run/result.json", "--out", "again", "--json"], {
      cwd: work,
    });
    expect(json(again.stdout).weightsSha256).toBe(result.weightsSha256);
  });

  test("evaluate makes images of pictures as the training did", async () => {
    const done = await wasmgrad(["evaluate", "run", "--dataset", "pets", "--skip-bad", "--json"], {
      cwd: work,
    });
    const { test: own } = json(await readFile(join(work, "run/result.json"), "utf8"));
    expect(json(done.stdout)).toMatchObject({ loss: own.loss, accuracy: own.accuracy });
  });

  test("predict does so, too, and inverts nothing", async () => {
    const files = ["pets/blue/3.png", "pets/red one/4.png", "pets/blue/photo.jpg"];
    const done = await wasmgrad(["predict", "run", ...files, "--json"], { cwd: work });
    const { predictions } = json(done.stdout);
    expect(predictions.slice(0, 2).map(({ name }: { name: string }) => name)).toEqual(["blue", "red one"]);
    for (const { inverted, centered } of predictions) expect([inverted, centered]).toEqual([false, false]);
  });
});

describe("wasmgrad predict of many pictures", () => {
  test("takes folders and globs, in the order of the names, and says which have none", async () => {
    await fillTree(work, {
      "many/b.png": png(9, 9, [250, 0, 0]),
      "many/in/a.png": png(9, 9, [0, 0, 250]),
      "many/.hidden.png": "",
      "many/notes.txt": "",
      "none/notes.txt": "",
    });
    const files = async (...args: string[]) => {
      const { predictions } = json(
        (await wasmgrad(["predict", "run", ...args, "--json"], { cwd: work })).stdout,
      );
      return predictions.map(({ file, name, error }: Record<string, string>) => [
        file!.replaceAll("\\", "/"),
        name ?? error,
      ]);
    };
    const all = [
      ["many/b.png", "red one"],
      ["many/in/a.png", "blue"],
    ];
    expect(await files("many")).toEqual(all);
    expect(await files("many/**/*.png")).toEqual(all);
    expect(await files("many/*.png", "none", "*.gif")).toEqual([
      all[0],
      ["none", "holds no pictures (.png, .jpg, .jpeg, .webp, .gif)"],
      ["*.gif", "no file has such a name"],
    ]);
  });

  test("--csv is a table with every class, failures among its lines", async () => {
    await fillTree(work, { 'table/a "b", c.png': png(9, 9, [250, 0, 0]), "table/bad.png": "" });
    const done = await wasmgrad(["predict", "run", "table", "--csv"], { cwd: work });
    expect(done.status).toBe(1);
    const [head, first, second, ...rest] = done.stdout.trim().split("\n");
    expect(head).toBe("file,answer,probability,blue,red one,error");
    const [, answer, probability, blue, red] = /^"table.a ""b"", c\.png",(.*),(.*),(.*),(.*),$/.exec(first!)!;
    expect(answer).toBe("red one");
    expect(probability).toBe(red);
    expect(Number(blue) + Number(red)).toBeCloseTo(1, 5);
    expect(second).toMatch(/^table.bad\.png,,,,,"?is empty; expected a PNG/);
    expect(rest).toEqual([]);
    const both = await wasmgrad(["predict", "run", "table", "--csv", "--json"], { cwd: work });
    expect(both.status).toBe(2);
    expect(both.stderr).toContain("--csv");
  });
});

test("options of pictures are for pictures, and say what they take", async () => {
  const stderr = async (...args: string[]) => {
    const done = await wasmgrad(["train", ...args], { cwd: work });
    expect(done.status).toBe(2);
    return done.stderr;
  };
  expect(await stderr("--image-size", "28x28")).toContain(
    "--image-size is for folders of pictures, not for 'digits', whose images have a size",
  );
  for (const wrong of ["0x3", "3x", "x", "3x3x3", "20000x1"])
    expect(await stderr("--dataset", "pets", "--image-size", wrong)).toContain(
      "Expected height x width in pixels, such as 64x64",
    );
  expect(await stderr("--dataset", "pets", "--color-mode", "gray")).toContain("grayscale");
  expect(await stderr("--dataset", "pets", "--test-split", "1")).toContain("--test-split");
});
