// A user's own worker, with the engine in it.
import * as wasmgrad from "/dist/wasmgrad.js";
import { train } from "./bits.js";

self.onmessage = async ({ data }) => postMessage(await train(wasmgrad, data));
