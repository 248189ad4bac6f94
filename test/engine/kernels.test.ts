import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { generateDigits } from "../../src/data/digits.ts";
import { loadKernels, type WasmSource } from "../../src/engine/kernels.ts";
import { dense, flatten } from "../../src/model/layers/index.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

const url = (name: string) => new URL(`../../build/${name}.wasm`, import.meta.url);
const LAYERS = [flatten({ inputShape: [6, 6, 1] }), dense({ units: 2, activation: "softmax" })];

async function serverOf(status: number, body: Uint8Array | string): Promise<string> {
  const server = createServer((_, response) => void response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/simd.wasm`;
}

describe("kernels of one's own", () => {
  test("as path, URL, text of a URL, over http, bytes, view and module: the same weights", async () => {
    const bytes = new Uint8Array(await readFile(url("simd")));
    const longer = new Uint8Array(bytes.length + 12);
    longer.set(bytes, 7);
    const sources: WasmSource[] = [
      fileURLToPath(url("simd")),
      url("simd"),
      url("simd").href,
      await serverOf(200, bytes),
      bytes.buffer as ArrayBuffer,
      longer.subarray(7, 7 + bytes.length),
      await WebAssembly.compile(bytes),
    ];
    const hashes = new Set<string>();
    for (const wasm of [undefined, ...sources]) {
      const model = await modelOf(LAYERS, { wasm, threads: 2 });
      expect(model.session.engine.backend).toBe("simd");
      await model.fit(halves(20, 1));
      hashes.add(await model.weightsSha256());
    }
    expect(hashes.size).toBe(1);
  });

  test("backend says which build they are", async () => {
    expect((await loadKernels({ wasm: url("scalar"), backend: "scalar" })).backend).toBe("scalar");
    expect((await loadKernels({ wasm: url("simd") })).backend).toBe("simd");
  });

  test("a wide build is refused where 256-bit lanes cannot be had, as a file and as a module", async () => {
    vi.stubEnv("WASMGRAD_WIDE", "0");
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const wasm of [url("wide"), await WebAssembly.compile(await readFile(url("wide")))])
      await expect(loadKernels({ wasm, backend: "wide" })).rejects.toThrow(
        "backend 'wide': WASMGRAD_WIDE=0 turns 256-bit lanes off; use backend 'auto'",
      );
  });

  test.each([
    ["a file that is not there", () => url("none"), /none\.wasm/],
    ["a server that has it not", () => serverOf(404, ""), /cannot be fetched: HTTP 404/],
    [
      "a web page",
      () => serverOf(200, "<!doctype html>"),
      /is no WebAssembly: its 15 bytes do not start with/,
    ],
    ["nothing", () => new Uint8Array(0), /is no WebAssembly: its 0 bytes/],
    ["the digit generator", () => url("digits"), /no build of these kernels: it does not export heapBase/],
    [
      "a damaged file",
      () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 9, 9, 9, 9),
      /the wasm given as backend 'simd' cannot be compiled/,
    ],
  ])("%s is refused", async (_, source, message) => {
    await expect(loadKernels({ wasm: await source() })).rejects.toThrow(message);
  });

  test("the digit generator's, too", async () => {
    const bytes = await readFile(url("digits"));
    const own = await generateDigits({ train: 10, test: 1 });
    for (const wasm of [url("digits"), new Uint8Array(bytes), await WebAssembly.compile(bytes)])
      expect((await generateDigits({ train: 10, test: 1, wasm })).train).toEqual(own.train);
  });
});
