// The kernels' call interface for the host, read from the AssemblyScript sources so that the two cannot drift:
// every `case` of assembly/dispatch.ts, and every field of the argument classes it names.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

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
  const lines = [
    "// Written by scripts/abi.mjs from assembly/dispatch.ts and the argument classes: do not edit.",
    "",
    "/** Argument structs in memory: 4-byte fields in this order. */",
    "export const STRUCTS = {",
  ];
  for (const name of used) {
    const fields = classes.get(name);
    if (!fields) throw new Error(`dispatch.ts names ${name}, which no @unmanaged exported class declares`);
    lines.push(`  ${name}: {`, ...fields.map(([field, type]) => `    ${field}: "${type}",`), "  },");
  }
  lines.push(
    "} as const;",
    "",
    "/** Every kernel: its id in the dispatch switch and the struct it reads. */",
  );
  lines.push("export const KERNELS = {");
  for (const [, id, name, args] of kernels) lines.push(`  ${name}: { id: ${id}, args: "${args}" },`);
  lines.push("} as const;", "");
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
