/** A strict little parser for the subset of SVG and HTML that reports are written in. It throws where markup is not well-formed. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (Element | string)[];
}

const TOKEN =
  /(?<doctype><!doctype html>)|<\/(?<close>[a-z][a-z0-9]*)>|<(?<open>[a-z][a-z0-9]*)(?<attributes>(?:\s+[a-z][a-z0-9:-]*="[^"<]*"|\s+[A-Za-z]+="[^"<]*")*)\s*(?<self>\/?)>|(?<text>[^<]+)/y;
const VOID = new Set(["meta", "link", "img", "br", "wbr"]);
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** The only root element. `html`: void elements, a doctype and `&nbsp;` are allowed. */
export function parse(source: string, kind: "xml" | "html"): Element {
  const root: { children: (Element | string)[] } = { children: [] };
  const open: { name: string; children: (Element | string)[] }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const fail = (reason: string) =>
      new Error(`${reason} at ${at}: ${JSON.stringify(source.slice(at, at + 60))}`);
    const token = TOKEN.exec(source)?.groups;
    if (!token) throw fail("not well-formed");
    const parent = open.at(-1) ?? root;
    if (token.doctype !== undefined) {
      if (kind === "xml" || at > 0) throw fail("doctype out of place");
    } else if (token.text !== undefined) {
      parent.children.push(decode(token.text, kind));
    } else if (token.close !== undefined) {
      if (open.pop()?.name !== token.close) throw fail(`</${token.close}> closes nothing`);
    } else {
      const name = token.open!;
      const element = { name, attributes: attributesOf(token.attributes!, kind), children: [] };
      parent.children.push(element);
      if (token.self === "/" ? kind === "html" && open[0]?.name === "html" && !isSvg(open) : false)
        throw fail("self-closing HTML element");
      if (token.self !== "/" && !(kind === "html" && VOID.has(name))) open.push(element);
    }
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)!.name}> is never closed`);
  const elements = root.children.filter((child) => typeof child !== "string");
  const stray = root.children.filter((child) => typeof child === "string" && child.trim() !== "");
  if (elements.length !== 1 || stray.length > 0)
    throw new Error(`got ${elements.length} roots and ${stray.length} texts`);
  return elements[0]!;
}

function isSvg(open: readonly { name: string }[]): boolean {
  return open.some(({ name }) => name === "svg");
}

function attributesOf(source: string, kind: "xml" | "html"): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name, value] of source.matchAll(/([A-Za-z][A-Za-z0-9:-]*)="([^"]*)"/g)) {
    if (Object.hasOwn(attributes, name!)) throw new Error(`attribute ${name} twice in ${source}`);
    attributes[name!] = decode(value!, kind);
  }
  return attributes;
}

function decode(text: string, kind: "xml" | "html"): string {
  if (/[^\P{Cc}\t\n\r]/u.test(text)) throw new Error(`control character in ${JSON.stringify(text)}`);
  return text.replace(/&(?:([a-z]+|#39);)?/g, (reference, name: string | undefined) => {
    const character = name === "nbsp" && kind === "html" ? "\u00a0" : name && ENTITIES[name];
    if (!character) throw new Error(`bad reference ${reference} in ${JSON.stringify(text)}`);
    return character;
  });
}

/** All elements below and including this one, in document order. */
export function descendants(element: Element): Element[] {
  return [
    element,
    ...element.children.flatMap((child) => (typeof child === "string" ? [] : descendants(child))),
  ];
}

/** Those with this name, and with all these classes. */
export function find(element: Element, name: string, ...classes: string[]): Element[] {
  return descendants(element).filter((e) => {
    const own = (e.attributes.class ?? "").split(" ");
    return e.name === name && classes.every((c) => own.includes(c));
  });
}

/** Its text, white space collapsed. */
export function text(element: Element): string {
  const raw = (e: Element): string => e.children.map((c) => (typeof c === "string" ? c : raw(c))).join("");
  return raw(element).replace(/\s+/g, " ").trim();
}

/** Names of the elements, nested, without text and attributes. */
export function outline(element: Element): string {
  return `${element.name}(${element.children.map((c) => (typeof c === "string" ? "" : outline(c))).join("")})`;
}
