// The kernels' call interface for the host, read from the AssemblyScript sources so that the two cannot drift:
// every `case` of assembly/dispatch.ts (which dispatch.mjs writes), every field of the argument classes it names, and what is
// marked // @host (see host-declarations.mjs). What it cannot read it refuses: nothing is passed over.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostLines } from "./host-declarations.mjs";

/** How the table marks a field's type. */
const SIGNS = { pointer: "*", f32: "%", i32: "" };
/** What a pointer can be marked as, first thing in the comment behind it. */
const MARKS = ["inout", "few bytes"];

const root = new URL("../", import.meta.url);

/** The fields of an argument class: name, type, and a mark or "". */
function fieldsOf(name, body) {
  const fields = [];
  for (const line of body.split("\n")) {
    const comment = line.indexOf("//");
    const field = /^ {2}(\w+): (usize|i32|u32|f32);(?: \/\/ (.*))?$/.exec(line);
    if (field) {
      const [, field_, type, words = ""] = field;
      const mark = MARKS.find((mark) => new RegExp(`^${mark}\\b`).test(words)) ?? "";
      if (mark && type !== "usize")
        throw new Error(`${name}: '${line.trim()}' is marked ${mark}, but is no pointer`);
      fields.push([field_, type === "usize" ? "pointer" : type === "f32" ? "f32" : "i32", mark]);
    } else if (line.trim() && comment !== line.search(/\S/))
      throw new Error(`${name}: cannot read the field '${line.trim()}' (usize, i32, u32 or f32 only)`);
  }
  return fields;
}

/** Argument classes by name. */
function argumentClasses(text) {
  const classes = new Map();
  let marks = 0;
  for (const [, name, body] of text.matchAll(/@unmanaged\s+export class (\w+Args) \{\n([\s\S]*?)\n\}/g)) {
    if (classes.has(name)) throw new Error(`two classes are called ${name}`);
    const fields = fieldsOf(name, body);
    const names = fields.map(([field]) => field);
    const twice = names.find((field, i) => names.indexOf(field) !== i);
    if (twice) throw new Error(`${name} has two fields '${twice}'`);
    marks += fields.filter(([, , mark]) => mark).length;
    classes.set(name, fields);
  }
  // Wherever else the word stands, a mark may have been meant.
  const words = [...text.matchAll(new RegExp(`\\b(?:${MARKS.join("|")})\\b`, "g"))].length;
  if (marks !== words)
    throw new Error(
      `read ${marks} of ${words} marks '${MARKS.join("' and '")}': one stands first in the comment behind a pointer of arguments`,
    );
  return classes;
}

/** Id, kernel and argument class of each case. */
function casesOf(dispatch) {
  const kernels = [
    ...dispatch.matchAll(
      /case (\d+): (?:if \(TRAINING\) )?(\w+)\(changetype<(\w+)>\(args\), task, scratch\);(?: else unreachable\(\);)? break;/g,
    ),
  ].map(([, id, kernel, args]) => ({ id, kernel, args }));
  const cases = [...dispatch.matchAll(/\bcase\b/g)].length;
  if (kernels.length !== cases) throw new Error(`dispatch.ts: read ${kernels.length} of ${cases} cases`);
  for (const key of ["id", "kernel"]) {
    const all = kernels.map((kernel) => kernel[key]);
    const twice = all.find((value, i) => all.indexOf(value) !== i);
    if (twice !== undefined) throw new Error(`dispatch.ts has two cases of ${twice}`);
  }
  return kernels;
}

/** Kernels and their pointers that have a mark. */
function markedLines(classes, kernels, mark) {
  const entries = kernels
    .map(({ kernel, args }) => [kernel, classes.get(args).filter(([, , own]) => own === mark)])
    .filter(([, fields]) => fields.length > 0);
  return entries.map(
    ([kernel, fields]) => `  ${kernel}: [${fields.map(([field]) => JSON.stringify(field)).join(", ")}],`,
  );
}

/** The text of src/engine/abi.ts, from the sources in a folder; `dispatch`: of its dispatch.ts. */
export function abiSource(
  dir = new URL("assembly/", root),
  dispatch = readFileSync(new URL("dispatch.ts", dir), "utf8"),
) {
  const sources = readdirSync(dir, { recursive: true })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"));
  const text = sources
    .sort()
    .map((path) => readFileSync(new URL(path, dir), "utf8"))
    .join("\n");
  const classes = argumentClasses(text);
  const kernels = casesOf(dispatch);

  const used = [...new Set(kernels.map(({ args }) => args))];
  const types = [];
  const table = [];
  for (const name of used) {
    const fields = classes.get(name);
    if (!fields) throw new Error(`dispatch.ts names ${name}, which no @unmanaged exported class declares`);
    types.push(`interface ${name} {`, ...fields.map(([field]) => `  readonly ${field}: number;`), "}", "");
    const readers = kernels.filter(({ args }) => args === name).map(({ id, kernel }) => id + kernel);
    table.push(`${readers.join(" ")}: ${fields.map(([field, type]) => field + SIGNS[type]).join(" ")}`);
  }
  const unread = [...classes.keys()].find((name) => !used.includes(name));
  if (unread) throw new Error(`${unread} is read by no kernel of dispatch.ts`);
  const lines = [
    "// Written by scripts/abi.mjs from assembly/: do not edit.",
    "",
    ...hostLines(text),
    ...types,
    "/** Every kernel, and the argument struct that it reads. */",
    "export interface KernelStructs {",
    ...kernels.map(({ kernel, args }) => `  ${kernel}: ${args};`),
    "}",
    "",
    "/** Some pointers of some kernels. */",
    "type Pointers = { readonly [K in keyof KernelStructs]?: readonly (keyof KernelStructs[K])[] };",
    "",
    "/** What a kernel reads and writes in the same place. All else is either read or written. */",
    "export const UPDATED: Pointers = {",
    ...markedLines(classes, kernels, "inout"),
    "};",
    "",
    "/** Pointers to a few bytes, whatever the kernel's sizes. */",
    "export const FEW_BYTES: Pointers = {",
    ...markedLines(classes, kernels, "few bytes"),
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
