// What differs between Node and browsers: this file and node.ts export the same names.
import { isIsolated, type KernelThread, sharesMemory, startThreadWorker, type WorkerPart } from "./web.ts";

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

/**
 * The builds as modules that hold them in hex: each import() has one literal name, so that plain modules and every
 * bundler find them with no configuration, and a page loads only the one that it uses.
 */
const BUILDS: Readonly<Record<string, () => Promise<{ default: string }>>> = {
  scalar: () => import("../../../build/scalar.js"),
  simd: () => import("../../../build/simd.js"),
  relaxed: () => import("../../../build/relaxed.js"),
  "scalar-all": () => import("../../../build/scalar-all.js"),
  "simd-all": () => import("../../../build/simd-all.js"),
  "relaxed-all": () => import("../../../build/relaxed-all.js"),
  digits: () => import("../../../build/digits.js"),
};

/** Bytes of a wasm build of this package. */
export async function loadWasmBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const { default: hex } = await BUILDS[name]!();
  return new Uint8Array(hex.length / 2).map((_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

let said = false;

/** Says once why one thread computes where `wanted` would; returns what it says. */
export function noteOneThread(wanted: number): string {
  const why = sharesMemory()
    ? "a page's own thread cannot wait for others. createTrainer() trains in a worker, with threads"
    : isIsolated()
      ? "this browser does not let pages share memory between threads, though this one is cross-origin isolated"
      : "this page is not cross-origin isolated. Serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  const notice = `wasmgrad computes on one thread instead of ${wanted}: ${why}`;
  if (!said) console.info(notice);
  said = true;
  return notice;
}

/** The parts of worker scripts, embedded as text. */
const PARTS: Readonly<Record<WorkerPart, () => Promise<{ default: string }>>> = {
  further: () => import("../../../build/further-worker.js"),
  extra: () => import("../../../build/extra-worker.js"),
  frozen: () => import("../../../build/frozen-worker.js"),
  training: () => import("../../../build/training-worker.js"),
  data: () => import("../../../build/data-worker.js"),
};
const urls = new Map<string, Promise<string>>();

/** A blob: URL of an embedded worker script of these parts, which are loaded on first use. */
export function workerScript(parts: readonly WorkerPart[]): Promise<string> {
  const key = parts.join();
  let url = urls.get(key);
  if (!url) {
    url = Promise.all(parts.map((part) => PARTS[part]())).then((loaded) =>
      URL.createObjectURL(
        new Blob(
          loaded.map(({ default: text }) => text),
          { type: "text/javascript" },
        ),
      ),
    );
    urls.set(key, url);
    url.catch(() => urls.delete(key));
  }
  return url;
}

/** Starts a nested worker that runs the kernels' work(control, index) on the shared memory. */
export function startKernelThread(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  index: number,
  onError: (error: Error) => void,
): KernelThread {
  let worker: Worker | undefined;
  let ended = false;
  const start = (url: string) => {
    if (!ended) worker = startThreadWorker(url, { role: "thread", module, memory, control, index }, onError);
  };
  workerScript(["training"]).then(start).catch(onError);
  return {
    terminate() {
      ended = true;
      worker?.terminate();
    },
  };
}
