import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { commonHeaders, PAGE_POLICY } from "./src/cli/serve/headers.ts";

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

const { "Content-Security-Policy": _, ...headers } = commonHeaders(true);

/** Builds the page: src/web to dist/web. */
export default defineConfig({
  root: path("src/web"),
  // Any folder of any host will do.
  base: "./",
  publicDir: path("src/web/public"),
  plugins: [policy, uplotLocale],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { alias: { "#platform": path("src/engine/platform/browser.ts") } },
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
