// What web pages load: the kernels in base64, the worker script, and the package as one module.
import { mkdirSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.mjs";
import { embedWasm, writeTextModule } from "./embed.mjs";

for (const name of ["scalar", "simd", "relaxed", "digits"]) embedWasm(name);

const worker = await bundle({ entry: "src/browser/host/main.ts", platform: "worker", format: "iife" });
writeTextModule("worker-source", worker);
const dist = new URL("../dist/", import.meta.url);
mkdirSync(new URL("browser/", dist), { recursive: true });
writeFileSync(new URL("browser/worker.js", dist), worker);
writeFileSync(new URL("browser/worker.d.ts", dist), "export {};\n");

await bundle({ entry: "src/browser.ts", outfile: "dist/browser.js" });
