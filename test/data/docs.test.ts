import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadDataset } from "../../src/data/node.ts";
import { fillTree, png } from "../sources/pictures.ts";
import { fill, makeSet, tempFolder } from "./helpers.ts";

// The scripts of docs/datasets.md are run as they stand there.
const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(root, "docs", "datasets.md"), "utf8");
/** Code by the file name in its first line. */
const scripts = Object.fromEntries(
  [...page.matchAll(/```(?:js|python)\n(?:\/\/|#) (\S+\.(?:mjs|py))\n([\s\S]*?)```/g)].map(
    ([, name, code]) => [name!, code!],
  ),
);

/** A folder with scripts, in which "wasmgrad" is this package. */
async function project(...names: string[]): Promise<string> {
  const folder = await tempFolder();
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "wasmgrad"), "junction");
  return fill(folder, Object.fromEntries(names.map((name) => [name, scripts[name]!])));
}

const lacks = (module: string) =>
  spawnSync("python3", ["-c", `import ${module}`]).status === 0 ? "" : `python3 has no ${module} here`;
const noNumpy = lacks("numpy");

describe("the scripts of docs/datasets.md", () => {
  it("are all there", () => {
    expect(Object.keys(scripts)).toEqual(["pictures.mjs", "save.mjs", "save.py", "memory.mjs"]);
  });

  it("save.mjs writes a dataset, with channels too", async () => {
    for (const shape of [
      [4, 5, 1],
      [4, 5, 3],
    ] as const) {
      const folder = await project("save.mjs");
      const { images, labels } = makeSet(6, shape, 3);
      const call = `import { save } from "./save.mjs"; for (const part of ["train", "test"]) save("my-data", part, [${images}], [${labels}], [${shape}]);`;
      execFileSync(process.execPath, ["--input-type=module", "-e", call], { cwd: folder });
      const { train, test, classNames } = await loadDataset(join(folder, "my-data"));
      expect([train.count, test.count, train.shape, classNames]).toEqual([6, 6, shape, ["0", "1", "2"]]);
      expect(Buffer.from(train.images).equals(images)).toBe(true);
      expect([...test.labels]).toEqual([...labels]);
    }
  });

  it.skipIf(noNumpy)(`save.py writes a dataset, with channels too ${noNumpy}`, async () => {
    for (const [shape, expected] of [
      ["(6, 4, 5)", [4, 5, 1]],
      ["(6, 4, 5, 3)", [4, 5, 3]],
    ] as const) {
      const folder = await project("save.py");
      const make = `import numpy as np
from save import save
x = np.arange(np.prod(${shape})).reshape(${shape}) % 251
y = np.arange(6) % 3
for part, n in (("train", 6), ("test", 2)):
    save("my-data", part, x[:n], y[:n])`;
      execFileSync("python3", ["-c", make], { cwd: folder });
      const { train, test } = await loadDataset(join(folder, "my-data"));
      expect(train).toMatchObject({ count: 6, shape: expected, labels: Uint8Array.of(0, 1, 2, 0, 1, 2) });
      expect([...train.images]).toEqual(Array.from(train.images, (_, i) => i % 251));
      expect(test.count).toBe(2);
    }
  });

  it.skipIf(noNumpy)(`save.py refuses what does not fit a byte ${noNumpy}`, async () => {
    const folder = await project("save.py");
    for (const [value, label, named] of [
      ...["256", "-1", "0.5", "np.nan"].map((value) => [value, "0", "images"]),
      ["7", "300", "labels"],
      ["7", "0.5", "labels"],
    ]) {
      const call = `import numpy as np; from save import save; save("d", "train", np.full((1, 2, 2), ${value}), [${label}])`;
      // Asserts are not looked at.
      const { status, stderr } = spawnSync("python3", ["-O", "-c", call], { cwd: folder, encoding: "utf8" });
      expect(status, call).not.toBe(0);
      expect(stderr, call).toContain(`${named}: expected whole numbers from 0 to 255`);
    }
  });

  it("save.mjs refuses what does not fit a byte", async () => {
    const folder = await project("save.mjs");
    const save = (pixel: string, label: string) => {
      const call = `import { save } from "./save.mjs"; save("d", "train", [1, ${pixel}, 2, 3], [${label}], [2, 2, 1]);`;
      return spawnSync(process.execPath, ["--input-type=module", "-e", call], {
        cwd: folder,
        encoding: "utf8",
      });
    };
    for (const value of ["256", "-1", "0.5", "NaN"]) {
      const expected = `[0] is ${value}: expected whole numbers from 0 to 255`;
      expect(save(value, "0").stderr).toContain(`images${expected.replace("[0]", "[1]")}`);
      expect(save("7", value).stderr).toContain(`labels${expected}`);
    }
    expect(save("255", "0")).toMatchObject({ status: 0, stderr: "" });
  });

  it("memory.mjs makes samples of what a program holds", async () => {
    const folder = await project("memory.mjs");
    const stdout = execFileSync(process.execPath, ["memory.mjs"], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("falling,rising 3 8x8x1\n");
  });

  it("pictures.mjs trains on a folder of pictures", async () => {
    const folder = await project("pictures.mjs");
    const files = ["cat", "dog"].flatMap((name, c) =>
      Array.from({ length: 10 }, (_, i) => [`pets/${name}/${i}.png`, png(40 + i, 30, 100 + 50 * c)] as const),
    );
    await fillTree(folder, Object.fromEntries(files));
    const stdout = execFileSync(process.execPath, ["pictures.mjs"], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("16 4 cat,dog 3\n");
  });
});
