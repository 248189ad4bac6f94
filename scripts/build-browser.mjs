// What web pages load: node scripts/build-browser.mjs FOLDER workers|bundles
// workers: the scripts of workers, as text modules for blob: workers and as a file for pages that pass workerUrl.
// bundles: the package as one module for plain script tags, and the custom element as one file, kernels and all.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle, bundleFormats } from "./bundle.mjs";
import { WORKERS, writeTextModule } from "./embed.mjs";

const [folder, part] = process.argv.slice(2);
const write = (path, text) => {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const script = (entry, apart) => bundle({ entry, platform: "worker", format: "iife", apart });

if (part === "workers") {
  for (const name of WORKERS) {
    const entry = `src/browser/host/${name.replace(/-worker$/, "")}-main.ts`;
    writeTextModule(join(folder, "build"), name, await script(entry, name === "training-worker"));
  }
  write("dist/browser/worker.js", await script("src/browser/host/main.ts"));
  write("dist/browser/worker.d.ts", "export {};\n");
} else {
  write("dist/wasmgrad.js", await bundle({ entry: "src/browser.ts", outfile: "dist/wasmgrad.js" }));
  // What it loads on demand, for createReport().
  write("dist/report.js", await bundle({ entry: "src/report/index.ts", outfile: "dist/report.js" }));
  // And what loadModel() and exportModel() do.
  await bundleFormats(join(folder, "dist/formats-on-demand"));
  write("dist/element.js", await bundle({ entry: "src/element/index.ts", embed: true }));
}
