import { type Insert, type Markup, markup } from "../markup.ts";
import type { ReportDataset } from "../types.ts";

/** A section with its heading; `id` is its anchor. */
export function section(id: string, heading: string, content: Insert): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}
</section>
`;
}

/** A box that scrolls sideways by itself, also with the keyboard. */
export function scrollBox(label: string, content: Insert): Markup {
  return markup`<div class="scroll" role="region" aria-label="${label} (table)" tabindex="0">${content}</div>`;
}

/** Head cells: the first column is text, the others numbers; then columns of text. */
export function headRow(names: readonly string[], texts: readonly string[] = []): Markup {
  return markup`<thead><tr>${names.map(
    (name, i) => markup`<th scope="col"${i > 0 && markup` class="number"`}>${name}</th>`,
  )}${texts.map((name) => markup`<th scope="col" class="apart">${name}</th>`)}</tr></thead>`;
}

export function numberCells(texts: readonly string[]): Markup[] {
  return texts.map((text) => markup`<td class="number">${text}</td>`);
}

/** A class's name; ids beyond the names, and -1 (no answer), have one too. */
export function className({ classNames }: ReportDataset, id: number): string {
  return id < 0 ? "none" : (classNames[id] ?? `class ${id}`);
}
