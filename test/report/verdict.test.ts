import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createOptimizer, type OptimizerName } from "../../src/optim/index.ts";
import type { EpochRecord } from "../../src/report/epoch-record.ts";
import { classCounts, USUAL_RATES, type VerdictInput, verdict } from "../../src/report/verdict.ts";

interface Recorded {
  loss: string;
  optimizer: string;
  learningRate: number;
  keptEpoch: number;
  history: [loss: number, accuracy: number, val_loss: number, val_accuracy: number][];
}

/** Real trainings of the default model, as the command line recorded them: `train` with the options that `about` names. */
const RECORDED: Record<string, Recorded> = JSON.parse(
  readFileSync(new URL("histories.json", import.meta.url), "utf8"),
);

function recorded(name: string): VerdictInput {
  const { history, ...settings } = RECORDED[name]!;
  return {
    ...settings,
    classes: 10,
    history: history.map(([loss, accuracy, val_loss, val_accuracy], epoch) => ({
      epoch,
      loss,
      accuracy,
      val_loss,
      val_accuracy,
    })),
  };
}

/** Epochs from rows of loss, validation loss, accuracy, validation accuracy. */
function epochs(...rows: (number | undefined)[][]): EpochRecord[] {
  return rows.map(([loss, val_loss, accuracy, val_accuracy], epoch) => ({
    epoch,
    loss: loss!,
    ...(val_loss !== undefined && { val_loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(val_accuracy !== undefined && { val_accuracy }),
  }));
}

const TEN = { classes: 10, loss: "categoricalCrossentropy" };

describe("recorded trainings", () => {
  test.each(["mnist", "digits"])("%s went well: nothing to say", (name) => {
    expect(verdict(recorded(name))).toBeUndefined();
    // Nor after any of its epochs: the verdict is asked for while a training goes on, too.
    const input = recorded(name);
    for (let n = 0; n < input.history.length; n++)
      expect(verdict({ ...input, history: input.history.slice(0, n) }), `${n} epochs`).toBeUndefined();
  });

  test.each(["rate100", "rate1", "sgd1000", "binary1"])("%s ran away, and a usual rate is named", (name) => {
    const input = recorded(name);
    const said = verdict(input)!;
    expect(said).toMatchObject({ kind: "diverged", epoch: 0 });
    expect(said.tryText).toContain(`learning rate of ${USUAL_RATES[input.optimizer!]}`);
    expect(said.tryText).toContain(`it was ${input.learningRate}`);
    expect(verdict({ ...input, history: input.history.slice(0, 1) })?.kind).toBe("diverged");
  });

  test("the texts", () => {
    expect(verdict(recorded("rate1"))).toEqual({
      kind: "diverged",
      epoch: 0,
      text: "The training ran away: the loss reached 5714 in epoch 1; guessing costs 2.303.",
      tryText: "Try a learning rate of 0.001, which suits most models; it was 1.",
    });
    expect(verdict(recorded("few"))).toEqual({
      kind: "overfits",
      epoch: 9,
      text: "The model overfits from epoch 11 on: the validation loss rose from 0.3259 to 0.6556 while the training loss fell from 0.2657 to 0.000893.",
      tryText:
        "The weights of epoch 11, the best by validation accuracy, were kept; more images, dropout or a smaller model would do better.",
    });
    const plain = "The weights of epoch 10 were kept; more images";
    expect(verdict({ ...recorded("few"), keptEpoch: 9 })?.tryText).toContain(plain);
    // Kept by another figure.
    const worse = recorded("few").history.map((r) => (r.epoch === 10 ? { ...r, val_accuracy: 0 } : r));
    expect(verdict({ ...recorded("few"), history: worse })?.tryText).toContain(plain.replace("10", "11"));
  });

  test.each(["rate0", "rate01", "squared1"])("%s learned nothing, and a usual rate is named", (name) => {
    const input = recorded(name);
    const said = verdict(input)!;
    expect(said.kind).toBe("learns-nothing");
    expect(said.text).toMatch(/no better than guessing/);
    expect(said.tryText).toContain("learning rate of 0.001");
    expect(verdict({ ...input, history: input.history.slice(0, 1) })?.kind).toBe("learns-nothing");
  });

  test("an overfit shows some epochs after the turn, and not before", () => {
    const input = recorded("few");
    const at = (n: number) => verdict({ ...input, history: input.history.slice(0, n) })?.kind;
    expect(at(10)).toBeUndefined();
    expect(at(12)).toBeUndefined();
    expect(at(16)).toBe("overfits");
  });

  test("without kept weights the advice is where to stop", () => {
    const { keptEpoch: _, ...input } = recorded("few");
    expect(verdict(input)?.tryText).toMatch(/^Stop after epoch 10 /);
  });
});

describe("divergence", () => {
  test("named by the error, even before the first epoch is finished", () => {
    const said = verdict({ ...TEN, history: [], diverged: { epoch: 0, batch: 11 } });
    expect(said).toMatchObject({ kind: "diverged", epoch: 0, tryText: "Try a tenth of the learning rate." });
    expect(said!.text).toContain("NaN or infinite in epoch 1, batch 12");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("a loss of %s in the history", (loss) => {
    expect(verdict({ history: epochs([1], [loss]) })).toMatchObject({ kind: "diverged", epoch: 1 });
  });

  test("a validation loss that is not finite is told apart", () => {
    const said = verdict({ ...TEN, history: epochs([0.5, Number.NaN, 0.9]) })!;
    expect(said).toMatchObject({ kind: "diverged", epoch: 0 });
    expect(said.text).toMatch(/^The validation loss/);
  });

  test("a bad first epoch that training recovers from is none", () => {
    expect(verdict({ ...TEN, history: epochs([50, 0.4, 0.6, 0.9], [0.3, 0.3, 0.9, 0.9]) })).toBeUndefined();
    // Nor a mean over an epoch that ends well.
    expect(verdict({ ...TEN, history: epochs([8, 0.4, 0.6, 0.9]) })).toBeUndefined();
  });

  test("a low rate that diverges is not the cause", () => {
    const low = { ...TEN, optimizer: "adam", learningRate: 1e-4, diverged: { epoch: 0, batch: 0 } };
    expect(verdict({ ...low, history: [] })?.tryText).toMatch(/clip gradients/);
    const some = { ...low, learningRate: 0.005 };
    expect(verdict({ ...some, history: [] })?.tryText).toMatch(/0\.0005, a tenth; it was 0\.005/);
  });
});

describe("regression", () => {
  test("has no scale but the loss it began with", () => {
    expect(verdict({ history: epochs([8e7], [7e7]) })).toBeUndefined();
    expect(verdict({ history: epochs([8e7], [7e7]), firstLoss: 3 })?.kind).toBe("diverged");
    expect(verdict({ history: epochs([3], [31]) })?.kind).toBe("diverged");
    expect(verdict({ history: epochs([3], [2], [4]), firstLoss: 3 })).toBeUndefined();
  });

  test("a loss that never moves has learned nothing", () => {
    const said = verdict({ history: epochs([0.25], [0.2500001], [0.25]) });
    expect(said).toMatchObject({ kind: "learns-nothing" });
    expect(said!.text).toContain("stayed at 0.25");
    expect(verdict({ history: epochs([0.25], [0.2499]) })).toBeUndefined();
    expect(verdict({ history: epochs([0], [0]) })).toBeUndefined();
    expect(verdict({ history: epochs([0.25]) })).toBeUndefined();
  });

  test("an unknown loss has no scale either, whatever the classes", () => {
    expect(verdict({ classes: 10, history: epochs([50], [49]) })).toBeUndefined();
    expect(verdict({ classes: 10, loss: "hinge", history: epochs([50], [49]) })).toBeUndefined();
  });

  test("overfits too", () => {
    const history = epochs([9, 8], [5, 4], [3, 5], [2, 6], [1, 7]);
    expect(verdict({ history })).toMatchObject({ kind: "overfits", epoch: 1 });
  });
});

describe("learns nothing", () => {
  test("after few steps the advice is to go on", () => {
    const history = epochs([2.31, undefined, 0.1]);
    expect(verdict({ ...TEN, history, steps: 12 })?.tryText).toBe("Train longer: 12 steps are few.");
    expect(verdict({ ...TEN, history, steps: 1 })?.tryText).toBe("Train longer: 1 step is few.");
    expect(verdict({ ...TEN, history, steps: 2000 })?.tryText).toMatch(/^Try another learning rate/);
  });

  test("guessing follows the classes' shares: 90 % accuracy can be nothing", () => {
    const history = epochs([0.325, undefined, 0.9]);
    const two = { classes: 2, loss: "categoricalCrossentropy", history };
    expect(verdict(two)).toBeUndefined();
    expect(verdict({ ...two, trainCounts: [90, 10] })?.kind).toBe("learns-nothing");
    expect(
      verdict({ ...two, trainCounts: [90, 10], history: epochs([0.1, undefined, 0.97]) }),
    ).toBeUndefined();
  });

  test("one output's binary cross-entropy", () => {
    const one = { classes: 2, loss: "binaryCrossentropy" };
    expect(verdict({ ...one, history: epochs([0.69, undefined, 0.5]) })?.kind).toBe("learns-nothing");
    expect(verdict({ ...one, history: epochs([0.5, undefined, 0.78]) })).toBeUndefined();
  });

  test("a first epoch above guessing that answers better than guessing is learning", () => {
    expect(verdict({ ...TEN, history: epochs([2.26, undefined, 0.26]) })).toBeUndefined();
    expect(verdict({ ...TEN, history: epochs([2.1, undefined, 0.15]) })).toBeUndefined();
  });

  test("one class alone is no guess", () => {
    expect(
      verdict({ ...TEN, trainCounts: [9, ...new Array(9).fill(0)], history: epochs([0, undefined, 1]) }),
    ).toBeUndefined();
  });
});

describe("overfitting", () => {
  test("noise, a plateau and a rise with the training loss are none", () => {
    const plateau = epochs([0.5, 0.5], [0.3, 0.3], [0.2, 0.31], [0.1, 0.32], [0.05, 0.33]);
    expect(verdict({ ...TEN, history: plateau })).toBeUndefined();
    const spike = epochs([0.5, 0.5], [0.3, 0.3], [0.2, 0.3], [0.1, 0.3], [0.05, 0.6]);
    expect(verdict({ ...TEN, history: spike })).toBeUndefined();
    const worse = epochs([0.5, 0.5], [0.3, 0.3], [0.4, 0.6], [0.5, 0.7], [0.6, 0.8]);
    expect(verdict({ ...TEN, history: worse })).toBeUndefined();
  });
});

describe("classes", () => {
  const well = { ...TEN, classes: 3, classNames: ["cat", "dog", "elk"], history: epochs([0.2, 9, 0.9, 0.1]) };

  test("that validation lacks", () => {
    const said = verdict({ ...well, trainCounts: [4, 4, 1], validationCounts: [0, 0, 3] })!;
    expect(said.kind).toBe("classes");
    expect(said.text).toContain("Validation has no image of 2 of 3 classes (cat, dog)");
  });

  test("that training lacks come first", () => {
    const said = verdict({ ...well, trainCounts: [4, 4, 0], validationCounts: [0, 1, 3] })!;
    expect(said.text).toContain("Training has no image of 1 of 3 classes (elk)");
  });

  test("a class that no part has is no matter; no validation neither", () => {
    expect(verdict({ ...well, trainCounts: [4, 0, 4], validationCounts: [1, 0, 3] })).toBeUndefined();
    expect(verdict({ ...well, trainCounts: [4, 3, 4], validationCounts: [0, 0, 0] })).toBeUndefined();
  });

  test("far from balance", () => {
    const said = verdict({ ...well, trainCounts: [1000, 900, 100], validationCounts: [9, 9, 1] })!;
    expect(said.text).toContain("1,000 images of cat, 100 of elk");
    expect(verdict({ ...well, trainCounts: [1000, 900, 101], validationCounts: [9, 9, 1] })).toBeUndefined();
  });

  test("are counted", () => {
    expect(classCounts(Uint8Array.of(2, 0, 2), 4)).toEqual([1, 0, 2, 0]);
  });
});

test("no epoch: nothing to say", () => {
  expect(verdict({ history: [] })).toBeUndefined();
});

test("the usual rates are the optimizers' defaults", () => {
  for (const [name, rate] of Object.entries(USUAL_RATES))
    expect(createOptimizer(name as OptimizerName).config).toMatchObject({ learningRate: rate });
});
