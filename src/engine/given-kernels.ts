// What workers have in place of kernels.ts: the page has loaded, compiled and checked the kernels, and counted its threads.
import type { Kernels } from "./kernels.ts";

export const BACKENDS = [];

export async function loadKernels({
  backend,
  wasm,
}: {
  backend?: unknown;
  wasm?: unknown;
}): Promise<Kernels> {
  return { backend, module: wasm } as Kernels;
}

export function requestedThreads(threads: number): number {
  return threads;
}

export async function wasmBytes(wasm: unknown): Promise<unknown> {
  return wasm;
}

export async function detectBackend(): Promise<never> {
  throw new Error("the page chooses the build");
}
