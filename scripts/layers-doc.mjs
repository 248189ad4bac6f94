// docs/layers.md, the table of all layers, from their definitions and their functions' docstrings: node scripts/layers-doc.mjs writes it, after
// npm run build. test/model/layers-doc.test.ts holds the file to it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = new URL("../", import.meta.url);

/** What Keras calls layers whose names are not ours with a capital and a capital D. */
const KERAS = { elu: "ELU", relu: "ReLU", prelu: "PReLU", leakyRelu: "LeakyReLU", input: "Input" };
const kerasName = (type) =>
  KERAS[type] ?? (type[0].toUpperCase() + type.slice(1)).replace(/(\d)d(?=[A-Z]|$)/, "$1D");
/** Options that Keras calls otherwise than by snake_case. */
const KERAS_OPTIONS = { "leakyRelu alpha": "negative_slope" };

/** What stands above a layer's function: the first paragraph. */
function docstrings() {
  const dir = new URL("src/model/layers/", root);
  const found = new Map();
  for (const file of readdirSync(dir).filter((name) => name.endsWith(".ts"))) {
    const text = readFileSync(new URL(file, dir), "utf8");
    for (const [, comment, name] of text.matchAll(
      /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\nexport (?:function|const) (\w+)/g,
    ))
      found.set(
        name,
        comment
          .replace(/^\s*\* ?/gm, "")
          .trim()
          .split(/\n\s*\n/)[0]
          .replace(/\s+/g, " "),
      );
  }
  return found;
}

const cell = (text) => text.replaceAll("|", "\\|");

function shown(value) {
  return typeof value === "function" ? "as others" : JSON.stringify(value);
}

/** The text of docs/layers.md, from the definitions of all layers and what they have in common. */
export function layersDoc(layers) {
  const said = docstrings();
  const rows = Object.values(layers).map((definition) => {
    const { type, options } = definition;
    const list = Object.entries(options).map(([key, kind]) => {
      const other = KERAS_OPTIONS[`${type} ${key}`];
      const keras = other ? ` (${other})` : "";
      if ("needed" in kind) return `**${key}**${keras}`;
      return "default" in kind ? `${key}${keras} = ${shown(kind.default)}` : `${key}${keras}`;
    });
    const text = said.get(type) ?? "";
    return `| \`${type}\` | ${kerasName(type)} | ${cell(list.join(", "))} | ${cell(text)} |`;
  });
  return [
    "# Layers",
    "",
    "Every layer, Keras's name of it, its options with their defaults (needed ones in bold) and what it does.",
    "Options are Keras's in camel case, `kernelSize` for `kernel_size`; where Keras has another name, it stands in brackets.",
    "All take `name`, `inputShape` (on the first layer) and `trainable`. Written by `scripts/layers-doc.mjs` from the definitions.",
    "",
    "| layer | Keras | options | |",
    "|---|---|---|---|",
    ...rows.toSorted((a, b) => a.localeCompare(b, "en")),
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { LAYERS } = await import("../dist/model/layers/index.js");
  writeFileSync(fileURLToPath(new URL("docs/layers.md", root)), layersDoc(LAYERS));
}
