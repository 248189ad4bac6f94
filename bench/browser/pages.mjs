import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
/** A page with a script. */
export const page = (title, script) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body><script type="module" src="${script}"></script>`;

/** The benchmark pages as texts by path: of dist/, bundled as a user of the package would. */
export async function benchmarkPages({ tfjs }) {
  const files = {
    "/wasmgrad.html": page("wasmgrad", "/wasmgrad.js"),
    "/wasmgrad.js": await bundle(path("wasmgrad-page.mjs")),
  };
  if (tfjs) {
    files["/tfjs.html"] = page("TensorFlow.js", "/tfjs.js");
    files["/tfjs.js"] = await bundle(path("tfjs-page.mjs"), { nodePaths: [path("../peers/node_modules")] });
  }
  return files;
}

/** A script with all that it imports, as text. */
export async function bundle(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    // Not the checkout's tsconfig.json, which sends #platform to Node's file.
    tsconfigRaw: {},
    logLevel: "error",
    ...options,
  });
  return outputFiles[0].text;
}
