import { describe, expect, onTestFinished, test, vi } from "vitest";
import { leastBytes } from "../../src/compiler/footprint.ts";
import { fuse } from "../../src/compiler/fuse.ts";
import { MAX_WINDOW } from "../../src/compiler/limits.ts";
import { withAddresses } from "../../src/engine/addresses.ts";
import { Engine } from "../../src/engine/engine.ts";
import { writeStruct } from "../../src/engine/memory.ts";
import { MemoryError } from "../../src/engine/memory-error.ts";
import { DEFAULT_FILE_MEMORY, DEFAULT_MAX_MEMORY, MOST_MEMORY } from "../../src/engine/memory-sizes.ts";
import { formatBytes } from "../../src/engine/words.ts";
import { buildChain } from "../../src/model/build.ts";
import {
  averagePooling2d,
  conv2d,
  dense,
  flatten,
  globalAveragePooling2d,
  maxPooling2d,
} from "../../src/model/layers/index.ts";
import { MODELS } from "../../src/model/models.ts";
import { encodeSafetensors, loadModel, type NamedTensor, sequential } from "../../src/node.ts";
import { createModel } from "../../src/train/named.ts";
import { modelOf, sessionOf } from "../support/sessions.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

async function engineOf(maxMemory?: number): Promise<Engine> {
  const engine = await Engine.create({ threads: 1, maxMemory });
  onTestFinished(() => engine.dispose());
  return engine;
}

/** The largest size of each memory that is asked for from now on; those above `most` are refused, as by a system. */
function watchMemory(most = MOST_MEMORY): number[] {
  const Original = WebAssembly.Memory;
  const asked: number[] = [];
  WebAssembly.Memory = class extends Original {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      const bytes = descriptor.maximum! * 65536;
      asked.push(bytes);
      if (bytes > most) throw new RangeError("could not allocate memory");
      super(descriptor);
    }
  };
  onTestFinished(() => {
    WebAssembly.Memory = Original;
  });
  return asked;
}

describe("an engine", () => {
  test("reserves no more than it may have, and refuses more before it grows", async () => {
    const asked = watchMemory();
    const engine = await engineOf(4 * MIB);
    expect(asked).toEqual([4 * MIB]);
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    onTestFinished(() => grow.mockRestore());
    const before = engine.bytes;
    expect(() => engine.allocate(5 * MIB)).toThrow(MemoryError);
    expect(() => engine.allocate(5 * MIB)).toThrow(
      /the model takes 5\.\d MiB of memory, more than the 4 MiB that it may have: use a smaller batch or model, or allow more: compile\(\{ maxMemory: 0\.25 \* 2 \*\* 30 \}\)/,
    );
    expect(() => engine.reserveArena(1e300, "a step of batch size 7")).toThrow(
      "a step of batch size 7 takes 1.0e+300 bytes of memory, more than the 4 MiB that it may have: use a smaller batch or model; WebAssembly reaches no more than 4 GiB",
    );
    expect(grow).not.toHaveBeenCalled();
    expect(engine.bytes).toBe(before);
    // What was refused was not counted.
    expect(engine.reserveArena(3 * MIB)).toBeLessThan(MIB);
  });

  test("has 2 GiB unless told, and 4 at most", async () => {
    const asked = watchMemory();
    await engineOf();
    expect(asked).toEqual([DEFAULT_MAX_MEMORY]);
    for (const most of [MOST_MEMORY, 2 * MOST_MEMORY]) {
      asked.length = 0;
      const engine = await engineOf(most);
      // What it is refused by a system of little memory it asks for again, in halves.
      expect(asked[0]).toBe(MOST_MEMORY);
      expect(() => engine.allocate(MOST_MEMORY + 1)).toThrow(
        /, more than the 4 GiB that it may have: .*reaches no more than 4 GiB/,
      );
    }
  });

  test("says how much is wanted, allowed and to be had where the system gives fewer addresses, or no memory", async () => {
    watchMemory(512 * MIB);
    const engine = await engineOf();
    expect(() => engine.allocate(600 * MIB)).toThrow(MemoryError);
    expect(() => engine.allocate(600 * MIB)).toThrow(
      /^the model takes 600\.\d MiB of memory and may have 2 GiB, but the system gives addresses for 512 MiB only: use a smaller batch or model, or get more addresses: .*ulimit -v/,
    );
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
      throw new RangeError("WebAssembly.Memory.grow(): Unable to grow instance memory");
    });
    onTestFinished(() => grow.mockRestore());
    const error = (() => {
      try {
        return engine.allocate(5 * MIB);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(MemoryError);
    expect((error as Error).message).toMatch(
      /^the model takes 5\.\d MiB of memory and may have 2 GiB, but the system gives no more than \d+(\.\d)? [KM]iB: use a smaller batch or model, or end other programs that take memory$/,
    );
  });

  test("takes a limit between two pages for the lower one", async () => {
    const engine = await engineOf(4 * MIB + 65535);
    expect(() => engine.reserveArena(4 * MIB + 100 - engine.allocate(0))).toThrow(
      /more than the 4 MiB that it may have/,
    );
  });

  test("tells a module that wants another memory from a system that has none", async () => {
    const link = new WebAssembly.LinkError("memory import has 1 pages which is smaller than the declared 2");
    await expect(withAddresses(() => Promise.reject(link))).rejects.toBe(link);
    const refused = new RangeError("WebAssembly.Memory(): could not allocate memory");
    await expect(withAddresses(() => Promise.reject(refused))).rejects.toThrow(
      /^the system refuses a WebAssembly memory its addresses: /,
    );
  });

  test("asks for less where the system refuses addresses, and says what to do where it refuses all", async () => {
    const asked = watchMemory(512 * MIB);
    await engineOf();
    expect(asked).toEqual([2048, 1024, 512].map((mib) => mib * MIB));
    watchMemory(0);
    const error = await Engine.create({ threads: 1 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MemoryError);
    expect((error as Error).message).toMatch(/refuses .* its addresses: .*ulimit -v.*--disable-wasm-trap/);
  });
});

test("an argument that does not fit its 32 bits is never cut off", () => {
  const view = new DataView(new ArrayBuffer(256));
  const args = { y: 64, x: 64, n: 1, grain: 1 };
  writeStruct(view, 0, "addInto", args);
  for (const n of [2 ** 32, -(2 ** 31) - 1, 1.5, 1e300, Number.POSITIVE_INFINITY])
    expect(() => writeStruct(view, 0, "addInto", { ...args, n })).toThrow(
      `addInto: argument 'n' is ${n}, expected a whole number of 32 bits`,
    );
  expect(view.getInt32(8, true)).toBe(1);
});

const end = [flatten(), dense({ units: 3, activation: "softmax" as const })];

describe("the least memory of a model", () => {
  test("is what its parameters and its largest op take", () => {
    const pool = [maxPooling2d(), globalAveragePooling2d(), dense({ units: 2 })];
    const { graph } = buildChain([
      conv2d({ filters: 8, kernelSize: 3, padding: "same", inputShape: [10, 20, 3] }),
      ...pool,
    ]);
    const parameters = 3 * 3 * 3 * 8 + 8 + 8 * 2 + 2;
    expect(leastBytes(graph, 5)).toBe(4 * (parameters + 5 * (10 * 20 * 3 + 10 * 20 * 8)));
    // Fused, the convolution's own output is nowhere.
    expect(leastBytes(fuse(graph), 5)).toBe(4 * (parameters + 5 * (10 * 20 * 3 + 5 * 10 * 8)));
  });

  test.each(Object.keys(MODELS))("is never more than %s takes", async (name) => {
    const session = await sessionOf(createModel(name, [28, 28, 1], 10));
    for (const mode of ["train", "predict"] as const) {
      const { plan } = session.plan({ batch: 32, mode, inputs: ["bytes"], targets: ["labels"] });
      const used = 4 * session.length + plan.arenaBytes;
      expect(leastBytes(session.graph, 32)).toBeLessThan(used);
    }
  });
});

test("a limit is a number of bytes", async () => {
  const model = sequential([dense({ units: 2, inputShape: [2] })]);
  for (const bad of [0, 1e5, 2.5 * MIB + 0.5, MOST_MEMORY + 1, Number.NaN, -1, "2GB" as unknown as number]) {
    const text =
      /maxMemory is .*, expected a whole number from 1048576 to 4,294,967,296\. Write: .*maxMemory: 2147483648/;
    await expect(model.compile({ maxMemory: bad })).rejects.toThrow(text);
    await expect(loadModel(new Uint8Array(8), { maxMemory: bad })).rejects.toThrow(text);
  }
});

describe("a model that is too large", () => {
  test("is refused by compile before an engine is made", async () => {
    const create = vi.spyOn(Engine, "create");
    onTestFinished(() => create.mockRestore());
    for (const side of [1e5, 1e8, 1e15, Number.MAX_SAFE_INTEGER])
      for (const layers of [
        [globalAveragePooling2d({ inputShape: [side, side, 1] }), dense({ units: 2, activation: "softmax" })],
        [conv2d({ filters: side, kernelSize: 1, inputShape: [8, 8, side] }), ...end],
        [flatten({ inputShape: [2, side, side] }), dense({ units: 2, activation: "softmax" })],
        [dense({ units: side, inputShape: [side] }), dense({ units: 2, activation: "softmax" })],
      ] as const) {
        const error = await sequential(layers)
          .compile({ threads: 1 })
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(MemoryError);
        expect((error as Error).message).toMatch(
          /the model, for one image, takes \S+ (GiB|TiB|bytes) of memory/,
        );
      }
    expect(create).not.toHaveBeenCalled();
  });

  test("is refused at the batch that is too large, with the line to write, and goes on with a smaller one", async () => {
    const model = await modelOf([conv2d({ filters: 8, kernelSize: 3, inputShape: [64, 64, 1] }), ...end], {
      maxMemory: 16 * MIB,
    });
    const samples = (count: number) => ({
      images: new Uint8Array(count * 4096),
      labels: new Uint8Array(count),
      count,
      shape: [64, 64, 1],
    });
    await expect(model.fit(samples(200), { batchSize: 200 })).rejects.toThrow(
      /a training step of batch size 200 takes \d+\.\d MiB of memory, more than the 16 MiB that it may have: .* compile\(\{ maxMemory: 0\.25 \* 2 \*\* 30 \}\)/,
    );
    // Answers are computed of as many images at once as caches hold: these have room.
    const all = await model.predict(samples(200), { batchSize: 200 });
    expect(all).toEqual(await model.predict(samples(200), { batchSize: 4 }));
    expect(all).toHaveLength(600);
    expect((await model.fit(samples(4), { batchSize: 4 })).history.loss).toHaveLength(1);
  });

  test("is refused in a file of a few hundred bytes, unless that much is allowed", async () => {
    const file = (side: number) => {
      const layers = [
        { type: "globalAveragePooling2d", inputShape: [side, side, 1] },
        { type: "dense", units: 2, activation: "softmax" },
      ];
      const tensors: NamedTensor[] = [
        { name: "dense/kernel", shape: [1, 2], data: new Float32Array(2) },
        { name: "dense/bias", shape: [2], data: new Float32Array(2) },
      ];
      return encodeSafetensors(tensors, {
        format: "wasmgrad",
        formatVersion: "1",
        architecture: JSON.stringify({ layers }),
      });
    };
    await expect(loadModel(file(1e8))).rejects.toThrow(
      "the model, for one image, takes 4.0e+16 bytes of memory, more than the 1 GiB that it may have: use a smaller batch or model; WebAssembly reaches no more than 4 GiB",
    );
    await expect(loadModel(file(1e15))).rejects.toThrow(MemoryError);
    const side = Math.sqrt(DEFAULT_FILE_MEMORY / 4);
    await expect(loadModel(file(side))).rejects.toThrow(
      "allow more: loadModel(file, { maxMemory: 1.25 * 2 ** 30 })",
    );
    expect((await loadModel(file(side), { maxMemory: 1.25 * GIB })).model.inputShape[0]).toBe(side);
    expect((await loadModel(file(side / 2))).tensors).toHaveLength(2);
  });
});

test("windows, strides and dilations beyond 32 bits make no model; the largest ones run", async () => {
  const shaped = { inputShape: [6, 6, 1], padding: "same" } as const;
  for (const layer of [
    maxPooling2d({ ...shaped, poolSize: MAX_WINDOW + 1 }),
    averagePooling2d({ ...shaped, strides: [1, 2 ** 32] }),
    conv2d({ ...shaped, filters: 1, kernelSize: 1, dilationRate: 2 ** 40 }),
  ])
    expect(() => sequential([layer, ...end])).toThrow(/expected at most 1048576/);
  for (const layer of [
    maxPooling2d({ ...shaped, poolSize: MAX_WINDOW, strides: MAX_WINDOW }),
    averagePooling2d({ ...shaped, poolSize: MAX_WINDOW, strides: 1 }),
    conv2d({ ...shaped, filters: 1, kernelSize: 1, dilationRate: MAX_WINDOW, strides: MAX_WINDOW }),
  ]) {
    const model = await modelOf([layer, ...end]);
    const outputs = await model.predict(Float32Array.from({ length: 36 }, (_, i) => i));
    expect(outputs.every(Number.isFinite)).toBe(true);
  }
});

test("sizes are told in units, and what is no size in powers of ten", () => {
  expect([0, 1, 1023, 1024, 1536, 4 * GIB, 1.25 * GIB, 2 ** 50, 1e45].map(formatBytes)).toEqual([
    "0 bytes",
    "1 bytes",
    "1023 bytes",
    "1 KiB",
    "1.5 KiB",
    "4 GiB",
    "1.3 GiB",
    "1.1e+15 bytes",
    "1.0e+45 bytes",
  ]);
});
