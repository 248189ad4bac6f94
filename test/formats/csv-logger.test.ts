import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { csvLogger } from "../../src/formats/logs/csv-logger.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import type { Logs } from "../../src/train/callbacks.ts";
import type { FitOptions } from "../../src/train/fit.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const folder = mkdtempSync(join(tmpdir(), "wasmgrad-csv-"));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (path: string) => readFileSync(path, "utf8");

interface Case {
  readonly rows: readonly Record<string, string>[];
  readonly before: string;
  readonly options: object;
  readonly file: string;
}
const { cases } = JSON.parse(read(new URL("../fixtures/logs/csv-logger.json", import.meta.url).pathname)) as {
  cases: Record<string, Case>;
};
const NUMBERS: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY };

test.each(Object.entries(cases))("csvLogger writes what Keras's does: %s", async (name, given) => {
  const path = join(folder, `${name}.csv`);
  if (given.before !== "") writeFileSync(path, given.before);
  const logger = csvLogger(path, given.options);
  await logger.onTrainBegin!(undefined as never, undefined as never);
  for (const [epoch, row] of given.rows.entries()) {
    const logs = Object.fromEntries(
      Object.entries(row).map(([key, text]) => [key, NUMBERS[text] ?? Number(text)]),
    );
    await logger.onEpochEnd!({ epoch } as never, logs as Logs, undefined as never);
  }
  expect(read(path)).toBe(given.file);
});

describe("csvLogger in a training", () => {
  const data = halves(50, 3);
  const layers = () => [flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })];
  const fit: FitOptions = { epochs: 4, batchSize: 8, validationSplit: 0.2 };

  test("has the history, in a folder that it makes", async () => {
    const path = join(folder, "deep", "down", "log.csv");
    const { history } = await (await modelOf(layers())).fit(data, { ...fit, callbacks: csvLogger(path) });
    const [names, ...rows] = read(path)
      .trim()
      .split("\r\n")
      .map((line) => line.split(","));
    expect(names).toEqual(["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]);
    for (const [epoch, row] of rows.entries())
      expect(row.map(Number)).toEqual([epoch, ...names!.slice(1).map((name) => history[name]![epoch])]);
    expect(existsSync(`${path}.tmp`)).toBe(false);
  });

  test.each([
    ["as it was", (text: string) => text],
    ["torn", (text: string) => text.slice(0, -9)],
    ["of a later epoch", (text: string) => `${text}3,0.5,0.5,0.5,0.5\r\n`],
    ["gone", () => undefined],
  ])("goes on from a state to the same file, whatever became of it: %s", async (name, change) => {
    const before = "some,notes\r\n";
    const logged = async (file: string, stopAt?: number) => {
      const path = join(folder, file);
      writeFileSync(path, before);
      const training = (await modelOf(layers())).training(data, {
        ...fit,
        callbacks: csvLogger(path, { append: true }),
      });
      if (stopAt === undefined) await training.run();
      else while (training.epoch < stopAt) await training.step();
      return { path, state: training.state() };
    };
    const whole = await logged(`${name} whole.csv`);
    const half = await logged(`${name} half.csv`, 2);
    const changed = change(read(half.path));
    if (changed === undefined) rmSync(half.path);
    else writeFileSync(half.path, changed);
    const callbacks = csvLogger(half.path, { append: true });
    // Its path is its name: the states of two files are not mixed up.
    await (await modelOf(layers())).fit(data, { ...fit, callbacks, initialState: half.state });
    expect(read(half.path)).toBe(
      changed === undefined ? read(whole.path).slice(before.length) : read(whole.path),
    );
    const other = csvLogger(join(folder, "other.csv"));
    const mixed = (await modelOf(layers())).fit(data, { ...fit, callbacks: other, initialState: half.state });
    await expect(mixed).rejects.toThrow(
      /^initialState has csvLogger\(".*half\.csv"\) where the training has csvLogger/,
    );
  });

  test("refuses what is no path, and says what cannot be written", async () => {
    expect(() => csvLogger({ filename: "log.csv" } as never)).toThrow(
      /^csvLogger: got .*expected the path of a file/,
    );
    expect(() => csvLogger("log.csv", { separator: "" })).toThrow(
      /^csvLogger: separator is "", expected one character/,
    );
    const fitted = (await modelOf(layers())).fit(data, { ...fit, callbacks: csvLogger(folder) });
    await expect(fitted).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  });
});
