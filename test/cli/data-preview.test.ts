import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { npy, npz } from "../sources/npy.ts";
import { bars, json, tempFolder, wasmgrad, writeBars } from "./helpers.ts";

let work: string;
beforeAll(async () => {
  work = await tempFolder();
});

const AUGMENTED = {
  layers: [
    { type: "randomTranslation", heightFactor: 0.2, widthFactor: 0.2 },
    { type: "flatten" },
    { type: "dense", units: 10, activation: "softmax" },
  ],
};

describe("data preview", () => {
  test("counts each class, and shows some of its pictures in one file", async () => {
    const out = join(work, "plain.html");
    const flags = ["--digits-count", "200", "--per-class", "3", "--out", out];
    const { status, stdout, stderr } = await wasmgrad(["data", "preview", ...flags]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^digits: 200 training and 2,000 test images of 28x28x1, 10 classes$/m);
    expect(stdout).toMatch(/^0 +16 +4 +200$/m);
    const html = await readFile(out, "utf8");
    expect(html).toContain("160 training images, 40 for validation, 2,000 for the test");
    expect(html.match(/<img /g)).toHaveLength(30);
    expect(html).not.toContain("As training sees them");
    expect(html).not.toMatch(/<script|https?:/);
  });

  test("with a model that varies pictures it shows what the seed's epochs see", async () => {
    const model = join(work, "augmented.json");
    await writeFile(model, JSON.stringify(AUGMENTED));
    const sheet = async (name: string, ...flags: string[]) => {
      const out = join(work, name);
      const all = ["--digits-count", "200", "--model", model, "--versions", "4", "--out", out, ...flags];
      const ended = await wasmgrad(["data", "preview", "--json", ...all]);
      expect(ended).toMatchObject({ status: 0, stderr: "" });
      return { document: json(ended), text: await readFile(out, "utf8") };
    };
    const { document, text } = await sheet("a.html", "--seed", "7");
    expect(document.varied).toEqual({
      model: "augmented",
      layers: ["randomTranslation"],
      seed: 7,
      epochs: 4,
    });
    expect(document.classes[3]).toEqual({ name: "3", train: 16, validation: 4, test: 200, shown: 8 });
    expect(text).toContain("As training sees them");
    expect(text.match(/in epoch 4"/g)).toHaveLength(20);
    expect((await sheet("b.html", "--seed", "7")).text).toBe(text);
    expect((await sheet("c.html", "--seed", "8")).text).not.toBe(text);
    // The same settings from a file.
    const config = join(work, "config.json");
    await writeFile(
      config,
      JSON.stringify({ model: { ...AUGMENTED, name: "augmented" }, seed: 7, digitsCount: 200 }),
    );
    const out = join(work, "d.html");
    await wasmgrad(["data", "preview", "--config", config, "--versions", "4", "--out", out]);
    expect(await readFile(out, "utf8")).toBe(text);
  });

  test("a .png has the pictures in the order of the classes", async () => {
    const folder = await writeBars(join(work, "bars"), { train: 30, test: 6 });
    const out = join(work, "bars.png");
    const flags = ["--dataset", folder, "--per-class", "2", "--validation-split", "0", "--out", out];
    const ended = await wasmgrad(["data", "preview", "--json", ...flags]);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    const [side] = json(ended).shape;
    const scale = Math.ceil(56 / side);
    const { width, height } = decode(await readFile(out));
    expect([width, height]).toEqual([2 + 2 * (scale * side + 2), 2 + 3 * (scale * side + 2)]);
  });

  test("a model that varies nothing says so, and what cannot be is refused", async () => {
    const out = join(work, "mlp.html");
    const flags = ["data", "preview", "--digits-count", "100", "--out", out];
    const { status, stderr } = await wasmgrad([...flags, "--model", "mlp"]);
    expect(status).toBe(0);
    expect(stderr).toContain("mlp has no layer that varies pictures, such as randomFlip or randomRotation");
    const refused = await wasmgrad(["data", "preview", "--out", "sheet.pdf"]);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("Expected a file that ends with .html or .png, such as preview.html.");
  });

  test("of images that have masks or numbers in place of a class, all are of one group", async () => {
    const count = 20;
    const masks = Array.from({ length: count * 64 }, (_, i) => i % 3);
    const entries = {
      x: npy("|u1", [count, 8, 8], [...bars(count).images]),
      y: npy("|u1", [count, 8, 8], masks),
    };
    await writeFile(
      join(work, "masks.npz"),
      npz({ x_train: entries.x, y_train: entries.y, x_test: entries.x, y_test: entries.y }),
    );
    const out = join(work, "masks.html");
    const flags = ["--dataset", join(work, "masks.npz"), "--per-class", "5", "--out", out];
    const ended = await wasmgrad(["data", "preview", "--json", ...flags]);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect(json(ended).classes).toEqual([{ name: "all", train: 16, validation: 4, test: 20, shown: 5 }]);
    const limited = await wasmgrad(["data", "preview", "--json", ...flags, "--train-limit", "10"]);
    expect(json(limited).classes).toEqual([{ name: "all", train: 8, validation: 2, test: 20, shown: 5 }]);
    const y = npy(
      "<f4",
      [count, 3],
      masks.slice(0, 3 * count).map((id) => id / 2),
    );
    await writeFile(join(work, "numbers.npz"), npz({ x_train: entries.x, y_train: y }));
    const numbers = ["--dataset", join(work, "numbers.npz"), "--train-limit", "10", "--out", out];
    const shown = await wasmgrad(["data", "preview", ...numbers]);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toMatch(/^all +8 +2 +4$/m);
  });

  test("the examples of images as targets are shown with what is varied", async () => {
    const config = new URL("../../docs/examples/denoising.json", import.meta.url).pathname;
    const out = join(work, "denoising.html");
    const flags = ["--config", config, "--digits-count", "100", "--versions", "2", "--out", out];
    const ended = await wasmgrad(["data", "preview", "--json", ...flags]);
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect(json(ended).varied).toMatchObject({ layers: ["gaussianNoise"], epochs: 2 });
    expect(json(ended).classes).toHaveLength(10);
  });
});
