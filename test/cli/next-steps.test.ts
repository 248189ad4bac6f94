import { expect, test, vi } from "vitest";
import { nextSteps } from "../../src/cli/run/next-steps.ts";
import type { Targets } from "../../src/run/config.ts";

vi.stubEnv("npm_lifecycle_event", "start");

test("a known dataset needs no name: nothing else is tested on unasked", () => {
  const text = nextSteps("runs/first", { dataset: "mnist" });
  expect(text).toBe(
    [
      "Report:    runs/first/report.html",
      "By class:  npm start -- evaluate runs/first",
      "Predict:   npm start -- predict runs/first picture.png",
    ].join("\n"),
  );
});

test("after generated digits, MNIST is offered with the reason", () => {
  expect(nextSteps("r", { dataset: "digits" })).toMatch(
    /real handwriting.*\n +npm start -- evaluate r --dataset mnist$/,
  );
});

test("answers that are images are written, and none of numbers are of a class", () => {
  const of = (targets: Targets) =>
    nextSteps("r", { dataset: "mnist", targets })
      .split("\n")
      .slice(1)
      .map((line) => line.replace(/: .*-- /, ": "));
  expect(of("labels")).toEqual(["By class: evaluate r", "Predict: predict r picture.png"]);
  expect(of("masks")).toEqual(["By class: evaluate r", "Predict: predict r picture.png --out answers"]);
  expect(of("images")).toEqual(["By image: evaluate r", "Predict: predict r picture.png --out answers"]);
  expect(of("numbers")).toEqual(["By image: evaluate r", "Predict: predict r picture.png"]);
});

test("pictures that were left out are so again, and the same ones are kept for the test", () => {
  const text = nextSteps("r", { dataset: "pets", testSplit: 0.3, skipBad: true });
  expect(text).toMatch(/evaluate r --dataset pets --test-split 0\.3 --skip-bad$/m);
});

test("folders are named, quoted for the shell", () => {
  expect(nextSteps("r", { dataset: "my data" })).toContain("evaluate r --dataset 'my data'");
  expect(nextSteps("r", { dataset: "mnist", dataDir: "/data" })).toContain("evaluate r --data-dir /data");
});
