import { describe, expect, it } from "vitest";
import {
  count,
  dateTime,
  dimensions,
  duration,
  fixed,
  percent,
  significant,
} from "../../src/report/format.ts";
import { escapeText, Markup, markup } from "../../src/report/markup.ts";

describe("markup", () => {
  it("escapes inserts, but not markup", () => {
    const inner = markup`<b>${"<&>\"'"}</b>`;
    expect(inner.text).toBe("<b>&lt;&amp;&gt;&quot;&#39;</b>");
    expect(markup`<p title="${'"'}">${inner}${3}</p>`.text).toBe(`<p title="&quot;">${inner.text}3</p>`);
  });

  it("joins lists, and gives nothing for false and undefined", () => {
    expect(markup`${["<", new Markup("<i>"), [1, undefined]]}|${false}|${undefined}|${0}`.text).toBe(
      "&lt;<i>1|||0",
    );
  });

  it("drops control characters but keeps white space and other scripts", () => {
    expect(escapeText("a\u0000\u001b\u0085b\t\n\r é猫😀")).toBe("ab\t\n\r é猫😀");
  });
});

describe("numbers as text", () => {
  it.each([
    [0.9911, 2, "99.11 %"],
    [1, 2, "100 %"],
    [0, 2, "0 %"],
    [0.99999, 2, "> 99.99 %"],
    [0.9999, 1, "> 99.9 %"],
    [0.99949, 1, "99.9 %"],
    [0.0004, 1, "< 0.1 %"],
    [0.0006, 1, "0.1 %"],
    [Number.NaN, 1, "–"],
    [undefined, 1, "–"],
    [null, 1, "–"],
  ])("percent(%s, %i)", (share, digits, expected) => {
    expect(percent(share, digits).replaceAll("\u00a0", " ")).toBe(expected);
  });

  it.each([
    [0.031239, "0.03124"],
    [2.3, "2.3"],
    [0, "0"],
    [0.00002, "2.00e-5"],
    [12345678, "1.23e+7"],
    [Number.POSITIVE_INFINITY, "–"],
    [undefined, "–"],
  ])("significant(%s)", (n, expected) => {
    expect(significant(n)).toBe(expected);
  });

  it.each([
    [0, "0.0 s"],
    [59.94, "59.9 s"],
    [59.96, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3599.6, "1 h 00 min"],
    [7400, "2 h 03 min"],
    [Number.NaN, "–"],
    [-1, "–"],
  ])("duration(%s)", (seconds, expected) => {
    expect(duration(seconds).replaceAll("\u00a0", " ")).toBe(expected);
  });

  it("formats counts, shapes, fractions and dates", () => {
    expect([count(121930), count(4687.5), count(Number.NaN)]).toEqual(["121,930", "4,688", "–"]);
    expect(dimensions([28, 28, 1]).replaceAll("\u00a0", " ")).toBe("28 × 28 × 1");
    expect([fixed(0.98765), fixed(null), fixed(1)]).toEqual(["0.988", "–", "1.000"]);
    expect(dateTime("2026-11-22T17:42:10+01:00")).toBe("2026-11-22 16:42 UTC");
    expect(dateTime("yesterday")).toBe("yesterday");
  });
});
