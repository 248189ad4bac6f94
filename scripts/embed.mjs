import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Builds of the kernels, those with all of them, of forward passes alone, and the digit generator. */
export const WASM = [
  "scalar",
  "simd",
  "relaxed",
  "scalar-all",
  "simd-all",
  "relaxed-all",
  "predict",
  "predict-all",
  "digits",
];
/** Builds with pairs of vectors, and all kernels: for Node alone, as no web page can have V8 make one instruction of two. */
export const WIDE = ["wide", "relaxed-wide"];
/** Scripts that are embedded as text for blob: workers; further-worker, extra-worker and frozen-worker stand before training-worker where a training needs them. */
export const WORKERS = ["training-worker", "further-worker", "extra-worker", "frozen-worker", "data-worker"];

/** Writes NAME.js into a folder: a module whose default export is the text. */
export function writeTextModule(folder, name, text) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.js`), `export default ${JSON.stringify(text)};\n`);
}

/** Embeds the folder's NAME.wasm in hex, as web pages load it: compressed it takes a fifth less than base64, which hides repetitions. */
export function embedWasm(folder, name) {
  writeTextModule(folder, name, readFileSync(join(folder, `${name}.wasm`)).toString("hex"));
}

/** Writes the types of all text modules. */
export function writeDeclarations(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of [...WASM, ...WORKERS])
    writeFileSync(join(folder, `${name}.d.ts`), "declare const text: string;\nexport default text;\n");
}
