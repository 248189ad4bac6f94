// What differs between Node and browsers: this file and browser.ts export the same names.
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";

/** Bytes of build/NAME.wasm of this package. The folder lies at the same depth from src/ and from dist/. */
export async function loadWasmBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const url = new URL(`../../../build/${name}.wasm`, import.meta.url);
  try {
    return new Uint8Array(await readFile(url));
  } catch (error) {
    throw new Error(`cannot read the kernels at ${url.pathname}: run 'npm run build:wasm' in a checkout`, {
      cause: error,
    });
  }
}

/** Node 20 knows relaxed SIMD only behind a V8 flag, which must be set before the first compile that needs it. */
export function enableRelaxedSimd(): void {
  if (Number.parseInt(process.versions.node, 10) < 21) setFlagsFromString("--experimental-wasm-relaxed-simd");
}

/** Hardware threads this process may use. */
export function hardwareThreads(): number {
  return availableParallelism();
}

/** Lets pending events and timers run. */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate();
}
