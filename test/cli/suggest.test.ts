import { Command, type CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { evaluateCommand } from "../../src/cli/commands/evaluate.ts";
import { predictCommand } from "../../src/cli/commands/predict.ts";
import { trainCommand } from "../../src/cli/commands/train.ts";
import { quiet } from "../../src/cli/main.ts";
import { nearestCommand, suggestCorrections } from "../../src/cli/suggest.ts";

/** What is said of a command line that is wrong. */
async function messageOf(line: string): Promise<string> {
  const program = quiet(new Command("wasmgrad"))
    .addCommand(trainCommand(), { isDefault: true })
    .addCommand(evaluateCommand())
    .addCommand(predictCommand());
  suggestCorrections(program);
  return program.parseAsync(line.split(" "), { from: "user" }).then(
    () => "no error",
    (error: CommanderError) => error.message,
  );
}

describe("an option by another name", () => {
  test.each([
    ["--lr 0.1", "--learning-rate 0.1"],
    ["--lr=0.1", "--learning-rate 0.1"],
    ["train --learning_rate 0.1 --seed 2", "--learning-rate 0.1"],
    ["--learningRate 0.1", "--learning-rate 0.1"],
    ["--batch 64", "--batch-size 64"],
    ["--bs 64", "--batch-size 64"],
    ["--bs many", "--batch-size <n>"],
    ["--batch_size", "--batch-size <n>"],
    ["--epoch 3", "--epochs 3"],
    ["--wd 0.1", "--weight-decay 0.1"],
    ["--val-split 0.1", "--validation-split 0.1"],
    ["--patience 3", "--early-stopping 3"],
    ["--continue runs/first", "--resume runs/first"],
    ["--output run", "--out run"],
    ["--force", "--overwrite"],
    ["--workers 2", "--threads 2"],
    ["--random-state 7", "--seed 7"],
    ["--nesterv", "--nesterov"],
    ["evaluate run --bs 3", "--batch-size 3"],
    ["predict run a.png --topk 3", "--top 3"],
  ])("%s: %s", async (line, right) => {
    expect(await messageOf(line)).toMatch(/^error: unknown option '--/);
    expect(await messageOf(line)).toMatch(
      new RegExp(`: did you mean ${right.split(" ")[0]}\\? Write: ${right}$`),
    );
  });
});

test.each([
  [
    "--gpu",
    "unknown option '--gpu': training runs on the processor; --threads says on how many of its cores",
  ],
  ["evaluate run --epochs 3", "unknown option '--epochs': it is an option of wasmgrad train"],
  ["--foo", "unknown option '--foo'"],
  ["-e 3", "unknown option '-e'"],
])("%s has no other name: %s", async (line, message) => {
  const said = await messageOf(line);
  expect(said.slice(0, message.length + 7)).toBe(`error: ${message}`);
  expect(said).not.toContain("did you mean");
});

test.each([
  ["--loss mse", "--loss meanSquaredError"],
  ["--loss bce", "--loss binaryCrossentropy"],
  ["--loss sparse_categorical_crossentropy", "--loss sparseCategoricalCrossentropy"],
  ["--optimizer AdamW", "--optimizer adamw"],
  ["--restore-best val_acc", "--restore-best val_accuracy"],
  ["--split 0.1", "--validation-split 0.1"],
  ["--split stratfied", "--validation-from stratified"],
  ["evaluate run --split tset", "--split test"],
  ["--backend smid", "--backend simd"],
])("a choice that is none, %s: %s", async (line, right) => {
  expect(await messageOf(line)).toMatch(new RegExp(`Allowed choices are .*\\. Write: ${right}$`));
});

test("a choice that is near to none is answered with all of them", async () => {
  expect(await messageOf("--loss triplet")).toMatch(
    /Allowed choices are .*meanSquaredError, meanAbsoluteError, .*cosineSimilarity\.$/,
  );
});

test.each([
  ["trian", "train"],
  ["fit", "train"],
  ["test", "evaluate"],
  ["evalute", "evaluate"],
  ["classify", "predict"],
  ["xyz", undefined],
])("the command %s: %s", (name, right) => {
  expect(nearestCommand(name, ["train", "evaluate", "predict"])).toBe(right);
});
