// What differs between Node and browsers: this file and browser.ts export the same names.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { CONTROL, COUNTER } from "../abi.ts";
import { chooseWide, enableWide } from "./wide.ts";

/** Bytes of build/NAME.wasm of this package. The folder lies at the same depth from src/ and from dist/. */
export async function loadWasmBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
  // The wide builds have all kernels in any case.
  const url = new URL(`../../../build/${name.replace("wide-all", "wide")}.wasm`, import.meta.url);
  try {
    return new Uint8Array(await readFile(url));
  } catch (error) {
    throw new Error(`cannot read the kernels at ${url.pathname}: run 'npm run build:wasm' in a checkout`, {
      cause: error,
    });
  }
}

/** Bytes of a wasm file at a URL or a path. */
export async function fetchWasm(source: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const url = String(source);
  if (!/^https?:/.test(url)) {
    const path = url.startsWith("file:") ? new URL(url) : source;
    return new Uint8Array(await readFile(path));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the wasm given (${url}) cannot be fetched: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The builds by name, with what each asks of the runtime. */
export const NEEDS: Readonly<Record<string, string>> = {
  scalar: "WebAssembly threads",
  simd: "WebAssembly SIMD",
  wide: "WebAssembly SIMD",
  relaxed: "WebAssembly relaxed SIMD",
  "relaxed-wide": "WebAssembly relaxed SIMD",
};

/**
 * Sets the flags of V8 without which it would not take a build, or not run it as meant: before the build is compiled. Node 20
 * knows relaxed SIMD only so. Throws where a wide build is none.
 */
export function enableBackend(backend: string): void {
  if (backend.startsWith("relaxed") && Number.parseInt(process.versions.node, 10) < 21)
    setFlagsFromString("--experimental-wasm-relaxed-simd");
  if (backend.endsWith("wide")) enableWide(backend);
}

/** The fastest build with the bits of simd: wide, where V8 has 256-bit lanes and they pass a test. */
export async function fastestSimd(): Promise<"simd" | "wide"> {
  return (await chooseWide(loadWasmBytes)) ? "wide" : "simd";
}

/** Hardware threads this process may use. */
export function hardwareThreads(): number {
  return availableParallelism();
}

/** Lets pending events and timers run. */
export async function yieldToEventLoop(): Promise<void> {
  await setImmediate();
}

/** Whether this runtime can share memory with worker threads. */
export function threadsAvailable(): boolean {
  return true;
}

/** What to do where the system refuses the addresses of a WebAssembly memory. */
export const ADDRESS_ADVICE =
  "V8 reserves some 10 GiB of addresses for each WebAssembly memory, used or not. Raise the limit (ulimit -v unlimited), or run Node with the option --disable-wasm-trap-handler (NODE_OPTIONS=--disable-wasm-trap-handler), which reserves only what maxMemory (--max-memory) allows";

/** Addresses that V8 and the C library reserve for a thread, at most: measured 0.6 to 0.85 GiB. */
const THREAD_ADDRESSES = 2 ** 30;

/**
 * Why so many more threads cannot be started, and what to do; undefined where they can. V8 ends the whole process where it
 * cannot reserve a thread's addresses, so that is not to be tried. Only Linux tells.
 */
export function threadProblem(threads: number): readonly [problem: string, advice: string] | undefined {
  let fit: number;
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = Number(/^Max address space +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
    const used = Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
    fit = Math.max(0, Math.floor((limit - used) / THREAD_ADDRESSES));
  } catch {
    return undefined;
  }
  if (fit >= threads) return undefined;
  return [
    `${threads} more thread${threads > 1 ? "s" : ""} would not fit into the address space that the system allows this process (ulimit -v)`,
    `use threads: ${fit + 1} (--threads ${fit + 1}), or raise the limit (ulimit -v unlimited)`,
  ];
}

/** Nothing to say: threads are always available here. */
export function noteOneThread(_wanted: number): string {
  return "";
}

/** Where the script of training workers lies: only browsers have one. */
export async function workerScript(_parts: readonly string[]): Promise<string> {
  throw new Error(
    "createTrainer() runs in browsers, where there are Web Workers; in Node use `await model.compile(...)` and `model.fit(...)`",
  );
}

export interface KernelThread {
  terminate(): void;
}

/**
 * What a kernel thread runs: plain text, so that no file must be found from sources, from dist or from a bundle. All of
 * its names are a function's own: around the text Bun and Deno declare `module`, `exports` and the like.
 */
const THREAD = `
(({ module, memory, control, index }) => {
  let working = false;
  try {
    // Looks at the memory's size afresh: it may have grown while this thread started, and V8 hands on the old one.
    memory.grow(0);
    const { work } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    working = true;
    work(control, index);
  } catch (error) {
    memory.grow(0);
    const words = new Int32Array(memory.buffer);
    const at = (field) => (control + field) / 4;
    Atomics.store(words, at(${CONTROL.failed}), 1);
    // Others wait for tasks that are done no more: a count that never comes makes them look up.
    if (working)
      for (let i = words[at(${CONTROL.first})]; i < words[at(${CONTROL.last})]; i++) {
        const done = (words[at(${CONTROL.counters})] + ${COUNTER.bytes} * i + ${COUNTER.done}) >>> 2;
        Atomics.store(words, done, -1);
        Atomics.notify(words, done);
      }
    for (const word of [${CONTROL.gate}, ${CONTROL.inside}]) Atomics.notify(words, at(word));
    throw error;
  }
})(require("node:worker_threads").workerData)`;

/** Starts a thread that runs the kernels' work(control, index) on the shared memory. It keeps no process alive. */
export function startKernelThread(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  control: number,
  index: number,
  onError: (error: Error) => void,
): KernelThread {
  const worker = new Worker(THREAD, {
    eval: true,
    // Not the process's own: --input-type=module would make the text above a module, which has no require().
    execArgv: [],
    workerData: { module, memory, control, index },
  });
  worker.unref();
  worker.on("error", onError);
  return { terminate: () => void worker.terminate() };
}
