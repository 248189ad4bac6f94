import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { BACKENDS, detectBackend, Engine, type EngineOptions } from "../../src/engine/engine.ts";
import { align, writeCall, writeStruct } from "../../src/engine/memory.ts";
import { expectClose } from "../support/close.ts";
import { gemm } from "../support/reference/matrix.ts";
import { uniform } from "../support/values.ts";

async function engineOf(options: EngineOptions = {}): Promise<Engine> {
  const engine = await Engine.create({ threads: 1, ...options });
  onTestFinished(() => engine.dispose());
  return engine;
}

describe("Engine.create", () => {
  test.each(["wasm", "SIMD", "", null])("refuses the backend %j", async (backend) => {
    const created = Engine.create({ backend: backend as never });
    await expect(created).rejects.toThrow(RangeError);
    await expect(created).rejects.toThrow(
      `backend '${backend}' is unknown: expected auto, scalar, simd, wide, relaxed, relaxed-wide`,
    );
  });

  test.each([0, -1, 1.5, Number.NaN, 257, "2"])("refuses %j threads", async (threads) => {
    const created = Engine.create({ threads: threads as never });
    await expect(created).rejects.toThrow(RangeError);
    await expect(created).rejects.toThrow(`threads is ${threads}, expected a whole number from 1 to 256`);
  });

  test("auto is the fastest reproducible build: simd here, never relaxed", async () => {
    expect(await detectBackend()).toBe("simd");
    expect((await engineOf({ backend: "auto" })).backend).toBe("simd");
    expect((await engineOf()).backend).toBe("simd");
  });

  test.each(BACKENDS)("%s is what was asked for", async (backend) => {
    expect((await engineOf({ backend })).backend).toBe(backend);
  });

  test("by default as many threads as the hardware has, up to 256", async () => {
    const { availableParallelism } = await import("node:os");
    const engine = await Engine.create();
    onTestFinished(() => engine.dispose());
    expect(engine.threads).toBe(Math.min(availableParallelism(), 256));
  });

  test("engines have memories of their own", async () => {
    const [a, b] = [await engineOf(), await engineOf()];
    const pointer = a.allocate(64);
    expect(b.allocate(64)).toBe(pointer);
    a.f32(pointer, 16).fill(1);
    expect([...b.f32(pointer, 16)]).toEqual(new Array(16).fill(0));
  });
});

describe("in a runtime that lacks", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.doUnmock("#platform");
    vi.resetModules();
  });

  /** The engine module anew, as a runtime would see it that accepts these builds only. */
  async function engineWhere(accepted: readonly string[]) {
    vi.resetModules();
    const platform = await vi.importActual<typeof import("#platform")>("#platform");
    const validate = WebAssembly.validate;
    const refused = new Set<BufferSource>();
    vi.doMock("#platform", () => ({
      ...platform,
      loadWasmBytes: async (name: string) => {
        const bytes = await platform.loadWasmBytes(name);
        if (!accepted.includes(name)) refused.add(bytes);
        return bytes;
      },
    }));
    vi.spyOn(WebAssembly, "validate").mockImplementation((bytes) => !refused.has(bytes) && validate(bytes));
    return import("../../src/engine/engine.ts");
  }

  test("SIMD: auto takes the scalar build", async () => {
    const module = await engineWhere(["scalar"]);
    const engine = await module.Engine.create({ threads: 1 });
    expect(engine.backend).toBe("scalar");
    await expect(module.Engine.create({ backend: "simd" })).rejects.toThrow(
      "backend 'simd': this runtime cannot run it (it lacks WebAssembly SIMD); use backend 'auto'",
    );
  });

  test("relaxed SIMD: says so, and goes on with another", async () => {
    const module = await engineWhere(["scalar", "simd"]);
    await expect(module.Engine.create({ backend: "relaxed" })).rejects.toThrow(
      "backend 'relaxed': this runtime cannot run it (it lacks WebAssembly relaxed SIMD); use backend 'auto'",
    );
    expect((await module.Engine.create({ threads: 1 })).backend).toBe("simd");
  });

  test("shared memory threads", async () => {
    const module = await engineWhere([]);
    await expect(module.Engine.create({ backend: "scalar" })).rejects.toThrow("it lacks WebAssembly threads");
  });

  test("4 GiB of address space: asks for less", async () => {
    const { Memory } = WebAssembly;
    const asked: number[] = [];
    /** A runtime with little address space. */
    class SmallMemory extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        asked.push(descriptor.maximum!);
        if (descriptor.maximum! > 16384) throw new RangeError("could not allocate memory");
        super(descriptor);
      }
    }
    WebAssembly.Memory = SmallMemory;
    onTestFinished(() => {
      WebAssembly.Memory = Memory;
    });
    const engine = await engineOf();
    expect(asked).toEqual([32768, 16384]);
    expect(engine.allocate(100)).toBeGreaterThan(0);
  });
});

describe("memory", () => {
  test("tensors start on cache lines, zeroed, with a line between them, and growth keeps them", async () => {
    const engine = await engineOf();
    const sizes = [1, 63, 64, 65, 4096, 300_000, 7];
    const pointers = sizes.map((bytes) => {
      const pointer = engine.allocate(bytes);
      expect(pointer % 64).toBe(0);
      expect(engine.u8(pointer, bytes).every((byte) => byte === 0)).toBe(true);
      engine.u8(pointer, bytes).fill(bytes % 251);
      return pointer;
    });
    for (const [i, pointer] of pointers.entries()) {
      if (i > 0) expect(pointer).toBeGreaterThanOrEqual(pointers[i - 1]! + sizes[i - 1]! + 64);
      expect(engine.u8(pointer, sizes[i]!).every((byte) => byte === sizes[i]! % 251)).toBe(true);
    }
    const end = pointers.at(-1)! + 7 + 64;
    expect(engine.bytes).toBeGreaterThanOrEqual(end);
    expect(engine.bytes).toBeLessThan(end + 2 * 65536);
  });

  test("the arena comes last, grows in place, and ends allocation", async () => {
    const engine = await engineOf();
    const tensor = engine.allocate(100);
    engine.u8(tensor, 100).fill(5);
    const arena = engine.reserveArena(10);
    expect(arena).toBeGreaterThanOrEqual(tensor + 164);
    expect(engine.reserveArena(1_000_000)).toBe(arena);
    expect(engine.bytes).toBeGreaterThanOrEqual(arena + 1_000_064);
    const { bytes } = engine;
    expect(engine.reserveArena(10)).toBe(arena);
    expect(engine.bytes).toBe(bytes);
    expect(engine.u8(tensor, 100).every((byte) => byte === 5)).toBe(true);
    expect(() => engine.allocate(1)).toThrow("allocate() after reserveArena()");
  });

  test("more than 4 GiB is refused in words", async () => {
    const engine = await engineOf();
    expect(() => engine.allocate(5 * 2 ** 30)).toThrow(RangeError);
    expect(() => engine.reserveArena(5 * 2 ** 30)).toThrow(
      /a kernel call takes 5\.0 GiB of memory, more than the 2 GiB that it may have: use a smaller/,
    );
  });
});

describe.each([1, 3])("call() on %i threads", (threads) => {
  test.each(BACKENDS)("runs a kernel, all its tasks, build %s", async (backend) => {
    const engine = await engineOf({ backend, threads });
    const [M, N, K] = [37, 50, 21] as const;
    const [a, b] = [uniform(M * K, 1), uniform(K * N, 2)];
    const pointers = [a, b, new Float32Array(M * N).fill(Number.NaN)].map((values) => {
      const pointer = engine.allocate(4 * values.length);
      engine.f32(pointer, values.length).set(values);
      return pointer;
    });
    const next = { cNext: 0, aNext: 0, bNext: 0 };
    const flags = { bias: 0, transA: 0, transB: 0, beta: 0, relu: 0, ...next };
    const args = { a: pointers[0]!, b: pointers[1]!, c: pointers[2]!, M, N, K, ...flags, rows: 8, cols: 16 };
    engine.call("gemm", args, Math.ceil(M / 8) * Math.ceil(N / 16), 64 * 1024);
    const c = engine.f32(pointers[2]!, M * N);
    expectClose(c, gemm(a, b, [M, N, K]), { atol: 1e-5, rtol: 0, shape: [M, N] });
  });

  test("refuses arguments that are missing or no numbers", async () => {
    const engine = await engineOf({ threads });
    const out = engine.allocate(64);
    const args = { out, n: 16, value: 1, grain: 16 };
    expect(() => engine.call("fill", { out, n: 16, grain: 16 } as never)).toThrow(
      new TypeError("fill: argument 'value' is undefined, expected a number"),
    );
    expect(() => engine.call("fill", { ...args, value: Number.NaN })).toThrow(
      new TypeError("fill: argument 'value' is NaN, expected a number"),
    );
    engine.call("fill", args);
    expect([...engine.f32(out, 16)]).toEqual(new Array(16).fill(1));
  });

  test("run() takes a part of a program", async () => {
    const engine = await engineOf({ threads });
    const out = engine.allocate(4 * 5);
    const records = engine.reserveArena(2048);
    const view = engine.view();
    for (let i = 0; i < 5; i++) {
      writeCall(view, records + 16 * i, "fill", records + 512 + 64 * i, 1);
      writeStruct(view, records + 512 + 64 * i, "fill", { out: out + 4 * i, n: 1, value: i + 1, grain: 1 });
    }
    const program = {
      records,
      calls: 5,
      counters: records + 1024,
      scratch: records + 1536,
      scratchBytes: 64,
    };
    engine.run(program, 1, 3);
    expect([...engine.f32(out, 5)]).toEqual([0, 2, 3, 0, 0]);
    engine.run(program, 4);
    expect([...engine.f32(out, 5)]).toEqual([0, 2, 3, 0, 5]);
    engine.run(program);
    expect([...engine.f32(out, 5)]).toEqual([1, 2, 3, 4, 5]);
    engine.run(program, 2, 2);
  });
});

test("squareRoot is correctly rounded", async () => {
  const engine = await engineOf();
  for (const x of [0, 1, 2, 3, 0.1, 1e-300, 1e300, 122.49999999999999, Number.MIN_VALUE])
    expect(engine.squareRoot(x)).toBe(Math.sqrt(x));
  expect(engine.squareRoot(-1)).toBeNaN();
});

test("align", () => {
  expect([0, 1, 63, 64, 65, 128].map(align)).toEqual([0, 64, 64, 64, 128, 128]);
});
