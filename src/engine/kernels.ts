import { enableBackend, fastestSimd, fetchWasm, hardwareThreads, loadWasmBytes, NEEDS } from "#platform";

/** The builds of the kernels that run everywhere, slowest first. */
export const BACKENDS = ["scalar", "simd", "relaxed"] as const;
/** Those, and what Node 24 has besides: the same kernels on 256-bit lanes, "wide" with the bits of "simd". */
export type Backend = (typeof BACKENDS)[number] | "wide" | "relaxed-wide";
/** What can be asked for in this runtime. */
export const BACKEND_NAMES = ["auto", ...Object.keys(NEEDS)] as readonly (Backend | "auto")[];

/** Kernels of one's own: where they lie, their bytes, or the module compiled from them. A string is a URL; in Node, or a path. */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

export interface KernelOptions {
  /** "auto" (default): the fastest reproducible build, wide or simd where the runtime has it, never relaxed. */
  readonly backend?: Backend | "auto" | undefined;
  /** In place of the package's own file. `backend` says which build it is; "auto" then means simd. */
  readonly wasm?: WasmSource | undefined;
  /** The build called -all, which has the kernels of assembly/further/, too. Default false. */
  readonly all?: boolean | undefined;
}

export interface Kernels {
  readonly backend: Backend;
  readonly module: WebAssembly.Module;
}

/** What an engine calls. */
const EXPORTS = ["heapBase", "squareRoot", "run", "runParallel", "work"];

/** What the builds called -all export beside. */
const ALL = "allKernels";

const modules = new Map<string, Promise<WebAssembly.Module>>();

const nameOf = (backend: Backend, all: boolean) => (all ? `${backend}-all` : backend);

/**
 * The compiled kernels that the options name. Throws RangeError on an unknown build, Error where the runtime cannot run
 * it or `wasm` is none.
 */
export async function loadKernels({
  backend = "auto",
  wasm,
  all = false,
}: KernelOptions = {}): Promise<Kernels> {
  if (!BACKEND_NAMES.includes(backend))
    throw new RangeError(`backend '${backend}' is unknown: expected ${BACKEND_NAMES.join(", ")}`);
  if (wasm !== undefined) {
    const named = backend === "auto" ? "simd" : backend;
    return { backend: named, module: await given(wasm, named, all) };
  }
  const chosen = backend === "auto" ? await detectBackend(all) : backend;
  const name = nameOf(chosen, all);
  let module = modules.get(name);
  if (!module) {
    module = loadWasmBytes(name).then((bytes) => compile(bytes, chosen));
    modules.set(name, module);
    module.catch(() => modules.delete(name));
  }
  return { backend: chosen, module: await module };
}

/** The fastest reproducible build that this runtime can run: wide where Node has it, simd, or else scalar. */
export async function detectBackend(all = false): Promise<Backend> {
  return WebAssembly.validate(await loadWasmBytes(nameOf("simd", all))) ? fastestSimd() : "scalar";
}

/** Compiles a build. Throws where the runtime lacks what it needs. */
async function compile(bytes: BufferSource, backend: Backend): Promise<WebAssembly.Module> {
  enableBackend(backend);
  if (!WebAssembly.validate(bytes))
    throw new Error(
      `backend '${backend}': this runtime cannot run it (it lacks ${NEEDS[backend]}); use backend 'auto'`,
    );
  return WebAssembly.compile(bytes);
}

async function given(wasm: WasmSource, backend: Backend, all: boolean): Promise<WebAssembly.Module> {
  enableBackend(backend);
  const module = wasm instanceof WebAssembly.Module ? wasm : await compileGiven(wasm, backend);
  const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = EXPORTS.filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new Error(
      `the wasm given is no build of these kernels: it does not export ${missing.join(", ")}; give a build/*.wasm of this version`,
    );
  if (all && !names.has(ALL))
    throw new Error(
      `the wasm given lacks kernels that this model needs; give build/${nameOf(backend, all)}.wasm of this version`,
    );
  return module;
}

async function compileGiven(
  wasm: string | URL | BufferSource,
  backend: Backend,
): Promise<WebAssembly.Module> {
  const bytes = await wasmBytes(wasm);
  const [a, b, c, d] = new Uint8Array(
    bytes instanceof ArrayBuffer ? bytes : (bytes as ArrayBufferView<ArrayBuffer>).buffer,
    bytes instanceof ArrayBuffer ? 0 : (bytes as ArrayBufferView).byteOffset,
    Math.min(4, bytes.byteLength),
  );
  // A server's page for what it does not have is the usual mistake.
  if (a !== 0 || b !== 0x61 || c !== 0x73 || d !== 0x6d)
    throw new Error(
      `the wasm given${typeof wasm === "string" || wasm instanceof URL ? ` (${wasm})` : ""} is no WebAssembly: its ${bytes.byteLength} bytes do not start with \\0asm`,
    );
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw new Error(
      `the wasm given as backend '${backend}' cannot be compiled: ${(error as Error).message}. It is damaged, or this runtime lacks ${NEEDS[backend]}`,
      { cause: error },
    );
  }
}

/** Bytes of a wasm file that is given as bytes or by its place. */
export async function wasmBytes(wasm: string | URL | BufferSource): Promise<BufferSource> {
  return typeof wasm === "string" || wasm instanceof URL ? fetchWasm(wasm) : wasm;
}

/** Most threads an engine accepts: far more than pays anywhere. */
export const MAX_THREADS = 256;

/** Threads that the options ask for. Throws RangeError on a bad number. */
export function requestedThreads(threads = Math.min(hardwareThreads(), MAX_THREADS)): number {
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > MAX_THREADS)
    throw new RangeError(`threads is ${threads}, expected a whole number from 1 to ${MAX_THREADS}`);
  return threads;
}
