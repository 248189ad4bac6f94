import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { json, tempFolder, wasmgrad, writeBars, writeModel } from "./helpers.ts";

let work: string;
const quick = "train --dataset bars --model small.json --batch-size 16 --threads 1 --json".split(" ");

beforeAll(async () => {
  work = await tempFolder();
  await writeBars(join(work, "bars"));
  await writeModel(join(work, "small.json"));
});

const train = (...args: string[]) => wasmgrad([...quick, ...args], { cwd: work });

test("flags name callbacks, in place of those that a file of settings has", async () => {
  await writeFile(
    join(work, "settings.json"),
    JSON.stringify({ epochs: 6, callbacks: ["terminateOnNaN", { name: "earlyStopping", patience: 99 }] }),
  );
  const done = await train(
    ...["--config", "settings.json", "--early-stopping", "patience=1,min-delta=9,monitor=loss"],
    ...["--reduce-lr", "3", "--csv-log", "log.csv", "--tensorboard", "tb", "--out", "flags"],
  );
  expect(done).toMatchObject({ status: 0, stderr: "" });
  const { configuration, epochsCompleted, stoppedBy } = json(done);
  expect({ epochsCompleted, stoppedBy }).toEqual({ epochsCompleted: 2, stoppedBy: "callback" });
  expect(configuration.callbacks).toMatchObject([
    { name: "terminateOnNaN", raiseError: false },
    { name: "reduceLROnPlateau", monitor: "val_loss", patience: 3, factor: 0.1 },
    { name: "earlyStopping", monitor: "loss", patience: 1, minDelta: 9 },
    { name: "csvLogger", filename: "log.csv", append: false },
    { name: "tensorBoard", logDir: "tb", histogramFreq: 1, writeImages: true, updateFreq: "epoch" },
  ]);
  expect((await readFile(join(work, "log.csv"), "utf8")).split("\r\n")).toHaveLength(4);
  expect((await readdir(join(work, "tb"))).sort()).toEqual(["train", "validation"]);
});

test("--terminate-on-nan ends with status 0 where a run without it fails", async () => {
  const wild = ["--epochs", "3", "--optimizer", "sgd", "--learning-rate", "1e30"];
  expect(await train(...wild, "--out", "loud")).toMatchObject({ status: 1 });
  const quiet = await train(...wild, "--terminate-on-nan", "--out", "quiet");
  expect(quiet.status).toBe(0);
  expect(json(quiet)).toMatchObject({ stoppedBy: "diverged", verdict: { kind: "diverged" } });
  expect(await readFile(join(work, "quiet", "report.html"), "utf8")).toContain("Stopped early:");
});

test.each([
  [["--early-stopping", "soon"], "Expected a number of epochs, or options such as patience=3,monitor=loss."],
  [["--early-stopping", "patients=3"], 'no option is called "patients": did you mean patience?'],
  [["--reduce-lr", "patience=2,factor=2"], "factor is 2, expected a number above 0 and below 1"],
  [
    ["--early-stopping", "3", "--validation-split", "0"],
    "but --validation-split 0 leaves nothing to validate on: let it be loss",
  ],
  [["--reduce-lr", "patience=3,monitor=loss", "--recipe", "fast"], "the optimizer's follows a schedule"],
])("%j is refused", async (flags, message) => {
  const refused = await train(...flags);
  expect(json(refused).error).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
});
