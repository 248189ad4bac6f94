import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { defineConfig, type Plugin, type Rolldown } from "vite";
import { commonHeaders, PAGE_POLICY } from "./src/page-headers.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The policy in the page itself, for hosts that send no headers. Vite's own development scripts need more. */
const policy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: { "http-equiv": "Content-Security-Policy", content: PAGE_POLICY },
      injectTo: "head-prepend",
    },
  ],
};

/**
 * uPlot 1.6.32 asks for number formats of navigator.language as it is loaded, and browsers there are whose language is no
 * tag: "C" in WebKitGTK with LANG=C.UTF-8, "en-US@posix" elsewhere. The whole page would be blank. What its next version
 * does (leeoniya/uPlot#1054) is done here: the formats of the browser's default locale.
 */
const uplotLocale: Plugin = {
  name: "uplot-locale",
  transform: {
    filter: { id: /uPlot\.esm\.js/ },
    handler(code) {
      const changed = code.replace(
        /new Intl\.NumberFormat\(domEnv \? nav\.language : '[\w-]+'\)/,
        "new Intl.NumberFormat()",
      );
      if (changed === code)
        throw new Error("uPlot no longer asks for navigator.language: remove this plugin");
      return { code: changed, map: null };
    },
  },
};

/** Modules that hold worker scripts as text: the page has them as a file, see worker-url.ts. */
const UNUSED = /\/build\/(training|further|extra|data)-worker\.js$/;

/** What reads or writes one format of models. */
const FORMAT = /\/src\/interchange\/[^/]+\/(read|write)[^/]*\.ts$/;

/**
 * The files that come with a visit: not those that only formats of models by others need, of megabytes, which come when one is
 * opened or saved.
 */
function visited(bundle: Rolldown.OutputBundle): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string) => {
    const file = bundle[name];
    if (!file || seen.has(name)) return;
    if (file.type === "chunk" && FORMAT.test(file.facadeModuleId ?? "")) return;
    seen.add(name);
    if (file.type === "chunk") for (const other of [...file.imports, ...file.dynamicImports]) visit(other);
  };
  for (const file of Object.values(bundle)) if (file.type === "asset" || file.isEntry) visit(file.fileName);
  return seen;
}

/** Writes offline.js, the service worker: what src/web/offline/worker.ts says, of the files that this build has made. */
const offline: Plugin = {
  name: "offline",
  apply: "build",
  generateBundle: {
    order: "post",
    async handler(_, bundle) {
      const publicFolder = path("src/web/public");
      const sources = new Map(
        readdirSync(publicFolder).map((name) => [name, readFileSync(`${publicFolder}/${name}`)]),
      );
      for (const file of Object.values(bundle)) {
        if (file.type === "chunk" && UNUSED.test(file.facadeModuleId ?? "")) continue;
        sources.set(file.fileName, Buffer.from(file.type === "chunk" ? file.code : file.source));
      }
      const come = visited(bundle);
      const first = (name: string) => come.has(name) || !(name in bundle);
      const names = [...sources.keys()].sort();
      const hash = createHash("sha256");
      for (const name of names) hash.update(name).update(sources.get(name)!);
      const { outputFiles } = await esbuild({
        entryPoints: [path("src/web/offline/worker.ts")],
        bundle: true,
        minify: true,
        write: false,
        target: "es2022",
        define: {
          VERSION: JSON.stringify(hash.digest("hex").slice(0, 12)),
          FILES: JSON.stringify(names.filter((name) => name !== "index.html" && first(name))),
        },
      });
      this.emitFile({ type: "asset", fileName: "offline.js", source: outputFiles[0]!.text });
    },
  },
};

const { "Content-Security-Policy": _, ...headers } = commonHeaders(true);

/** Builds the page: src/web to dist/web. */
export default defineConfig({
  root: path("src/web"),
  // Any folder of any host will do.
  base: "./",
  publicDir: path("src/web/public"),
  plugins: [policy, uplotLocale, offline],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    alias: {
      "#platform": path("src/engine/platform/browser.ts"),
      "#interchange": path("src/interchange/files.ts"),
    },
  },
  server: { headers },
  build: {
    outDir: path("dist/web"),
    emptyOutDir: true,
    target: "es2022",
    // The first that know light-dark().
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    // Inlined files would be data: URLs, which the policy forbids scripts and workers to have.
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
});
