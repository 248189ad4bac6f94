import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EpochLines } from "../../src/cli/epoch-line.ts";
import { layerTable } from "../../src/cli/layer-table.ts";
import { wrap } from "../../src/cli/output.ts";
import { printTest } from "../../src/cli/run/print.ts";
import { MODELS } from "../../src/model/models.ts";
import type { EpochInfo, Logs } from "../../src/train/callbacks.ts";
import { createModel } from "../../src/train/named.ts";
import { shell, tempFolder, writeBars, writeModel } from "./helpers.ts";

const WIDTHS = Array.from({ length: 71 }, (_, i) => 50 + i);
const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

const info = (epoch: number, seconds = 4): EpochInfo => ({
  epoch,
  trainSeconds: seconds,
  validationSeconds: 0.3,
  imagesPerSecond: 12345.6,
  learningRate: 0.001,
});
const usual: Logs = { loss: 0.04123, accuracy: 0.98712, val_loss: 0.04784, val_accuracy: 0.98581 };
const exploded: Logs = { loss: 8.44e22, accuracy: 0.1, val_loss: 1.5e-7, val_accuracy: 0.09999 };

describe("epoch lines", () => {
  test("without a terminal, or with room, are Keras's", () => {
    for (const columns of [Number.POSITIVE_INFINITY, 120])
      expect(new EpochLines().line(10, info(2), usual, columns)).toBe(
        "Epoch  3/10 - 4.3s - loss: 0.0412 - accuracy: 0.9871 - val_loss: 0.0478 - val_accuracy: 0.9858 - 12,346 images/s",
      );
  });

  test.each([
    [110, "Epoch  3/10 - 4.3s - loss: 0.0412 - accuracy: 0.9871 - val_loss: 0.0478 - val_accuracy: 0.9858"],
    [80, "Epoch  3/10  4.3s  loss 0.0412  acc 0.9871  val_loss 0.0478  val_acc 0.9858"],
    [60, " 3/10  4.3s  loss 0.0412  acc 0.9871  val 0.0478  0.9858"],
    [50, " 3/10  4.3s  loss 0.0412  acc 0.9871  val 0.0478\n0.9858"],
  ])("at %i columns", (columns, expected) => {
    expect(new EpochLines().line(10, info(2), usual, columns)).toBe(expected);
  });

  test.each([
    ["usual", usual],
    ["exploded", exploded],
    ["without validation", { loss: 0.5, accuracy: 0.75 }],
    ["a regression's", { loss: 0.5, val_loss: 0.625 }],
  ] as [string, Logs][])("fit any width, every figure whole and in its place: %s", (_, logs) => {
    const whole = (text: string) => text.match(/\d[\d.,]*(e[+-]\d+)?/g)!;
    const full = new EpochLines().line(100, info(2, 3700), logs, Number.POSITIVE_INFINITY);
    const [number, epochs, hours, minutes, ...figures] = whole(full).slice(0, -1);
    for (const columns of WIDTHS) {
      const line = new EpochLines().line(100, info(2, 3700), logs, columns);
      expect(longest(line), `${columns}: ${line}`).toBeLessThanOrEqual(columns);
      // The speed goes first; nothing else goes at all.
      expect(whole(line).slice(0, 4 + figures.length)).toEqual([number, epochs, hours, minutes, ...figures]);
    }
  });

  test("once narrow stay so, until the terminal is resized", () => {
    const lines = new EpochLines();
    const wide = lines.line(10, info(0), usual, 95);
    expect(wide).toContain("accuracy: ");
    expect(lines.line(10, info(1, 3700), usual, 95)).toContain("acc 0.9871");
    expect(lines.line(10, info(2), usual, 95)).toContain("acc 0.9871");
    expect(lines.line(10, info(3), usual, 96)).toContain("accuracy: ");
  });
});

describe("layer tables", () => {
  const models = Object.keys(MODELS).map((name) => {
    const shape = name === "vgg" ? [32, 32, 3] : [28, 28, 1];
    const model = createModel(name, shape, 10);
    return [name, model] as const;
  });

  test.each(models)("fit any width, with every shape and count: %s", (_, model) => {
    for (const columns of WIDTHS) {
      const table = layerTable(model.name, model.rows, columns);
      expect(longest(table), `${columns}\n${table}`).toBeLessThanOrEqual(columns);
      for (const { outputShape, parameters } of model.rows) {
        expect(table).toMatch(new RegExp(outputShape.join("(x|, )")));
        expect(table).toContain(parameters.toLocaleString("en-US"));
      }
    }
  });

  test("are Keras's where there is room, and keep a long name's beginning where there is none", () => {
    const [, model] = models[0]!;
    expect(layerTable("m", model.rows, 100)).toBe(model.summary(() => {}).replace(/^Model: .*/, "Model: m"));
    const [row] = model.rows;
    const long = [{ ...row!, name: "a-very-long-name-of-a-layer-that-nobody-would-choose" }];
    const table = layerTable("m", long, 50);
    expect(table).toMatch(/^a-very-long\S*…\s/m);
    expect(longest(table)).toBe(50);
  });
});

test("a matrix that would break gives way to the most frequent mistakes", () => {
  const confusion = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 10 }, (_, j) => (i === j ? 980 : i + j)),
  );
  const names = "zero one two three four five six seven eight nine".split(" ");
  const printed = (columns: number) => {
    const lines: string[] = [];
    const paint = { bold: String, dim: String, green: String, red: String };
    const output = {
      json: false,
      print: (text = "") => lines.push(text),
      document() {},
      notice() {},
      paint,
      columns,
    };
    printTest(output, { count: 10_000, loss: 1, confusion, outputs: new Float32Array() }, names);
    return lines.join("\n");
  };
  expect(printed(120)).toContain("Confusion matrix");
  expect(printed(60)).toContain("Most frequent mistakes");
  expect(longest(printed(60))).toBeLessThanOrEqual(60);
});

test("text is broken between words", () => {
  expect(wrap("one two three extraordinarily", 9)).toBe("one two\nthree\nextraordinarily");
  expect(wrap("", 8)).toBe("");
});

describe("in a terminal", () => {
  const noScript = spawnSync("script", ["--version"]).status === 0 ? "" : " (no script(1) here)";

  test.skipIf(noScript)(`of 60, 80 and 100 columns no line of a training is longer${noScript}`, async () => {
    const folder = await tempFolder();
    await writeBars(join(folder, "bars"));
    await writeModel(join(folder, "small.json"));
    for (const columns of [60, 80, 100]) {
      // Only stdout goes to the terminal: bars on stderr are cut to its width by themselves.
      const line = `stty cols ${columns}; "$NODE" "$CLI" train --dataset bars --model small.json --epochs 2 2>errors`;
      const { stdout, status } = await shell(`script -qec '${line}' /dev/null </dev/null`, {
        cwd: folder,
        env: { SHELL: "/bin/bash", NO_COLOR: "1", TERM: "xterm" },
      });
      expect(status, stdout).toBe(0);
      const text = stdout.replaceAll("\r", "");
      expect(text).toMatch(/^(Epoch )?2\/2 .*loss/m);
      const paths = /^(Report|Evaluate|By class|Predict): .*$/gm;
      expect(longest(text.replace(paths, "")), `${columns}\n${text}`).toBeLessThanOrEqual(columns);
    }
  });
});
