// Holds what a page loads to its budgets, gzipped: 40 KiB for each build of the kernels, as the module that pages load it
// from, and 40 KiB for the JavaScript of a page that describes a model and trains it in a worker. Holds the documents to what
// they say of these sizes, too.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const LIMIT = 40 * 1024;
let failed = false;

function hold(name, bytes, limit = LIMIT) {
  const over = limit !== undefined && bytes > limit;
  failed ||= over;
  const verdict = limit === Number.POSITIVE_INFINITY ? "" : `, limit ${limit}${over ? "  TOO LARGE" : ""}`;
  console.log(`${name.padEnd(58)} ${String(bytes).padStart(6)} bytes gzipped${verdict}`);
  return bytes;
}

const gzipped = (content) => gzipSync(content, { level: 9 }).length;
const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url));

for (const name of ["scalar", "simd", "relaxed", "digits"])
  for (const kind of ["wasm", "js"]) hold(`build/${name}.${kind}`, gzipped(read(`build/${name}.${kind}`)));

// As an application's bundler leaves it: what is imported, and of the chunks loaded on demand the worker script.
const app = `
import { adam, conv2d, createTrainer, dense, flatten, maxPooling2d, sequential } from "./dist/browser.js";
const layers = [conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
  maxPooling2d(), flatten(), dense({ units: 10, activation: "softmax" })];
export const trainer = await createTrainer(sequential(layers), { optimizer: adam() });`;
const { outputFiles, metafile } = await esbuild.build({
  stdin: { contents: app, resolveDir: fileURLToPath(new URL("../", import.meta.url)), sourcefile: "app.js" },
  absWorkingDir: fileURLToPath(new URL("../", import.meta.url)),
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  metafile: true,
  write: false,
  outdir: "out",
  // An installed package lies in no TypeScript project.
  tsconfigRaw: "{}",
});
const sizes = new Map(
  outputFiles.map(({ path, contents }) => [path.replace(/.*[\\/]/, ""), gzipped(contents)]),
);
const fileOf = (path) => path.replace(/.*\//, "");
const [[entryPath, entry]] = Object.entries(metafile.outputs).filter(
  ([, { entryPoint }]) => entryPoint === "app.js",
);
const loaded = [
  entryPath,
  ...entry.imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path),
  ...Object.keys(metafile.outputs).filter((path) => fileOf(path).startsWith("training-worker")),
].map(fileOf);
const training = hold(
  "model and training: app, engine client, training worker",
  loaded.reduce((sum, name) => sum + sizes.get(name), 0),
);
if (loaded.length < 2) throw new Error("the worker script is not among the chunks");

const free = Number.POSITIVE_INFINITY;
hold("dist/wasmgrad.js (all of the API in one module)", gzipped(read("dist/wasmgrad.js")), free);
hold("build/training-worker.js", gzipped(read("build/training-worker.js")), free);
hold("build/data-worker.js", gzipped(read("build/data-worker.js")), free);
hold("dist/browser/worker.js (both, for workerUrl)", gzipped(read("dist/browser/worker.js")), free);
const element = hold(
  "dist/element.js (the element, all in one module)",
  gzipped(read("dist/element.js")),
  free,
);

const sizeOf = (path) => gzipped(read(path));
const build = (name) => sizeOf(`build/${name}.js`);
const digits = build("digits") + sizeOf("build/data-worker.js");
/** Where a document names sizes in KiB, each a group of the pattern, and what they are. */
const SAID = [
  [
    "README.md",
    /(\d+) KiB of JavaScript for model and training, (\d+) KiB for the one build of the kernels that it\s+runs, (\d+) KiB more for `digits`\. `dist\/element\.js` has everything in one file: (\d+) KiB/,
    [training, build("simd"), digits, element],
  ],
  [
    "docs/browser.md",
    /training worker \| (\d+) \|[\s\S]*?needed \| (\d+) \(`simd`\), (\d+) \(`scalar`\) \|[\s\S]*?is used \| (\d+) \|[\s\S]*?one file \| (\d+) \|/,
    [training, build("simd"), build("scalar"), digits, element],
  ],
];
for (const [file, pattern, sizes] of SAID) {
  const said = pattern.exec(String(read(file)))?.slice(1);
  if (!said) throw new Error(`${file} does not name the sizes as ${pattern} has them: change both`);
  const kibs = sizes.map((bytes) => bytes / 1024);
  // Within a twentieth, or 1 KiB: not every change of the code is one of the documents.
  if (kibs.every((kib, i) => Math.abs(kib - said[i]) <= Math.max(1, said[i] / 20))) continue;
  failed = true;
  console.log(
    `${file} says ${said.join(", ")} KiB; it is ${kibs.map((kib) => kib.toFixed(1)).join(", ")}: write that`,
  );
}
if (failed) process.exit(1);
