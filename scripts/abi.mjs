// The kernels' call interface for the host, read from the AssemblyScript sources so that the two cannot drift:
// every `case` of assembly/dispatch.ts, and every field of the argument classes it names.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** How the table marks a field's type. */
const SIGNS = { pointer: "*", f32: "%", i32: "" };

const root = new URL("../", import.meta.url);

/** The text of src/engine/abi.ts. */
export function abiSource() {
  const dir = new URL("assembly/", root);
  const sources = readdirSync(dir).filter((f) => f.endsWith(".ts"));
  const text = sources.map((f) => readFileSync(new URL(f, dir), "utf8")).join("\n");

  const classes = new Map();
  for (const [, name, body] of text.matchAll(/@unmanaged\s+export class (\w+Args) \{\n([\s\S]*?)\n\}/g)) {
    const fields = [];
    for (const line of body.split("\n")) {
      const field = /^ {2}(\w+): (usize|i32|u32|f32);/.exec(line);
      if (field)
        fields.push([field[1], field[2] === "usize" ? "pointer" : field[2] === "f32" ? "f32" : "i32"]);
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
    "// Written by scripts/abi.mjs from assembly/dispatch.ts and the argument classes: do not edit.",
    "",
    ...types,
    "/** Every kernel, and the argument struct that it reads. */",
    "export interface KernelStructs {",
    ...kernels.map(([, , name, args]) => `  ${name}: ${args};`),
    "}",
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
