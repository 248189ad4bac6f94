// Runs in a worker of the page: where each engine may wait for its threads, and a page's own thread stays free.
import { measure } from "./engines.mjs";

const host = {
  async read(path) {
    const response = await fetch(`/model/${path}`);
    if (!response.ok) throw new Error(`/model/${path}: HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  },
  wasmgrad: () => import("../../dist/browser.js"),
  predictor: () => import("/model/m.js"),
  async ort() {
    const ort = await import("/ort/ort.wasm.min.mjs");
    ort.env.wasm.wasmPaths = `${location.origin}/ort/`;
    return ort;
  },
  async tfjs(threads) {
    // It takes no more threads than half of the cores that it is told of.
    Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 * threads });
    const [tf, wasm, { loadLayersModel }] = await Promise.all([
      import("@tensorflow/tfjs-core"),
      import("@tensorflow/tfjs-backend-wasm"),
      import("@tensorflow/tfjs-layers"),
    ]);
    wasm.setWasmPaths(`${location.origin}/tfjs/`);
    return { tf, wasm, loadLayersModel };
  },
};

self.onmessage = async ({ data: job }) => {
  try {
    postMessage({ answer: await measure(host, job) });
  } catch (error) {
    postMessage({ error: `${job.engine}: ${error.stack ?? error}` });
  }
};
