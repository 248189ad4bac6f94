// Whether this process can have 256-bit lanes: V8 makes one instruction of two of 128 bits that stand side by side, behind a flag.
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

/** Turns it off where it is 0. */
const WIDE_ENV = "WASMGRAD_WIDE";

/** Why this process cannot have 256-bit lanes, or undefined. */
export function wideProblem(): string | undefined {
  if (process.env[WIDE_ENV] === "0") return `${WIDE_ENV}=0 turns 256-bit lanes off`;
  const { node, v8, bun, deno } = process.versions as NodeJS.ProcessVersions & {
    bun?: string;
    deno?: string;
  };
  const runtime = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : `Node ${node}`;
  // Others have no such flag, or what comes of it was not looked at.
  if (bun || deno || !node.startsWith("24.") || !v8.startsWith("13.6."))
    return `256-bit lanes are for Node 24 with V8 13.6, and this is ${runtime} with V8 ${v8}`;
  if (process.arch !== "x64") return `256-bit lanes are for x64 processors, and this is ${process.arch}`;
  return hasAvx2() ? undefined : "the processor lacks AVX2, which 256-bit lanes need";
}

/** Only Linux tells; elsewhere all processors of the last ten years but the smallest have it. */
function hasAvx2(): boolean {
  try {
    const [flags] = /^flags\s*:.*$/m.exec(readFileSync("/proc/cpuinfo", "utf8")) ?? [];
    return flags === undefined || /\bavx2\b/.test(flags);
  } catch {
    return true;
  }
}

/** Sets V8's flag, which counts for what is compiled from then on, in all threads of the process. Throws where it cannot be had. */
export function enableWide(backend: string): void {
  const problem = wideProblem();
  if (problem) throw new Error(`backend '${backend}': ${problem}; use backend 'auto'`);
  setFlagsFromString(FLAG);
}

const FLAG = "--experimental-wasm-revectorize";
let choice: Promise<string | undefined> | undefined;
/** What was tested stays here, as V8 keeps what it has compiled of a build for who compiles the same bytes. */
let tested: WebAssembly.Module | undefined;

/** Whether "auto" may have 256-bit lanes: where the process can have them, and they give simd's bits. Sets V8's flag then. */
export async function chooseWide(load: (name: string) => Promise<BufferSource>): Promise<boolean> {
  choice ??= Promise.resolve(wideProblem() ?? addressProblem() ?? testWide(load));
  return (await choice) === undefined;
}

/** The memory that a test takes, and gives back later, is not to be missing where the system counts a process's addresses. */
function addressProblem(): string | undefined {
  try {
    if (!/^Max address space +\d/m.test(readFileSync("/proc/self/limits", "utf8"))) return undefined;
  } catch {
    return undefined;
  }
  return "256-bit lanes are not tested where the system limits a process's addresses (ulimit -v)";
}

/** Why "auto" took no 256-bit lanes, or that it took them; undefined where nobody has asked for "auto". */
export async function wideChoice(): Promise<string | undefined> {
  if (!choice) return undefined;
  return (await choice) ?? "256-bit lanes: this processor and V8 have them, and they give the bits of simd";
}

/** Why 256-bit lanes did not pass, or undefined. All in one go, so that nobody else's code is compiled with these flags. */
async function testWide(load: (name: string) => Promise<BufferSource>): Promise<string | undefined> {
  try {
    const [{ selfTestBytes, selfTestMemory }, simd, wide] = await Promise.all([
      import("../self-test.ts"),
      load("simd"),
      load("wide"),
    ]);
    const memory = selfTestMemory();
    const expected = selfTestBytes(new WebAssembly.Module(simd), memory);
    setFlagsFromString(FLAG);
    // The optimising compiler's code at once, as it is that which has 256-bit lanes.
    setFlagsFromString("--no-liftoff");
    try {
      tested = new WebAssembly.Module(wide);
      const found = selfTestBytes(tested, memory);
      if (Buffer.compare(found, expected) === 0) return undefined;
      return withoutFlag("256-bit lanes gave other bits than simd in a test");
    } finally {
      setFlagsFromString("--liftoff");
    }
  } catch (error) {
    return withoutFlag(`256-bit lanes could not be tested: ${(error as Error).message}`);
  }
}

function withoutFlag(problem: string): string {
  tested = undefined;
  setFlagsFromString(FLAG.replace("--", "--no-"));
  return problem;
}
