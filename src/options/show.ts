import { isObject } from "./kinds.ts";

/** Characters of a text, and items of a list, that a message shows. */
const MOST_CHARACTERS = 40;
const MOST_ITEMS = 6;

/** A value as messages show it: short whatever it is, and without looking into objects. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const cut = value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value;
    return JSON.stringify(cut);
  }
  if (typeof value === "function")
    return value.name ? `the function ${value.name.slice(0, 40)}` : "a function";
  if (typeof value === "bigint") return `${value}n`.slice(0, MOST_CHARACTERS);
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_ITEMS).map((item) => (Array.isArray(item) ? "[…]" : show(item)));
    return `[${items.join(", ")}${value.length > MOST_ITEMS ? ", …" : ""}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  const name = value.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object";
}

/** Options as they are written in code, or as JSON. What cannot be written out is a variable of the option's name. */
export function written(options: Readonly<Record<string, unknown>>, json = false): string {
  const entries = Object.entries(options).map(([key, value]) => {
    const name = json || !/^\w+$/.test(key) ? JSON.stringify(key) : key;
    const literal = literalOf(value, json);
    return literal === undefined && !json ? name : `${name}: ${literal ?? "…"}`;
  });
  const inside = entries.join(", ");
  return inside === "" ? "{}" : json ? `{${inside}}` : `{ ${inside} }`;
}

function literalOf(value: unknown, json: boolean): string | undefined {
  if (typeof value === "string" || Array.isArray(value)) return show(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const plain = isObject(value) && Object.getPrototypeOf(value) === Object.prototype;
  const short = plain && Object.values(value).every((item) => typeof item === "number");
  return short && Object.keys(value).length <= MOST_ITEMS ? written(value, json) : undefined;
}
