// The platform inside the bundled worker script: as browser.ts, but the page brings the kernels and starts the threads.
import { type KernelThread, threadStarter, type WorkerPart } from "./web.ts";

export {
  ADDRESS_ADVICE,
  enableBackend,
  fastestSimd,
  fetchWasm,
  hardwareThreads,
  type KernelThread,
  NEEDS,
  threadProblem,
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

export async function workerScript(_parts: readonly WorkerPart[]): Promise<string> {
  return self.location.href;
}

/** The page starts it: it can do so at once, and learns of its end. */
export function startKernelThread(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  index: number,
  onError: (error: Error) => void,
): KernelThread {
  return threadStarter()({ role: "thread", module, memory, control, index }, onError);
}
