// Holds what a page loads to its budgets, gzipped: 40 KiB for each build of the kernels, as the module that pages load it
// from, and for the JavaScript of a page that describes a model and trains it in a worker 40 KiB where that is a chain, 44 KiB
// where it has ops that chains have none of. Holds the documents to what they say of these sizes, too.
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

/**
 * A page that trains, as an application's bundler leaves it: what is imported, and of the chunks loaded on demand the worker's
 * script.
 * @param {{ title: string, names: string, model: string, scripts: readonly string[], limit?: number }} page
 *   `scripts`: chunks that are loaded on demand
 */
async function page({ title, names, model, scripts, limit }) {
  const contents = `
import { adam, createTrainer, ${names} } from "./dist/browser.js";
export const trainer = await createTrainer(${model}, { optimizer: adam() });`;
  const { outputFiles, metafile, warnings } = await esbuild.build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("../", import.meta.url)), sourcefile: "app.js" },
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
  // An application's build is to be as quiet as ours.
  failed ||= warnings.length > 0;
  const fileOf = (path) => path.replace(/.*[\\/]/, "");
  const sizes = new Map(outputFiles.map(({ path, contents }) => [fileOf(path), gzipped(contents)]));
  const [[entryPath]] = Object.entries(metafile.outputs).filter(
    ([, { entryPoint }]) => entryPoint === "app.js",
  );
  const loaded = new Set([entryPath]);
  // Chunks import chunks.
  for (const path of loaded)
    for (const { kind, path: chunk } of metafile.outputs[path].imports)
      if (kind === "import-statement") loaded.add(chunk);
  for (const script of scripts) {
    const found = Object.keys(metafile.outputs).filter((path) => fileOf(path).startsWith(`${script}-`));
    if (found.length !== 1) throw new Error(`${script} is not among the chunks`);
    loaded.add(found[0]);
  }
  return hold(
    title,
    [...loaded].reduce((sum, path) => sum + sizes.get(fileOf(path)), 0),
    limit,
  );
}

const training = await page({
  title: "model and training: app, engine client, training worker",
  names: "conv2d, dense, flatten, maxPooling2d, sequential",
  model: `sequential([conv2d({ filters: 32, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
  maxPooling2d(), flatten(), dense({ units: 10, activation: "softmax" })])`,
  scripts: ["training-worker"],
});
await page({
  title: "the same of a residual model, which needs further ops",
  names: "activation, add, batchNormalization, conv2d, dense, flatten, input, model",
  model: `(() => {
  const inputs = input({ shape: [28, 28, 1] });
  const conv = (x) => conv2d({ filters: 8, kernelSize: 3, padding: "same" }).apply(x);
  const x = conv(inputs);
  const sum = add().apply([batchNormalization().apply(conv(x)), x]);
  const y = flatten().apply(activation({ activation: "relu" }).apply(sum));
  return model({ inputs, outputs: dense({ units: 10, activation: "softmax" }).apply(y) });
})()`,
  scripts: ["training-worker", "further-worker"],
  limit: 44 * 1024,
});

const free = Number.POSITIVE_INFINITY;
for (const name of ["scalar-all", "simd-all", "relaxed-all"])
  hold(`build/${name}.js (for models that need it)`, gzipped(read(`build/${name}.js`)), free);
hold("dist/wasmgrad.js (all of the API in one module)", gzipped(read("dist/wasmgrad.js")), free);
hold("build/training-worker.js", gzipped(read("build/training-worker.js")), free);
hold("build/further-worker.js", gzipped(read("build/further-worker.js")), free);
hold("build/frozen-worker.js", gzipped(read("build/frozen-worker.js")), free);
hold("build/extra-worker.js", gzipped(read("build/extra-worker.js")), free);
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
