// What web pages load: the kernels in base64, the worker scripts, and the package as one module for plain script tags.
import { mkdirSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";
import { embedWasm, writeTextModule } from "./embed.mjs";

for (const name of ["scalar", "simd", "relaxed", "digits"]) embedWasm(name);

const script = (entry) => bundle({ entry, platform: "worker", format: "iife" });
for (const name of ["training", "data"])
  writeTextModule(`${name}-worker`, await script(`src/browser/host/${name}-main.ts`));

const dist = new URL("../dist/", import.meta.url);
mkdirSync(new URL("browser/", dist), { recursive: true });
writeFileSync(new URL("browser/worker.js", dist), await script("src/browser/host/main.ts"));
writeFileSync(new URL("browser/worker.d.ts", dist), "export {};\n");

await bundle({ entry: "src/browser.ts", outfile: "dist/wasmgrad.js" });
// What it loads on demand, for createReport().
await bundle({ entry: "src/report/index.ts", outfile: "dist/report.js" });
// The custom element as one file, kernels and all, for pages that build nothing.
await bundle({ entry: "src/element/index.ts", outfile: "dist/element.js", embed: true });
