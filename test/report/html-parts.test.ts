import { describe, expect, it } from "vitest";
import { byId, figures, headings, page, rows, section } from "./page.ts";
import { HISTORY, sampleReport } from "./sample.ts";
import { find, text } from "./tree.ts";

describe("reports that lack parts", () => {
  it("without validation", () => {
    const history = HISTORY.map(({ epoch, loss, accuracy }) => ({ epoch, loss, accuracy }));
    const html = page({ history, dataset: { ...sampleReport().dataset, validationCount: 0 } });
    expect(rows(section(html, "curves"))[0]).toEqual(["Epoch", "Loss", "Accuracy", "Images/s"]);
    expect(text(section(html, "curves"))).toContain("no images for validation");
    expect(text(find(html, "header")[0]!)).toContain("none for validation");
  });

  it("without a test set: the last validation leads", () => {
    const html = page({ test: undefined, confusion: undefined, gallery: undefined });
    expect(figures(html).slice(0, 2)).toEqual([
      ["Validation accuracy", "84.38 %", "last epoch"],
      ["Validation loss", "0.375", "mean over images"],
    ]);
    expect(headings(html)).toEqual(["Learning curves", "First-layer filters", "Model", "The run"]);
  });

  it("without test and validation: the last epoch leads", () => {
    const html = page({ test: undefined, history: [{ epoch: 0, loss: 0.5, accuracy: 0.75 }] });
    expect(figures(html)[0]).toEqual(["Training accuracy", "75.00 %", "last epoch"]);
  });

  it("without accuracy", () => {
    const html = page({ history: [{ epoch: 0, loss: 0.5 }], test: { loss: 0.25 } });
    expect(find(section(html, "curves"), "svg")).toHaveLength(1);
    expect(figures(html)[0]).toEqual(["Test loss", "0.25", "mean over images"]);
  });

  it("without a wrong prediction", () => {
    const gallery = { ...sampleReport().gallery!, wrong: [], wrongCount: 0 };
    const html = page({
      gallery,
      confusion: [
        [3, 0],
        [0, 3],
      ],
    });
    expect(text(section(html, "wrong"))).toContain("None: every test image was predicted correctly.");
    expect(text(section(html, "confusion"))).toContain("None: every test image was predicted correctly.");
    expect(figures(html)[0]![2]).toBe("0 of 6 wrong");
  });

  it("does not claim perfection where wrong ones are just not shown", () => {
    const html = page({ gallery: { correct: [], wrong: [], wrongCount: 7 } });
    expect(text(section(html, "wrong"))).toBe("Wrong predictions None to show.");
    expect(text(section(html, "correct"))).toBe("Correct predictions None to show.");
  });

  it("without pixels in the gallery", () => {
    const { correct, wrong } = sampleReport().gallery!;
    const bare = { correct: correct.map((item) => ({ ...item, pixels: new Uint8Array(0) })), wrong };
    const html = page({ gallery: bare });
    expect(find(section(html, "correct"), "img")).toEqual([]);
    expect(find(section(html, "correct"), "li")).toHaveLength(correct.length);
    expect(find(section(html, "wrong"), "img")).toHaveLength(wrong.length);
  });

  it("with a prediction that is NaN", () => {
    const [item] = sampleReport().gallery!.wrong;
    const gallery = { correct: [], wrong: [{ ...item!, prediction: -1, probability: Number.NaN }] };
    expect(text(section(page({ gallery }), "wrong"))).toMatch(/predicted none ?truth elk ?– ?no\. 5/);
  });

  it("without a convolution, hash, machine and settings", () => {
    const html = page({ filters: undefined, weightsSha256: undefined, machine: {}, configuration: {} });
    expect(byId(html, "filters")).toBeUndefined();
    expect(find(html, "code")).toEqual([]);
    expect(rows(section(html, "run"))).toEqual([["Finished", "2026-11-22 16:42 UTC"]]);
    expect(text(section(html, "run"))).toContain("Not recorded.");
  });

  it("of a run that was stopped, also before its first epoch ended", () => {
    const html = page({ stopped: "early", plannedEpochs: 10 });
    expect(text(find(html, "p", "note")[0]!)).toMatch(/^Stopped early: 2 of 10 epochs were finished/);
    expect(figures(html)[4]).toEqual(["Epochs", "2 of 10", "stopped early"]);
    const none = page({ stopped: "early", plannedEpochs: 10, history: [], test: undefined });
    expect(text(section(none, "curves"))).toBe("Learning curves No epoch was finished.");
    expect(figures(none)[0]![0]).toBe("Parameters");
    expect(find(page(), "p", "note")).toEqual([]);
  });

  it("of one planned epoch, and of one class", () => {
    const { dataset } = sampleReport();
    const html = page({
      stopped: "early",
      plannedEpochs: 1,
      history: [],
      dataset: { ...dataset, classNames: ["cat"] },
    });
    expect(text(find(html, "p", "note")[0]!)).toMatch(/^Stopped early: 0 of 1 epoch was finished\. /);
    expect(text(find(html, "p", "sub")[0]!)).toContain("1 class of ");
  });

  it("of a resumed run: epochs count from the first run's start", () => {
    const html = page({
      history: HISTORY.map((record) => ({ ...record, epoch: record.epoch + 5 })),
      plannedEpochs: 7,
    });
    expect(figures(html)[4]).toEqual(["Epochs", "7", "all planned"]);
  });
});

describe("the kept epoch", () => {
  const kept = { epoch: 0, by: "val_accuracy" } as const;

  it("is told of in the headline, beside the curves and in their table", () => {
    const html = page({ kept });
    expect(figures(html)[4]).toEqual(["Epochs", "2", "epoch 1 was kept"]);
    expect(text(find(section(html, "curves"), "p")[0]!).replaceAll("\u00a0", " ")).toContain(
      "those of epoch 1, the best by validation accuracy (81.25 %), whose weights were kept.",
    );
    expect(rows(section(html, "curves")).map(([first]) => first)).toEqual(["Epoch", "1 (kept)", "2"]);
    expect(find(section(html, "curves"), "tr", "kept")).toHaveLength(1);
  });

  it("gives the figures where there is no test, so that they do not contradict its weights", () => {
    const html = page({ kept, test: undefined, gallery: undefined });
    expect(figures(html).slice(0, 2)).toEqual([
      ["Validation accuracy", "81.25 %", "epoch 1, kept"],
      ["Validation loss", "0.4", "mean over images"],
    ]);
  });

  it("is that of a run which was stopped", () => {
    const html = page({ kept, stopped: "early", plannedEpochs: 10 });
    expect(text(find(html, "p", "note")[0]!).replaceAll("\u00a0", " ")).toBe(
      "Stopped early: 2 of 10 epochs were finished. The figures are those of the weights of epoch 1, the best by validation accuracy (81.25 %), which were kept.",
    );
  });

  it("is none where the history does not have it", () => {
    expect(figures(page({ kept: { epoch: 7 } }))[4]).toEqual(["Epochs", "2", "all planned"]);
  });
});

describe("the verdict", () => {
  const overfit = { kind: "overfits", epoch: 0, text: "It <overfits>.", tryText: "Stop." } as const;
  const diverged = { kind: "diverged", epoch: 0, text: "Loss became NaN.", tryText: "Go slower." } as const;
  const notes = (html: ReturnType<typeof page>) => find(html, "p", "note").map(text);

  it("stands above the figures, as text", () => {
    expect(notes(page({ verdict: overfit }))).toEqual(["It <overfits>. Stop."]);
  });

  it("says why a diverged run stopped", () => {
    const html = page({ verdict: diverged, stopped: "diverged", history: [], plannedEpochs: 2 });
    expect(notes(html)).toEqual([
      "Stopped early: Loss became NaN. Go slower. 0 of 2 epochs were finished. The figures are those of the last weights that were good.",
    ]);
  });

  it("of a run that ran away and was stopped by hand gives the kept weights, or the last ones", () => {
    const stopped = { verdict: diverged, stopped: "early", plannedEpochs: 10 } as const;
    const early = "Stopped early: 2 of 10 epochs were finished. The figures are those of";
    expect(notes(page(stopped))).toEqual([
      `${early} the weights at that point.`,
      "Loss became NaN. Go slower.",
    ]);
    expect(notes(page({ ...stopped, kept: { epoch: 0 } }))[0]).toContain(`${early} the weights of epoch`);
  });

  it("leaves room for what fit() warned of, as text", () => {
    const warnings = ["Odd <labels>.", "Few images."];
    expect(notes(page({ warnings }))).toEqual(warnings);
    expect(notes(page({ warnings, verdict: overfit, stopped: "early" })).slice(2)).toEqual(warnings);
    const lost = page({ warnings, verdict: diverged, stopped: "diverged", history: [], plannedEpochs: 2 });
    expect(notes(lost).slice(1)).toEqual(warnings);
  });

  it("stands beside the note of a run that was stopped by hand", () => {
    expect(notes(page({ verdict: overfit, stopped: "early" }))).toHaveLength(2);
  });
});

describe("texts", () => {
  it("names model and dataset below a title that does not", () => {
    const sub = (title: string) => text(find(page({ title }), "p", "sub")[0]!).replaceAll("\u00a0", " ");
    const rest = "3 classes of 2 × 2 × 1 images, 1,200 for training, 300 for validation, 6 for the test.";
    expect(sub("My run")).toBe(`tiny on pets: ${rest}`);
    expect(sub("tiny on pets")).toBe(rest);
  });

  it("shows 1/255 as such, and numbers of few digits as they are", () => {
    const configuration = { scale: 1 / 255, rate: 0.001, third: 1 / 3, pi: Math.PI, none: 0, small: 1e-7 };
    const shown = Object.fromEntries(rows(section(page({ configuration }), "run")) as [string, string][]);
    expect(shown).toMatchObject({
      scale: "1/255",
      rate: "0.001",
      third: "1/3",
      pi: String(Math.PI),
      none: "0",
      small: "1e-7",
    });
  });
});

describe("other sizes", () => {
  const square = (n: number) =>
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 9 : 0)));

  it.each([2, 10, 30])("has a matrix of %i classes", (n) => {
    const dataset = {
      ...sampleReport().dataset,
      classNames: Array.from({ length: n }, (_, i) => `class ${i}`),
    };
    const confusion = section(page({ dataset, confusion: square(n) }), "confusion");
    expect(find(confusion, "td")).toHaveLength(n * n);
    expect(find(confusion, "td", "diagonal")).toHaveLength(n);
    expect(find(confusion, "table", "many")).toHaveLength(n === 30 ? 1 : 0);
    expect(find(confusion, "th", "turned")).toHaveLength(n);
  });

  it("names classes beyond the names that are given", () => {
    const confusion = section(page({ confusion: square(4) }), "confusion");
    expect(rows(confusion).at(-1)![0]).toBe("class 3");
  });

  it("shows the first 128 of many filters, of RGB too", () => {
    const filters = { layer: "conv2d", values: new Float32Array(27 * 200).fill(0.5), shape: [3, 3, 3, 200] };
    const shown = section(page({ filters }), "filters");
    expect(find(shown, "img")).toHaveLength(128);
    expect(text(shown)).toMatch(/The first 128 of the 200 filters \(3 × 3\).*Red, green and blue/);
  });
});
