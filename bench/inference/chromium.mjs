// Inference in Chromium: the net's files and the engines' own, served cross-origin isolated, which threads need.
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, openPage } from "../browser/browsers.mjs";
import { bundle, page } from "../browser/pages.mjs";
import { serve } from "../browser/serve.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
/** Folders that are served whole, by where. */
const FOLDERS = {
  "/ort/": path("../../test/counterparts/node_modules/onnxruntime-web/dist/"),
  "/tfjs/": path("../peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/"),
};

/** Starts it: `{ version, measure(folder, job), close() }`. Rejects where there is none. Without `tfjs` TensorFlow.js need not be installed. */
export async function openChromium({ tfjs }) {
  const worker = await bundle(path("page-worker.mjs"), {
    nodePaths: [path("../peers/node_modules")],
    external: ["/model/*", "/ort/*", ...(tfjs ? [] : ["@tensorflow/*"])],
  });
  const files = {
    "/inference.html": page("inference", "/inference.js"),
    "/inference.js": await bundle(path("page.mjs")),
    "/inference-worker.js": worker,
  };
  let model;
  const server = await serve(files, async (pathname) => {
    const folders = { ...FOLDERS, "/model/": model };
    const at = Object.keys(folders).find((start) => pathname.startsWith(start));
    return at && readFile(join(folders[at], normalize(`/${pathname.slice(at.length)}`))).catch(() => {});
  });
  const closeServer = () => server.close();
  try {
    const browser = await launch("chromium");
    return {
      version: (await browser.version()).replace(/^\D+/, ""),
      async measure(folder, job) {
        model = folder;
        const context = await browser.createBrowserContext();
        try {
          const call = await openPage(context, `${server.origin}/inference.html`);
          return await call("measure", job);
        } finally {
          await context.close();
        }
      },
      async close() {
        await browser.close();
        closeServer();
      },
    };
  } catch (error) {
    closeServer();
    throw error;
  }
}
