import { describe, expect, it } from "vitest";
import { accuracySvg, type EpochRecord, lossSvg } from "../../src/report/index.ts";
import { HISTORY } from "./sample.ts";
import { descendants, type Element, find, parse, text } from "./tree.ts";

/** Points of a series' line in the plot: the legend's key is the first line of the series, its markers the first mark. */
function drawn(svg: Element, series: "training" | "validation") {
  const [, line] = find(svg, "path", "line", series);
  const [, ...marks] = find(svg, "path", "mark", series);
  return { path: line?.attributes.d ?? "", marks };
}

const position = (mark: Element) =>
  /translate\(([\d.]+),([\d.]+)\)/.exec(mark.attributes.transform!)!.slice(1).map(Number) as [number, number];
const numbersIn = (path: string) => [...path.matchAll(/-?[\d.]+/g)].map(([n]) => Number(n));
const label = (mark: Element) => text(find(mark, "title")[0]!);
const epochs = (
  length: number,
  record: (epoch: number) => Partial<EpochRecord> = () => ({}),
): EpochRecord[] =>
  Array.from({ length }, (_, epoch) => ({
    epoch,
    loss: 1 / (epoch + 1),
    accuracy: 1 - 0.1 / (epoch + 1),
    ...record(epoch),
  }));

describe("the kept epoch", () => {
  const history = epochs(4, (e) => ({ val_accuracy: [0.5, 0.9, 0.7, 0.6][e]!, val_loss: 1 }));
  const svg = parse(accuracySvg(history, { epoch: 1, by: "val_accuracy" }), "xml");

  it("has a line through its points, with a label", () => {
    const [line] = find(svg, "line", "kept");
    const [x] = position(drawn(svg, "training").marks[1]!);
    expect(Number(line!.attributes.x1)).toBe(x);
    expect(Number(line!.attributes.x2)).toBe(x);
    expect(find(svg, "text", "kept-label").map(text)).toEqual(["kept"]);
  });

  it("gives the legend its values, and the description too", () => {
    expect(find(svg, "text", "key").map((key) => text(key).replaceAll("\u00a0", " "))).toEqual([
      "training 95.00 %",
      "validation 90.00 %",
    ]);
    expect(text(find(svg, "desc")[0]!).replaceAll("\u00a0", " ")).toMatch(
      /Kept: epoch 2, training 95\.00 %, validation 90\.00 %\.$/,
    );
  });

  it("keeps its label inside at both ends", () => {
    for (const epoch of [0, 3]) {
      const end = parse(accuracySvg(history, { epoch }), "xml");
      const x = Number(find(end, "text", "kept-label")[0]!.attributes.x);
      expect(x).toBeGreaterThan(30);
      expect(x).toBeLessThan(430);
    }
  });

  it("without one: no line, and the last epoch's values", () => {
    const plain = parse(accuracySvg(history), "xml");
    expect(find(plain, "line", "kept")).toEqual([]);
    expect(find(plain, "text", "key").map(text)[1]).toMatch(/60\.00/);
  });
});

describe("the curves as SVG files", () => {
  const histories: [string, readonly EpochRecord[]][] = [
    ["two epochs", HISTORY],
    ["no epoch", []],
    ["one epoch", HISTORY.slice(0, 1)],
    ["no accuracy", [{ epoch: 0, loss: 1 }]],
    [
      "NaN and infinities",
      epochs(6, (e) => (e % 2 ? { loss: Number.NaN, accuracy: Number.POSITIVE_INFINITY } : {})),
    ],
    ["NaN only", epochs(3, () => ({ loss: Number.NaN, accuracy: Number.NaN }))],
    ["equal values", epochs(5, () => ({ loss: 0.5, accuracy: 1 }))],
    ["zeros", epochs(2, () => ({ loss: 0, accuracy: 0 }))],
    ["a negative loss", epochs(3, (e) => ({ loss: -e }))],
    ["a huge loss", epochs(3, (e) => ({ loss: 1e30 * (e + 1) }))],
    ["a tiny loss", epochs(3, (e) => ({ loss: 1e-9 * (e + 1) }))],
    ["a thousand epochs", epochs(1000)],
    ["a resumed run", epochs(3, (e) => ({ epoch: e + 7 }))],
    ["an accuracy close to 1", epochs(4, (e) => ({ accuracy: 0.9995 + e / 10_000 }))],
  ];

  it.each(histories)("are well-formed, drawn inside, and without NaN: %s", (_, history) => {
    for (const source of [accuracySvg(history), lossSvg(history)]) {
      const svg = parse(source, "xml");
      expect(svg).toMatchObject({
        name: "svg",
        attributes: { xmlns: "http://www.w3.org/2000/svg", role: "img" },
      });
      expect(source).not.toMatch(/NaN|Infinity|undefined/);
      const [, , width, height] = svg.attributes.viewBox!.split(" ").map(Number);
      for (const series of ["training", "validation"] as const)
        for (const mark of drawn(svg, series).marks) {
          const [x, y] = position(mark);
          expect(x > 0 && x < width! && y > 0 && y < height!, `${label(mark)} at ${x}, ${y}`).toBe(true);
        }
      // A label left of x = 0 would be cut off: 8 units a character are more than the font takes.
      for (const tick of find(svg, "text").filter((e) => e.attributes["text-anchor"] === "end"))
        expect(Number(tick.attributes.x) - 8 * text(tick).length).toBeGreaterThan(0);
      const labels = find(svg, "text").map(text);
      const ticks = labels.filter((t) => /^-?−?[\d.]+(e[+-]\d+)?( %)?$/.test(t.replace("\u00a0", " ")));
      if (labels.includes("no data")) expect(ticks).toEqual([]);
      else expect(ticks.length).toBeGreaterThanOrEqual(3);
    }
  });

  it("name themselves for those who do not see them", () => {
    const svg = parse(accuracySvg(HISTORY), "xml");
    const ids = svg.attributes["aria-labelledby"]!.split(" ");
    const texts = ids.map((id) => text(descendants(svg).find((e) => e.attributes.id === id)!));
    expect(texts).toEqual([
      "Accuracy",
      "Accuracy by epoch: training from 75.00 % in epoch 1 to 87.50 % in epoch 2; validation from 81.25 % in epoch 1 to 84.38 % in epoch 2.",
    ]);
    expect(text(find(parse(lossSvg([]), "xml"), "desc")[0]!)).toBe("Loss by epoch: no data.");
  });

  it("carry colours for light and dark, and nothing from elsewhere", () => {
    const source = accuracySvg(HISTORY);
    expect(text(find(parse(source, "xml"), "style")[0]!)).toContain("@media (prefers-color-scheme:dark)");
    expect(source.replace("http://www.w3.org/2000/svg", "")).not.toMatch(
      /https?:|@import|url\(|<script|href/,
    );
  });

  it("put greater values higher and later epochs further right, to scale", () => {
    const { marks } = drawn(parse(accuracySvg(HISTORY), "xml"), "training");
    const validation = drawn(parse(accuracySvg(HISTORY), "xml"), "validation").marks;
    expect(marks.map(label)).toEqual([
      "epoch 1: training accuracy 75.00 %",
      "epoch 2: training accuracy 87.50 %",
    ]);
    const [[x1, y1], [x2, y2]] = marks.map(position) as [[number, number], [number, number]];
    expect(x2).toBeGreaterThan(x1);
    expect(y2).toBeLessThan(y1);
    // 0.8125 is half-way between 0.75 and 0.875.
    expect(position(validation[0]!)[1]).toBeCloseTo((y1 + y2) / 2, 1);
    expect(position(validation[0]!)[0]).toBe(x1);
  });

  it("tell training and validation apart without colour", () => {
    const svg = parse(lossSvg(HISTORY), "xml");
    const style = text(find(svg, "style")[0]!);
    expect(style).toMatch(/\.line\.validation\{stroke-dasharray:7 5\}/);
    const shapes = (["training", "validation"] as const).map((s) => drawn(svg, s).marks[0]!.attributes.d);
    expect(shapes[0]).not.toBe(shapes[1]);
    expect(find(svg, "text", "key").map(text)).toEqual(["training 0.25", "validation 0.375"]);
  });

  it("draw one series where there is no validation", () => {
    const svg = parse(accuracySvg(epochs(3)), "xml");
    expect(find(svg, "text", "key").map(text)).toEqual(["training 96.67 %"]);
    expect(find(svg, "path", "validation")).toEqual([]);
  });

  it("mark a single epoch by points", () => {
    const svg = parse(lossSvg(HISTORY.slice(0, 1)), "xml");
    expect(drawn(svg, "training").marks.map(label)).toEqual(["epoch 1: training loss 0.5"]);
    expect(drawn(svg, "validation").marks.map(label)).toEqual(["epoch 1: validation loss 0.4"]);
    expect(find(svg, "text").map(text)).toContain("1");
  });

  it("leave a gap where a value is not finite", () => {
    const { path, marks } = drawn(
      parse(lossSvg(epochs(5, (e) => (e === 2 ? { loss: Number.NaN } : {}))), "xml"),
      "training",
    );
    expect(path.match(/M/g)).toHaveLength(2);
    expect(numbersIn(path)).toHaveLength(8);
    expect(marks).toHaveLength(4);
  });

  it("mark only lone points and the last one of a long run", () => {
    const history = epochs(100, (e) => (e === 48 || e === 50 ? { loss: Number.NaN } : {}));
    const { path, marks } = drawn(parse(lossSvg(history), "xml"), "training");
    expect(marks.map((mark) => /epoch (\d+)/.exec(label(mark))![1])).toEqual(["50", "100"]);
    expect(path.match(/M/g)).toHaveLength(3);
  });

  it("number epochs from 1, by whole steps", () => {
    const ticks = (history: readonly EpochRecord[]) =>
      find(parse(lossSvg(history), "xml"), "text")
        .filter((e) => e.attributes["text-anchor"] === "middle")
        .map(text)
        .filter((t) => t !== "epoch");
    expect(ticks(epochs(3))).toEqual(["1", "2", "3"]);
    expect(ticks(epochs(20))).toEqual(["1", "2", "4", "6", "8", "10", "12", "14", "16", "18", "20"]);
    expect(ticks(epochs(140))).toEqual(["1", "20", "40", "60", "80", "100", "120", "140"]);
    expect(ticks(epochs(50))).toEqual(["1", "5", "10", "15", "20", "25", "30", "35", "40", "45", "50"]);
    expect(ticks(epochs(3, (e) => ({ epoch: e + 7 })))).toEqual(["8", "9", "10"]);
  });

  it("start the loss at 0 unless it would then be flat", () => {
    const lowest = (history: readonly EpochRecord[]) =>
      Number(
        text(
          find(parse(lossSvg(history), "xml"), "text").find((e) => e.attributes["text-anchor"] === "end")!,
        ),
      );
    expect(lowest(HISTORY)).toBe(0);
    expect(lowest(epochs(3, (e) => ({ loss: 2.31 - e / 100 })))).toBeGreaterThan(2.2);
  });
});
