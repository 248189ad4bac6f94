/** A piece of HTML or SVG that is safe to insert as it is. Only `markup` and trusted constants make one. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Insert = Markup | string | number | false | undefined | readonly Insert[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for element content and quoted attributes. Drops control characters, which XML forbids. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!).replace(/[^\P{Cc}\t\n\r]/gu, "");
}

/** Template tag: inserts are escaped unless they are Markup; lists are joined; false and undefined give nothing. */
export function markup(strings: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + render(inserts[i - 1]) + string));
}

function render(insert: Insert): string {
  if (insert instanceof Markup) return insert.text;
  if (insert === undefined || insert === false) return "";
  return typeof insert === "object" ? insert.map(render).join("") : escapeText(String(insert));
}
