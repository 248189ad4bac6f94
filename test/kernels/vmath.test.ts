import { instantiate } from "@assemblyscript/loader";
import asc from "assemblyscript/asc";
import { beforeAll, describe, expect, test } from "vitest";
import { expectSame } from "../support/close.ts";
import { f32FromBits, ulpError } from "../support/ulp.ts";

// assembly/vmath.ts is not exported to the host: a small module of its own applies its functions to arrays.

const FUNCTIONS = ["vexp", "vexpm1", "vtanh", "vsigmoid", "vlog", "vlog1p"] as const;
const BATCH = 4096;
/** Where the values lie, beyond the static data. */
const AT = 16384;
const source = `
import { ${FUNCTIONS.join(", ")} } from "./assembly/vmath";
import { lanes, vload, vstore } from "./assembly/simd";
${FUNCTIONS.map(
  (f) => `
function ${f}Of<V>(): void {
  for (let i: usize = 0; i < ${BATCH}; i += lanes<V>()) vstore<V>(${AT} + (i << 2), ${f}<V>(vload<V>(${AT} + (i << 2))));
}
export function ${f}All(): void { if (ASC_FEATURE_SIMD) ${f}Of<v128>(); else ${f}Of<f32>(); }`,
).join("\n")}
`;

type Module = { readonly memory: WebAssembly.Memory; readonly [name: string]: unknown } & {
  readonly [F in `${(typeof FUNCTIONS)[number]}All`]: () => void;
};

async function compile(simd: boolean): Promise<Module> {
  const options = `--runtime stub -O3 --noAssert --use abort= --use PAIRS=0 --initialMemory 1 ${simd ? "--enable simd" : ""}`;
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["entry.ts", "--config", "none", "--outFile", "out.wasm", ...options.trim().split(" ")],
    {
      ...(await readers()),
      writeFile: (_: string, contents: Uint8Array | string) => {
        wasm = contents as Uint8Array;
      },
    },
  );
  if (error) throw new Error(String(stderr));
  const { exports } = await instantiate<Module>(Uint8Array.from(wasm!));
  return exports;
}

async function readers() {
  const { readFile } = await import("node:fs/promises");
  return {
    readFile: (name: string) => (name === "entry.ts" ? source : readFile(name, "utf8").catch(() => null)),
  };
}

function apply(module: Module, f: (typeof FUNCTIONS)[number], x: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  const memory = new Float32Array(module.memory.buffer, AT, BATCH);
  for (let i = 0; i < x.length; i += BATCH) {
    const part = x.subarray(i, i + BATCH);
    memory.fill(0).set(part);
    module[`${f}All`]();
    out.set(memory.subarray(0, part.length), i);
  }
  return out;
}

/** f32 from low to high, every `stride`-th bit pattern, with both ends. */
function sweep(low: number, high: number, stride: number): Float32Array {
  const order = (x: number) => {
    const i = new Int32Array(Float32Array.of(x).buffer)[0]!;
    return i < 0 ? -(i & 0x7fffffff) : i;
  };
  const values: number[] = [low, high];
  for (let i = order(low); i < order(high); i += stride)
    values.push(f32FromBits(i < 0 ? -i | 0x80000000 : i));
  return Float32Array.from(values);
}

const expectUlps = (x: Float32Array, y: Float32Array, reference: (x: number) => number, bound: number) => {
  let worst = 0;
  let at = 0;
  for (const [i, v] of x.entries()) {
    const error = ulpError(y[i]!, reference(v));
    if (error > worst) [worst, at] = [error, v];
  }
  expect(worst, `worst error at x = ${at}`).toBeLessThan(bound);
};

describe("vmath", () => {
  let builds: { scalar: Module; simd: Module };
  beforeAll(async () => {
    builds = { scalar: await compile(false), simd: await compile(true) };
  });
  const stride = Number(process.env.WASMGRAD_VMATH_STRIDE ?? 60013);

  test.each([
    ["vexp", -87.2, 88.2, Math.exp, 1],
    ["vexpm1", -100, 88, Math.expm1, 1.6],
    ["vtanh", -20, 20, Math.tanh, 2.6],
    ["vsigmoid", -87, 100, (x: number) => 1 / (1 + Math.exp(-x)), 2.6],
    ["vlog1p", 0, 1, Math.log1p, 2.5],
    ["vlog1p", 1, 1e30, Math.log1p, 2.5],
    ["vlog", 2 ** -126, 3.4028234663852886e38, Math.log, 0.9],
  ] as const)("%s on [%f, %f]", (f, low, high, reference, bound) => {
    const x = sweep(low, high, stride);
    const y = apply(builds.simd, f, x);
    expectUlps(x, y, reference, bound);
    expectSame(y, apply(builds.scalar, f, x));
  });

  test("special values", () => {
    for (const module of [builds.scalar, builds.simd]) {
      const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
      const on = (f: (typeof FUNCTIONS)[number], ...x: number[]) => [
        ...apply(module, f, Float32Array.from(x)),
      ];
      expect(on("vexp", nan, infinity, -infinity, 0, 1000, -1000)).toEqual([
        nan,
        infinity,
        0,
        1,
        infinity,
        0,
      ]);
      expect(on("vexpm1", nan, -infinity, 0, -1000)).toEqual([nan, -1, 0, -1]);
      expect(on("vtanh", nan, infinity, -infinity, 0, -0)).toEqual([nan, 1, -1, 0, -0]);
      expect(on("vsigmoid", nan, infinity, -infinity, 0)).toEqual([nan, 1, 0, 0.5]);
      expect(on("vlog", nan, 1)).toEqual([nan, 0]);
      expect(on("vlog1p", nan, 0, 1e-30)).toEqual([nan, 0, Math.fround(1e-30)]);
    }
  });
});
