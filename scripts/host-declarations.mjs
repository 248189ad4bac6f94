// What is marked // @host in AssemblyScript sources, in TypeScript: constants, one-expression functions of sizes, and the
// layouts of structs. What it cannot read it refuses.
import { hostExpression } from "./host-expressions.mjs";

/** Of a line of src/engine/abi.ts, as biome.json has it. */
const WIDTH = 110;
const BYTES = { f64: 8, u64: 8, i64: 8, f32: 4, i32: 4, u32: 4, usize: 4 };
const MARKED =
  /((?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)^\/\/ @host\n(?:\/\/ @ts-ignore: decorator\n)?(?:@\w+\n)?(.*\n(?: .*\n|\}\n)*)/gm;

/**
 * The lines of all that is marked in a text. Doc comments stay; constants are numbers, as page's bundlers put those where they
 * are used.
 * @param {string} text
 */
export function hostLines(text) {
  const marked = [...text.matchAll(MARKED)];
  // Wherever else the word stands, a mark may have been meant.
  const count = [...text.matchAll(/@host\b/g)].length;
  if (marked.length !== count)
    throw new Error(
      `read ${marked.length} of ${count} declarations marked // @host: the mark is a line of its own before one`,
    );
  const names = marked.map(([, , code]) => /^export (?:const|function) (\w+)/.exec(code)?.[1]);
  const known = new Set(names);
  const declarations = new Map();
  for (const [, doc, code] of marked) {
    const own = declaration(code, known);
    if (declarations.has(own.name)) throw new Error(`${own.name} is declared twice for the host`);
    declarations.set(own.name, { ...own, doc: doc ? [doc.trimEnd()] : [] });
  }
  const values = valuesOf(declarations);
  return [...declarations.values()].flatMap(({ name, doc, lines }) => [
    ...doc,
    ...(lines ?? [`export const ${name} = ${values[name]};`]),
    "",
  ]);
}

/** What constants are, by name. */
function valuesOf(declarations) {
  const scripts = [];
  const visit = (name, path) => {
    if (path.includes(name)) throw new Error([...path, name].join(" uses "));
    const { script, uses } = declarations.get(name);
    for (const used of uses) visit(used, [...path, name]);
    if (!scripts.includes(script)) scripts.push(script);
  };
  const names = [...declarations.values()].filter(({ lines }) => !lines).map(({ name }) => name);
  for (const name of names) visit(name, []);
  return new Function(`${scripts.join("\n")}\nreturn { ${names.join(", ")} };`)();
}

/**
 * A declaration as the host has it: its lines; of a constant none. Of what constants may be made of, in JavaScript: `script`,
 * and the other names in it.
 */
function declaration(code, known) {
  const struct = /^export class (\w+) \{\n([\s\S]*)\}\n$/.exec(code);
  if (struct) return layoutOf(struct[1], struct[2]);
  const number = /^export const (\w+): f64 = (\d+\.\d+(?:e-?\d+)?);\n$/.exec(code);
  if (number) return { name: number[1], script: `const ${number[1]} = ${number[2]};`, uses: [] };
  // What is no whole number keeps its type, and is not read.
  const whole = code.replaceAll(/: (?:i32|u32|usize)\b/g, "");
  const constant = /^export const (\w+) = (.*);\n$/.exec(whole);
  if (constant) {
    const [, name, value] = constant;
    const script = `const ${name} = ${hostExpression(value, known)};`;
    return { name, script, uses: usedIn(value, known) };
  }
  const sizes = /^export function (\w+)\((\w[\w:, ]*)\)(: bool)? \{\n {2}return (.*);\n\}\n$/.exec(whole);
  const args = sizes?.[2].split(", ").map((arg) => /^(\w+)(: bool)?$/.exec(arg));
  if (!args?.every(Boolean)) throw new Error(`cannot read what is marked // @host: ${code}`);
  const [, name, , truth, value] = sizes;
  const body = hostExpression(value, new Set([...known, ...args.map(([, arg]) => arg)]));
  const list = args.map(([, arg, bool]) => `${arg}: ${bool ? "boolean" : "number"}`);
  const head = `export const ${name} = (`;
  const tail = `): ${truth ? "boolean" : "number"} =>`;
  return {
    name,
    // Shorter in pages than a function of the long form.
    lines: laidOut(head, list, tail, body),
    script: `const ${name} = (${args.map(([, arg]) => arg)}) => ${body};`,
    uses: usedIn(value, known),
  };
}

/** An arrow function in lines of the formatter's width. */
function laidOut(head, args, tail, body) {
  const line = `${head}${args.join(", ")}${tail}`;
  const before = line.length > WIDTH ? [head, ...args.map((arg) => `  ${arg},`)] : [];
  const last = before.length > 0 ? tail : line;
  return [
    ...before,
    ...(last.length + body.length + 2 <= WIDTH ? [`${last} ${body};`] : [last, `  ${body};`]),
  ];
}

const usedIn = (text, known) => text.match(/\w+/g)?.filter((word) => known.has(word)) ?? [];

/** Byte offsets of a struct's fields, each on a multiple of its size, and its length. */
function layoutOf(struct, body) {
  let at = 0;
  let align = 1;
  const fields = [];
  for (const line of body.split("\n").filter((line) => line.trim())) {
    const [, field, type] = /^ {2}(\w+): (\w+);(?: \/\/.*)?$/.exec(line) ?? [];
    const bytes = Object.hasOwn(BYTES, type) ? BYTES[type] : undefined;
    if (!bytes || field === "bytes") throw new Error(`${struct}: cannot read the field '${line.trim()}'`);
    at = Math.ceil(at / bytes) * bytes;
    align = Math.max(align, bytes);
    fields.push(`${field}: ${at}`);
    at += bytes;
  }
  fields.push(`bytes: ${Math.ceil(at / align) * align}`);
  const name = struct.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
  const shown = fields.filter((field) => !field.startsWith("unused"));
  return { name, lines: [`export const ${name} = {`, ...shown.map((field) => `  ${field},`), "} as const;"] };
}
