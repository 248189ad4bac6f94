// What is alike on a page and in the bundled worker script: browser.ts and worker.ts add what differs.

/** Bytes of a wasm file at a URL; relative ones start at the page's, or the worker's, own. */
export async function fetchWasm(source: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(source);
  } catch (error) {
    throw new Error(`the wasm given (${source}) cannot be fetched: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!response.ok) throw new Error(`the wasm given (${source}) cannot be fetched: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The builds by name, with what each asks of the runtime. */
export const NEEDS: Readonly<Record<string, string>> = {
  scalar: "WebAssembly threads",
  simd: "WebAssembly SIMD",
  relaxed: "WebAssembly relaxed SIMD",
};

/** The fastest build with the bits of simd. */
export const fastestSimd = (): "simd" | "wide" => "simd";

/** Browsers have what a build needs or not: there is no flag to set. */
export function enableBackend(_backend: string): void {}

export function hardwareThreads(): number {
  return navigator.hardwareConcurrency || 1;
}

/** A channel's messages are neither clamped to 4 ms as nested timers are, nor throttled in a hidden tab. */
let channel: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/** Lets pending events and timers run. */
export function yieldToEventLoop(): Promise<void> {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    waiting.push(resolve);
    port2.postMessage(undefined);
  });
}

/** A page's own thread may not wait for others: threads compute in workers. */
export function threadsAvailable(): boolean {
  return sharesMemory() && typeof document === "undefined" && typeof Worker === "function";
}

let shares: boolean | undefined;

/**
 * Whether memory can be handed to another thread. Browsers allow it on cross-origin isolated pages, but not all do:
 * WebKitGTK has such pages and yet no SharedArrayBuffer, and its shared WebAssembly.Memory cannot be posted.
 */
export function sharesMemory(): boolean {
  shares ??= typeof SharedArrayBuffer === "function" && canPost();
  return shares;
}

function canPost(): boolean {
  const { port1 } = new MessageChannel();
  try {
    port1.postMessage(new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }));
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
  }
}

/** What to do where the system refuses the addresses of a WebAssembly memory. */
export const ADDRESS_ADVICE = "close other tabs, or allow less with maxMemory";

/** A browser that cannot start a thread says so, and goes on. */
export function threadProblem(_threads: number): readonly [problem: string, advice: string] | undefined {
  return undefined;
}

/** Whether the page, or the page that started this worker, is cross-origin isolated. */
export function isIsolated(): boolean {
  return globalThis.crossOriginIsolated === true;
}

/**
 * Parts of a worker's script. training and data: what it does. Before training stand further, for models with ops of
 * FURTHER_KINDS, extra, for what files called extra.ts do, and frozen, for models with frozen layers.
 */
export type WorkerPart = "further" | "extra" | "frozen" | "training" | "data";

export interface KernelThread {
  terminate(): void;
}

/** First message to the worker script: it becomes a kernel thread. */
export interface ThreadTask {
  readonly role: "thread";
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly index: number;
}

/** What a kernel thread says before it starts to work. */
export interface ThreadAlive {
  /** The lock that it holds for as long as it lives; "" where there are no locks. */
  readonly lock: string;
}

/** Starts a worker that becomes a kernel thread. */
export function startThreadWorker(
  url: string | URL,
  task: ThreadTask,
  onError: (error: Error) => void,
): Worker {
  const worker = new Worker(url, { name: `wasmgrad thread ${task.index}` });
  worker.onerror = (event) => {
    event.preventDefault();
    onError(new Error(event.message || `the worker script ${url} cannot be loaded`));
  };
  worker.postMessage(task);
  return worker;
}

type ThreadStarter = (task: ThreadTask, onError: (error: Error) => void) => KernelThread;
let starter: ThreadStarter | undefined;

/** Names who starts the kernel threads of the engines in this worker. */
export function startThreadsBy(other: ThreadStarter): void {
  starter = other;
}

export function threadStarter(): ThreadStarter {
  if (!starter) throw new Error("nobody starts kernel threads in this worker");
  return starter;
}
