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
});
