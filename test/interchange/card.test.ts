import { describe, expect, test } from "vitest";
import { cardOf } from "../../src/interchange/card.ts";
import { dense, flatten, input } from "../../src/model/layers/index.ts";
import { model } from "../../src/train/functional.ts";

const net = () => {
  const x = input({ shape: [2, 2, 1], name: "image" });
  const outputs = dense({ units: 4, name: "conv_out" }).apply(flatten().apply(x));
  return model({ inputs: x, outputs, name: "my_net" });
};

describe("a model card", () => {
  test("takes names as they are, and not as markup", () => {
    const classNames = [
      "a | b",
      "<img src=x onerror=alert(1)>",
      "[free](https://x.example)",
      "**b**\n# c `d` _e_ \\",
    ];
    const card = cardOf(
      { config: net().toConfig(), tensors: [], metadata: { classNames } },
      { format: "js", file: "a`b#.js" },
    );
    const [row] = card.split("\n").filter((line) => line.startsWith("| classes"));
    expect(row).toBe(
      "| classes | 4: a \\| b, \\<img src=x onerror=alert(1)\\>, \\[free\\](https://x.example), \\*\\*b\\*\\* # c \\`d\\` \\_e\\_ \\\\ |",
    );
    expect(card).toContain("# my_net\n");
    expect(card).toContain("| conv_out (dense) |");
    expect(card).toMatch(/\| weights, SHA-256 \| `[0-9a-f]{64}` \|/);
    expect(card).toContain(", `a b#.js`:\n");
    expect(card).toContain('from "./a`b%23.js";');
    // Its head ends where it ends.
    expect(card.split("\n---\n")).toHaveLength(2);
  });

  test("says that bytes are scaled as usual where a file does not say how, and not where a training or the file does", () => {
    const cardOfBytes = (metadata: object, run?: object) =>
      cardOf({ config: net().toConfig(), tensors: [], metadata }, { format: "onnx", file: "m.onnx", run });
    const unsure =
      "becomes byte / 255 before it comes to the model. That is what is taken where a file does not say: a model of another framework may have learned on other numbers.\n";
    expect(cardOfBytes({})).toContain(unsure);
    expect(cardOfBytes({ preprocessing: { scale: 1 / 255, offset: 0 } })).toContain(unsure);
    const sure = /becomes byte \/ (255|127\.5 - 1) before it comes to the model\.\n/;
    expect(cardOfBytes({ preprocessing: { scale: 1 / 127.5, offset: -1 } })).toMatch(sure);
    expect(cardOfBytes({ dataset: "mnist" })).toMatch(sure);
    expect(cardOfBytes({}, { dataset: "mnist" })).toMatch(sure);
  });

  test("has its figures with as many digits as tell something", () => {
    const card = cardOf(
      { config: net().toConfig(), tensors: [], metadata: {} },
      { format: "onnx", file: "m.onnx", run: { test: { loss: 0.25680447214841845, accuracy: 0.9254 } } },
    );
    expect(card).toContain("| loss | 0.2568 |\n| accuracy | 92.54 % |\n");
  });
});
