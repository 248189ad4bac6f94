import { describe, expect, it } from "vitest";
import { find, outline, parse, text } from "./tree.ts";

describe("the tests' own parser", () => {
  it("reads elements, attributes and references", () => {
    const tree = parse(
      '<svg class="a b" viewBox="0 0 1 1"><g><title>x &lt; y</title></g><path d="M0"/></svg>',
      "xml",
    );
    expect(outline(tree)).toBe("svg(g(title())path())");
    expect(tree.attributes).toEqual({ class: "a b", viewBox: "0 0 1 1" });
    expect(text(find(tree, "title")[0]!)).toBe("x < y");
    expect(find(tree, "svg", "b", "a")).toHaveLength(1);
    expect(find(tree, "svg", "c")).toHaveLength(0);
  });

  it("knows void elements in HTML only", () => {
    expect(outline(parse('<!doctype html><html><meta charset="utf-8"><p>a&nbsp;b</p></html>', "html"))).toBe(
      "html(meta()p())",
    );
    expect(() => parse("<svg><meta></svg>", "xml")).toThrow("closes nothing");
  });

  it.each([
    ["a lone ampersand", "<a>R&D</a>"],
    ["an unknown reference", "<a>&nbsp;</a>"],
    ["a lone <", "<a>1 < 2</a>"],
    ["an unclosed element", "<a><b></b>"],
    ["crossed elements", "<a><b></a></b>"],
    ["two roots", "<a/><b/>"],
    ["text outside", "<a/>b"],
    ["an unquoted attribute", "<a b=c/>"],
    ["an attribute twice", '<a b="1" b="2"/>'],
    ["< in an attribute", '<a b="<"/>'],
    ["a control character", "<a>\u0007</a>"],
    ["a doctype in XML", "<!doctype html><a/>"],
  ])("refuses %s", (_, source) => {
    expect(() => parse(source, "xml")).toThrow();
  });
});
