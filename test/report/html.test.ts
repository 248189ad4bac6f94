import { decode } from "fast-png";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../src/data/types.ts";
import { buildChain } from "../../src/model/build.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { type EpochRecord, galleryItems, reportHtml } from "../../src/report/index.ts";
import type { EpochInfo, Logs } from "../../src/train/callbacks.ts";
import { withText } from "./hostile.ts";
import { byId, figures, headings, page, rows, section } from "./page.ts";
import { sampleReport } from "./sample.ts";
import { descendants, type Element, find, outline, parse, text } from "./tree.ts";

describe("reportHtml", () => {
  it("is one page that forbids and needs nothing from elsewhere", () => {
    const source = reportHtml(sampleReport());
    const html = parse(source, "html");
    const [head] = find(html, "head");
    const policy = find(head!, "meta").find((e) => e.attributes["http-equiv"] === "Content-Security-Policy")!;
    const directives = policy.attributes.content!.split("; ");
    expect(directives.slice(0, 3)).toEqual([
      "default-src 'none'",
      "img-src data:",
      "style-src 'unsafe-inline'",
    ]);
    // The policy counts from where it stands: nothing but the encoding comes before it.
    const elements = head!.children.filter((c) => typeof c !== "string");
    expect(elements.indexOf(policy)).toBe(1);
    expect(elements[0]!.attributes).toEqual({ charset: "utf-8" });
    for (const name of ["script", "iframe", "object", "embed", "form", "base"])
      expect(find(html, name)).toEqual([]);
    for (const element of descendants(html))
      for (const [name, value] of Object.entries(element.attributes)) {
        expect(name).not.toMatch(/^on/);
        if (name === "src" || name === "href") expect(value).toMatch(/^data:/);
      }
    expect(source.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|@import|url\(/);
  });

  it("shows every part, in order", () => {
    expect(headings(page())).toEqual([
      "Learning curves",
      "Confusion matrix",
      "Figures by class",
      "Correct predictions",
      "Wrong predictions",
      "First-layer filters",
      "Model",
      "The run",
    ]);
  });

  it("leads with the run's figures", () => {
    expect(figures(page())).toEqual([
      ["Test accuracy", "66.67 %", "2 of 6 wrong"],
      ["Test loss", "0.3125", "mean over images"],
      ["Parameters", "1,019", "trained numbers"],
      ["Speed", "4,100", "images a second"],
      ["Epochs", "2", "all planned"],
      ["Training time", "1 min 30 s", "in training steps"],
    ]);
  });

  it("has the epochs as a table next to two charts", () => {
    const curves = section(page(), "curves");
    expect(find(curves, "svg")).toHaveLength(2);
    expect(rows(curves)).toEqual([
      ["Epoch", "Loss", "Accuracy", "Val. loss", "Val. accuracy", "Images/s"],
      ["1", "0.5", "75.00 %", "0.4", "81.25 %", "4,000"],
      ["2", "0.25", "87.50 %", "0.375", "84.38 %", "4,200"],
    ]);
  });

  it("has the confusion matrix, correct ones outlined, mistakes shaded by their share", () => {
    const confusion = section(page(), "confusion");
    expect(rows(confusion)).toEqual([
      ["truth", "predicted"],
      ["cat", "dog", "elk"],
      ["cat", "1", "1", "0"],
      ["dog", "0", "2", "0"],
      ["elk", "1", "0", "1"],
    ]);
    const cells = find(confusion, "td").map((e) => e.attributes.class);
    expect(cells).toEqual([
      ...["right3 diagonal", "wrong6", "zero"],
      ...["zero", "right6 diagonal", "zero"],
      ...["wrong6", "zero", "right3 diagonal"],
    ]);
    expect(find(confusion, "li").map(text)).toContain("cat taken for dog1 (50.0 %)");
  });

  it.each([
    [1, 1000, "wrong1"],
    [5, 1000, "wrong2"],
    [20, 1000, "wrong3"],
    [30, 1000, "wrong4"],
    [100, 1000, "wrong5"],
    [150, 1000, "wrong6"],
  ])("shades %i mistakes of %i as %s", (wrong, all, shade) => {
    const confusion = section(
      page({
        confusion: [
          [all - wrong, wrong],
          [0, 0],
        ],
      }),
      "confusion",
    );
    expect(find(confusion, "td")[1]!.attributes.class).toBe(shade);
  });

  it.each([
    [55, "right4 diagonal"],
    [1, "right1 diagonal"],
    [100, "right6 diagonal"],
    [0, "zero diagonal"],
  ])("shades %i correct ones of 100 as %s", (right, shade) => {
    const matrix = [
      [right, 100 - right],
      [0, 0],
    ];
    expect(find(section(page({ confusion: matrix }), "confusion"), "td")[0]!.attributes.class).toBe(shade);
  });

  it("has figures by class, and a dash for 0/0", () => {
    const matrix = [
      [6, 4, 0],
      [2, 8, 0],
      [0, 0, 0],
    ];
    expect(rows(section(page({ confusion: matrix }), "classes"))).toEqual([
      ["Class", "Precision", "Recall", "F1", "Images", "Most often taken for"],
      ["cat", "0.750", "0.600", "0.667", "10", "dog (4)"],
      ["dog", "0.667", "0.800", "0.727", "10", "cat (2)"],
      ["elk", "–", "–", "–", "0", "–"],
      ["Mean, and all images", "0.708", "0.700", "0.697", "20", ""],
    ]);
  });

  it("shows the gallery's images, pixel for pixel, with truth, prediction and probability", () => {
    const html = page();
    const [first] = find(section(html, "wrong"), "li");
    expect(text(first!).replaceAll("\u00a0", " ")).toMatch(/predicted cat ?truth elk ?81\.3 % ?no\. 5/);
    const [image] = find(first!, "img");
    expect(image!.attributes).toMatchObject({ width: "2", height: "2", alt: "Test image 5, of class elk" });
    const png = decode(Uint8Array.from(atob(image!.attributes.src!.split(",")[1]!), (c) => c.charCodeAt(0)));
    expect([...png.data]).toEqual([200, 210, 220, 230]);
    expect(image!.attributes.class).toBe("crisp");
    expect(text(find(html, "style")[0]!)).toContain("image-rendering:pixelated");
    expect(find(section(html, "correct"), "img").map((e) => e.attributes.alt)).toEqual([
      "Test image 0, of class cat",
      "Test image 2, of class dog",
      "Test image 4, of class elk",
      "Test image 3, of class dog",
    ]);
    expect(text(section(html, "wrong"))).toContain("All 2, the most confident first.");
  });

  it("has the filters, the layers, all settings and the hash", () => {
    const html = page();
    expect(find(section(html, "filters"), "img").map((e) => e.attributes.title)).toEqual([
      "filter 1: -1 to 1",
      "filter 2: -1 to 1",
    ]);
    expect(rows(section(html, "model"))).toEqual([
      ["Layer (type)", "Output shape", "Parameters"],
      ["conv2d (conv2d)", "1 × 1 × 2", "10"],
      ["head (dense)", "3", "9"],
      ["Total", "1,019"],
    ]);
    const run = section(html, "run");
    expect(rows(run)).toEqual([
      ["optimizer.name", "adam"],
      ["optimizer.learningRate", "0.001"],
      ["optimizer.betas", "0.9, 0.999"],
      ["loss", "categoricalCrossentropy"],
      ["batchSize", "32"],
      ["shuffle", "true"],
      ["augment", "–"],
      ["Processor", "Some CPU"],
      ["Logical cores", "2"],
      ["Operating system", "Linux 6.1"],
      ["node", "20.20.2"],
      ["Finished", "2026-11-22 16:42 UTC"],
    ]);
    expect(text(find(run, "code")[0]!)).toBe("ab".repeat(32));
  });

  it("takes what the other parts give as it is", () => {
    const set: Dataset["test"] = {
      images: new Uint8Array(8),
      labels: new Uint8Array(2),
      count: 2,
      shape: [2, 2, 1],
    };
    const pick = { index: 1, truth: 0, prediction: 0, probability: 1 };
    const info: EpochInfo = {
      epoch: 0,
      trainSeconds: 1,
      validationSeconds: 1,
      imagesPerSecond: 5,
      learningRate: 1,
    };
    const logs: Logs = { loss: 0.5, val_loss: 0.75 };
    const record: EpochRecord = { ...info, ...logs };
    const { rows: layers } = buildChain([flatten({ inputShape: [2, 2, 1] }), dense({ units: 3 })]);
    const html = page({
      gallery: galleryItems({ correct: [pick], wrong: [], wrongCount: 0 }, set),
      history: [record],
      model: { name: "m", layers, parameters: 15 },
      configuration: { optimizer: adam().config },
    });
    expect(find(section(html, "correct"), "img")).toHaveLength(1);
    expect(rows(section(html, "curves"))[1]).toEqual(["1", "0.5", "0.75", "5"]);
    expect(rows(section(html, "model"))[2]).toEqual(["dense (dense)", "3", "15"]);
    expect(rows(section(html, "run"))).toContainEqual(["optimizer.beta1", "0.9"]);
  });
});

describe("accessibility", () => {
  const html = page();

  it("names sections, tables, scroll boxes and images", () => {
    for (const e of find(html, "section"))
      expect(text(byId(html, e.attributes["aria-labelledby"]!)!)).not.toBe("");
    for (const table of find(html, "table")) expect(find(table, "caption").map(text).join("")).not.toBe("");
    for (const th of find(html, "th")) expect(th.attributes.scope).toMatch(/^(row|col|colgroup)$/);
    for (const img of find(html, "img")) expect(img.attributes.alt).not.toBe("");
    const boxes = find(html, "div", "scroll").map((e) => e.attributes["aria-label"]);
    expect(new Set(boxes).size).toBe(4);
    for (const e of find(html, "div", "scroll"))
      expect(e.attributes).toMatchObject({ role: "region", tabindex: "0" });
    expect(find(html, "html")[0]!.attributes.lang).toBe("en");
  });

  it("has one h1, levels without gaps, and no id twice", () => {
    const levels = descendants(html).flatMap(({ name }) => (/^h[1-6]$/.test(name) ? [Number(name[1])] : []));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, i) => {
      expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
    });
    const ids = descendants(html).flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("hostile names", () => {
  const attacks = [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onmouseover='alert(1)`,
    `</title></style></svg><b>&lt;&amp;`,
    `\${alert(1)} & \u0000\u001b[31m \u202e`,
  ];

  it.each(attacks)("stay text: %j", (attack) => {
    const benign = parse(reportHtml(withText(sampleReport(), () => "x".repeat(20))), "html");
    const hostile = parse(reportHtml(withText(sampleReport(), () => attack)), "html");
    expect(outline(hostile)).toBe(outline(benign));
    const attributes = (root: Element) => descendants(root).map((e) => Object.keys(e.attributes).join());
    expect(attributes(hostile)).toEqual(attributes(benign));
    const shown = text(parse(`<p>${attack.replace(/[<>&\p{Cc}]/gu, "")}</p>`, "html"));
    const visible = (source: string) => source.replace(/[<>&\p{Cc}]/gu, "").replace(/\s+/g, " ");
    for (const name of ["h1", "title"]) expect(visible(text(find(hostile, name)[0]!))).toBe(shown);
    expect(visible(text(section(hostile, "classes")))).toContain(shown);
  });
});
