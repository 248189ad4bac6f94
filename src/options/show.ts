import { isObject } from "./kinds.ts";

/** Characters of a text, items of a list, characters of a name, and options, that a message shows. */
const MOST_CHARACTERS = 40;
const MOST_ITEMS = 6;
const MOST_OF_NAME = 100;
const MOST_OPTIONS = 20;

/** A value as messages show it: short whatever it is, and without looking into objects. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const cut = value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value;
    return JSON.stringify(cut);
  }
  if (typeof value === "function")
    return value.name ? `the function ${value.name.slice(0, MOST_CHARACTERS)}` : "a function";
  if (typeof value === "bigint") return `${value}n`.slice(0, MOST_CHARACTERS);
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_ITEMS).map((item) => (Array.isArray(item) ? "[…]" : show(item)));
    return `[${items.join(", ")}${value.length > MOST_ITEMS ? ", …" : ""}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  const name = value.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object"
    ? `a ${name.slice(0, MOST_CHARACTERS)}`
    : "an object";
}

/** A name as messages quote it: whole, unless a file made it longer than any name is. */
export function quoted(name: string): string {
  return `'${name.length > MOST_OF_NAME ? `${name.slice(0, MOST_OF_NAME)}…` : name}'`;
}

/** Options as they are written in code, or as JSON. What cannot be written out is a variable of the option's name. */
export function written(options: Readonly<Record<string, unknown>>, json = false): string {
  const all = Object.entries(options);
  const entries = all.slice(0, MOST_OPTIONS).map(([key, value]) => {
    const name = json || !/^\w{1,40}$/.test(key) ? show(key) : key;
    const literal = literalOf(value, json);
    return literal === undefined && !json ? name : `${name}: ${literal ?? "…"}`;
  });
  const inside = [...entries, ...(all.length > MOST_OPTIONS ? ["…"] : [])].join(", ");
  return inside === "" ? "{}" : json ? `{${inside}}` : `{ ${inside} }`;
}

function literalOf(value: unknown, json: boolean): string | undefined {
  if (typeof value === "string" || Array.isArray(value)) return show(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const plain = isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
  const short = plain && Object.values(value).every((item) => typeof item === "number");
  return short && Object.keys(value).length <= MOST_ITEMS ? written(value, json) : undefined;
}
