// Inference of one engine in a process of its own: node child.mjs '{"folder", "engine", "shape", "batch", "threads", "seconds"}'
// prints what measure() gives.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { measure } from "./engines.mjs";

const { folder, ...job } = JSON.parse(process.argv[2]);
const root = fileURLToPath(new URL("../../", import.meta.url));
const counterparts = createRequire(join(root, "test/counterparts/package.json"));
const peers = createRequire(join(root, "bench/peers/package.json"));

const host = {
  read: async (path) => new Uint8Array(await readFile(join(folder, path))),
  wasmgrad: () => import("../../dist/node.js"),
  predictor: () => import(pathToFileURL(join(folder, "m.js")).href),
  native: async () => counterparts("onnxruntime-node"),
  ort: async () => counterparts("onnxruntime-web"),
  tfjs: async () => ({
    tf: peers("@tensorflow/tfjs-core"),
    wasm: peers("@tensorflow/tfjs-backend-wasm"),
    loadLayersModel: peers("@tensorflow/tfjs-layers").loadLayersModel,
  }),
};
console.log(JSON.stringify(await measure(host, job)));
process.exit(0);
