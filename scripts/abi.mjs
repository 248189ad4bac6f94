// The kernels' call interface for the host, read from the AssemblyScript sources so that the two cannot drift:
// every `case` of assembly/dispatch.ts, every field of the argument classes it names, and what is marked // @host: constants,
// functions of sizes, and the layouts of structs that the host writes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostExpression } from "./host-expressions.mjs";

/** How the table marks a field's type. */
const SIGNS = { pointer: "*", f32: "%", i32: "" };

const root = new URL("../", import.meta.url);

const BYTES = { f64: 8, u64: 8, i64: 8, f32: 4, i32: 4, u32: 4, usize: 4 };

/** What is marked // @host in the sources, in TypeScript: their doc comments stay. */
function hostLines(text) {
  const marked = [
    ...text.matchAll(
      /((?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?)^\/\/ @host\n(?:\/\/ @ts-ignore: decorator\n)?(?:@\w+\n)?(.*\n(?: .*\n|\}\n)*)/gm,
    ),
  ];
  const count = [...text.matchAll(/@host$/gm)].length;
  if (marked.length !== count)
    throw new Error(`read ${marked.length} of ${count} declarations marked // @host`);
  const known = new Set(marked.map(([, , code]) => /(?:const|function|class) (\w+)/.exec(code)?.[1]));
  return marked.flatMap(([, doc, code]) => [...(doc ? [doc.trimEnd()] : []), hostLine(code, known), ""]);
}

function hostLine(code, known) {
  const struct = /^export class (\w+) \{\n([\s\S]*)\}\n$/.exec(code);
  if (struct) return layoutOf(struct[1], struct[2]);
  // What is no whole number keeps its type, and is not read.
  const whole = code.replaceAll(/: (?:i32|u32|usize)\b/g, "");
  const constant = /^export const (\w+) = (.*);\n$/.exec(whole);
  if (constant) return `export const ${constant[1]} = ${hostExpression(constant[2], known)};`;
  const sizes = /^export function (\w+)\(([\w, ]*)\) \{\n {2}return (.*);\n\}\n$/.exec(whole);
  if (!sizes) throw new Error(`cannot read what is marked // @host: ${code}`);
  const names = sizes[2].split(", ");
  const body = hostExpression(sizes[3], new Set([...known, ...names]));
  return `export function ${sizes[1]}(${names.map((n) => `${n}: number`).join(", ")}): number {\n  return ${body};\n}`;
}

/** Byte offsets of a struct's fields, each on a multiple of its size, and its length. */
function layoutOf(name, body) {
  let at = 0;
  let align = 1;
  const fields = [];
  for (const line of body.split("\n").filter((line) => line.trim())) {
    const [, field, type] = /^ {2}(\w+): (\w+);(?: \/\/.*)?$/.exec(line) ?? [];
    const bytes = BYTES[type];
    if (!bytes) throw new Error(`${name}: cannot read the field '${line.trim()}'`);
    at = Math.ceil(at / bytes) * bytes;
    align = Math.max(align, bytes);
    fields.push(`${field}: ${at}`);
    at += bytes;
  }
  fields.push(`bytes: ${Math.ceil(at / align) * align}`);
  const constant = name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
  const shown = fields.filter((field) => !field.startsWith("unused"));
  return [`export const ${constant} = {`, ...shown.map((field) => `  ${field},`), "} as const;"].join("\n");
}

/** Kernels and their pointers marked inout. */
function updatedLines(classes, kernels) {
  const entries = kernels
    .map(([, , kernel, args]) => [kernel, classes.get(args).filter(([, , inout]) => inout)])
    .filter(([, fields]) => fields.length > 0);
  return entries.map(
    ([kernel, fields]) => `  ${kernel}: [${fields.map(([field]) => JSON.stringify(field)).join(", ")}],`,
  );
}

/** The text of src/engine/abi.ts, from the sources in a folder. */
export function abiSource(dir = new URL("assembly/", root)) {
  const sources = readdirSync(dir).filter((f) => f.endsWith(".ts"));
  const text = sources.map((f) => readFileSync(new URL(f, dir), "utf8")).join("\n");

  const classes = new Map();
  for (const [, name, body] of text.matchAll(/@unmanaged\s+export class (\w+Args) \{\n([\s\S]*?)\n\}/g)) {
    const fields = [];
    for (const line of body.split("\n")) {
      const field = /^ {2}(\w+): (usize|i32|u32|f32);(?: \/\/.*)?$/.exec(line);
      if (field)
        fields.push([
          field[1],
          field[2] === "usize" ? "pointer" : field[2] === "f32" ? "f32" : "i32",
          /; \/\/ inout\b/.test(line),
        ]);
      else if (line.trim() && !line.trim().startsWith("//"))
        throw new Error(`${name}: cannot read the field '${line.trim()}' (usize, i32, u32 or f32 only)`);
    }
    classes.set(name, fields);
  }
  const dispatch = readFileSync(new URL("dispatch.ts", dir), "utf8");
  const kernels = [
    ...dispatch.matchAll(/case (\d+): (\w+)\(changetype<(\w+)>\(args\), task, scratch\); break;/g),
  ];
  const cases = [...dispatch.matchAll(/\bcase /g)].length;
  if (kernels.length !== cases) throw new Error(`dispatch.ts: read ${kernels.length} of ${cases} cases`);

  const used = [...new Set(kernels.map((k) => k[3]))];
  const types = [];
  const table = [];
  for (const name of used) {
    const fields = classes.get(name);
    if (!fields) throw new Error(`dispatch.ts names ${name}, which no @unmanaged exported class declares`);
    types.push(`interface ${name} {`, ...fields.map(([field]) => `  readonly ${field}: number;`), "}", "");
    const readers = kernels.filter((k) => k[3] === name).map(([, id, kernel]) => id + kernel);
    table.push(`${readers.join(" ")}: ${fields.map(([field, type]) => field + SIGNS[type]).join(" ")}`);
  }
  const lines = [
    "// Written by scripts/abi.mjs from assembly/: do not edit.",
    "",
    ...hostLines(text),
    ...types,
    "/** Every kernel, and the argument struct that it reads. */",
    "export interface KernelStructs {",
    ...kernels.map(([, , name, args]) => `  ${name}: ${args};`),
    "}",
    "",
    "/** What a kernel reads and writes in the same place. All else is either read or written. */",
    "export const UPDATED: { readonly [K in keyof KernelStructs]?: readonly (keyof KernelStructs[K])[] } = {",
    ...updatedLines(classes, kernels),
    "};",
    "",
    "/**",
    " * A line for each struct: the kernels that read it, each behind its id in the dispatch switch, then its 4-byte fields in",
    " * this order: pointers with *, f32 with %, the others i32. One text, as pages load it: see kernel-table.ts.",
    " */",
    `export const KERNEL_TABLE = \`${table.join("\n")}\`;`,
    "",
  ];
  return lines.join("\n");
}

export function writeAbi() {
  const file = new URL("src/engine/abi.ts", root);
  const next = abiSource();
  let now = "";
  try {
    now = readFileSync(file, "utf8");
  } catch {}
  if (now !== next) writeFileSync(file, next);
}
