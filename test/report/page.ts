import { type Report, reportHtml } from "../../src/report/index.ts";
import { sampleReport } from "./sample.ts";
import { descendants, type Element, find, parse, text } from "./tree.ts";

/** The sample report, changed, as a page. */
export const page = (changes: Partial<Report> = {}) => parse(reportHtml(sampleReport(changes)), "html");
export const byId = (root: Element, id: string) => descendants(root).find((e) => e.attributes.id === id);
export const section = (root: Element, id: string) => {
  const found = byId(root, id);
  if (!found) throw new Error(`no section '${id}'`);
  return found;
};
/** Texts of the cells of all tables. */
export const rows = (root: Element) =>
  find(root, "tr").map((row) =>
    row.children.filter((c) => typeof c !== "string").map((cell) => text(cell).replaceAll("\u00a0", " ")),
  );
/** Label, value and remark of the headline figures. */
export const figures = (root: Element) =>
  find(find(root, "dl")[0]!, "div").map((card) => [
    text(find(card, "dt")[0]!),
    ...find(card, "dd").map((dd) => text(dd).replaceAll("\u00a0", " ")),
  ]);
export const headings = (root: Element) => find(root, "h2").map(text);
