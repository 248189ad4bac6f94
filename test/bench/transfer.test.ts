import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { byCategory, divided, writeFolders } from "../../bench/transfer/pictures.mjs";
import { run } from "./run-script.ts";

const COUNTS = { train: 10, test: 50, tuning: 25 };
const classes = new Map(
  ["Flags", "Food & Drink", "Objects"].map((name, i) => [
    name,
    Array.from({ length: 85 + 20 * i }, (_, at) => `${name}-${at}.png`),
  ]),
);

test("no picture is learned from and tested with, nor one of those that settings were chosen by, with any seed", () => {
  const tuned = divided(classes, 1, COUNTS).tuning;
  const drawn = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const parts = divided(classes, seed, COUNTS);
    expect(parts.tuning).toEqual(tuned);
    for (const [name, all] of classes) {
      const own = (["train", "test", "tuning"] as const).map((part) => parts[part].get(name)!);
      expect(own.map(({ length }) => length)).toEqual([10, 50, 25]);
      expect(new Set(own.flat()).size).toBe(85);
      expect(all).toEqual(expect.arrayContaining(own.flat()));
    }
    drawn.add([...parts.train.values()].join());
  }
  expect(drawn.size).toBe(20);
  expect(divided(classes, 7, COUNTS)).toEqual(divided(new Map(classes), 7, COUNTS));
});

test("a category with too few pictures is named", () => {
  const few = new Map([...classes, ["Activities", classes.get("Flags")!.slice(1)]]);
  expect(() => divided(few, 1, COUNTS)).toThrow(
    new RangeError(
      "Activities has 84 pictures, expected at least 85: 10 to train on, 50 to test with, 25 for tuning",
    ),
  );
});

test("pictures come by category, without those that are the same and those that others are built of", () => {
  const entry = (image: string, category: string, sort_order: number) => ({ image, category, sort_order });
  const entries = [
    entry("d.png", "Flags", 4),
    entry("tone.png", "Component", 1),
    entry("b.png", "Symbols", 2),
    entry("same-as-b.png", "Flags", 3),
    entry("absent.png", "Flags", 5),
    entry("c.png", "Flags", 0),
  ];
  const read = (image: string) =>
    image === "absent.png" ? undefined : new TextEncoder().encode(image.replace(/^same-as-/, ""));
  expect([...byCategory(entries, read)]).toEqual([
    ["Flags", ["c.png", "d.png"]],
    ["Symbols", ["b.png"]],
  ]);
});

test("parts are written as folders that train --dataset takes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-transfer-test-"));
  try {
    for (const name of ["a.png", "b.png"]) await writeFile(join(folder, name), name);
    writeFolders(
      { train: new Map([["Food & Drink", ["a.png"]]]), test: new Map([["Food & Drink", ["b.png"]]]) },
      folder,
      join(folder, "to"),
    );
    expect(await readFile(join(folder, "to/train/Food & Drink/a.png"), "utf8")).toBe("a.png");
    expect(await readdir(join(folder, "to/test/Food & Drink"))).toEqual(["b.png"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.each([
  [["--seeds", "1,x"], "--seeds is '1,x', expected whole numbers from 1, such as 1,2\n"],
  [
    ["--only", "api,keras"],
    "--only has 'keras', expected of api, command, tfjs, scratch, scratch-varied, with commas between\n",
  ],
  [["--random", "--threads", "1,2"], "--threads is '1,2', expected a whole number from 1\n"],
  [["--random", "--head", "3,x"], "--head is '3,x', expected whole numbers from 1, such as 1,2\n"],
  [["--epochs", "3"], "--epochs needs --random: see --help\n"],
  [["--random", "--json", "a.json"], "--json is no option with --random: see --help\n"],
])("npm run bench:transfer refuses %j", async (args, stderr) => {
  expect(await run("transfer/run.mjs", ...args)).toEqual({ status: 2, stdout: "", stderr });
});
