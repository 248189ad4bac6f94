import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { CodecSource } from "./codec.ts";

// Node only.

const FILES = {
  jpeg: "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm",
  webp: "@jsquash/webp/codec/dec/webp_dec.wasm",
};

/** The decoders' wasm from the packages that have them. */
export const codecFile: CodecSource = async (format) =>
  new Uint8Array(await readFile(createRequire(import.meta.url).resolve(FILES[format])));
