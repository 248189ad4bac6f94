import { existsSync, readFileSync, writeFileSync } from "node:fs";

const build = new URL("../build/", import.meta.url);

/** Writes build/NAME.js, a module whose default export is the text, and its types. Leaves alone what is there already. */
export function writeTextModule(name, text) {
  write(`${name}.js`, `export default ${JSON.stringify(text)};\n`);
  write(`${name}.d.ts`, "declare const text: string;\nexport default text;\n");
}

/** Embeds build/NAME.wasm in base64, as web pages load it. */
export function embedWasm(name) {
  writeTextModule(name, readFileSync(new URL(`${name}.wasm`, build)).toString("base64"));
}

function write(name, text) {
  const file = new URL(name, build);
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
