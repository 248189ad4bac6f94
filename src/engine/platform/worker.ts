// The platform inside the bundled worker script: as browser.ts, but the page brings the kernels, and threads run the
// script's own file again, so that it needs no other, whether it was loaded from a blob or a URL.
import { type KernelThread, startThread, type WorkerKind } from "./web.ts";

export {
  enableRelaxedSimd,
  fetchWasm,
  hardwareThreads,
  type KernelThread,
  threadsAvailable,
  yieldToEventLoop,
} from "./web.ts";

export async function loadWasmBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  throw new Error(`the worker script holds no wasm: the page passes ${name}.wasm`);
}

/** The page says it, once for all its workers. */
export function noteOneThread(_wanted: number): string {
  return "";
}

export async function workerScript(_kind: WorkerKind): Promise<string> {
  return self.location.href;
}

export function startKernelThread(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  index: number,
  onError: (error: Error) => void,
): KernelThread {
  return startThread(workerScript("training"), { module, memory, control, index }, onError);
}
