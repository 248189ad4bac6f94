import { once } from "node:events";
import type { Worker } from "node:worker_threads";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { BACKENDS, Engine } from "../../src/engine/engine.ts";
import { writeCall, writeStruct } from "../../src/engine/memory.ts";
import { conv2d, dense, dropout, flatten, maxPooling2d } from "../../src/model/layers/index.ts";
import { adam } from "../../src/optim/index.ts";
import { expectSame } from "../support/close.ts";
import { halves } from "../support/samples.ts";
import { modelOf } from "../support/sessions.ts";

/** Every worker that a test starts, and its exit code once it ended. */
const workers: Worker[] = [];
const ends: Promise<number>[] = [];
vi.mock("node:worker_threads", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:worker_threads")>();
  class Recorded extends original.Worker {
    constructor(...args: ConstructorParameters<typeof original.Worker>) {
      super(...args);
      workers.push(this);
      ends.push(new Promise((resolve) => this.once("exit", resolve)));
    }
  }
  return { ...original, Worker: Recorded };
});
beforeEach(() => {
  workers.length = 0;
  ends.length = 0;
});

async function engineOf(threads: number): Promise<Engine> {
  const engine = await Engine.create({ threads });
  onTestFinished(() => engine.dispose());
  return engine;
}

const cnn = () => [
  conv2d({ filters: 9, kernelSize: 3, padding: "same", activation: "relu", inputShape: [6, 6, 1] }),
  maxPooling2d(),
  conv2d({ filters: 17, kernelSize: 2, activation: "tanh" }),
  flatten(),
  dropout({ rate: 0.25 }),
  dense({ units: 40, activation: "relu" }),
  dense({ units: 2, activation: "softmax" }),
];

describe.each(BACKENDS)("any number of threads gives the same bits, build %s", (backend) => {
  test("weights, outputs and loss", async () => {
    const samples = halves(40, 1);
    const run = async (threads: number) => {
      const model = await modelOf(cnn(), { backend, threads, optimizer: adam({ globalClipNorm: 0.5 }) });
      const { history } = await model.fit(samples, { epochs: 2, batchSize: 16, validationSplit: 0.2 });
      return {
        hash: await model.weightsSha256(),
        history,
        outputs: await model.predict(samples),
      };
    };
    const reference = await run(1);
    // More than the hardware has, too.
    for (const threads of [2, 3, 8, 16]) {
      const { hash, history, outputs } = await run(threads);
      expect(hash, `${threads} threads`).toBe(reference.hash);
      expect(history).toEqual(reference.history);
      expectSame(outputs, reference.outputs);
    }
  });
});

test("many small programs, one after another and with pauses", async () => {
  const engine = await engineOf(4);
  const n = 64;
  const out = engine.allocate(4 * n);
  for (let i = 1; i <= 1500; i++) {
    engine.call("fill", { out, n, value: i, grain: 4 }, n / 4);
    if (!engine.f32(out, n).every((v) => v === i)) throw new Error(`run ${i}: a task was not done, or late`);
    // Long enough for the workers to fall asleep.
    if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

test("memory that grows while threads start is there for them, too", async () => {
  for (let i = 0; i < 6; i++) {
    const engine = await engineOf(4);
    const n = 16384;
    // Threads take some 30 ms to start: all the while memory grows, and tasks at its very end wait for them.
    let value = 0;
    for (const end = performance.now() + 80; performance.now() < end; ) {
      engine.memory.grow(1);
      const out = engine.bytes - 4 * n;
      engine.call("fill", { out, n, value: ++value, grain: 256 }, n / 256);
      if (!engine.f32(out, n).every((v) => v === value)) throw new Error(`run ${value} failed`);
    }
    engine.dispose();
  }
});

test("engines side by side do not disturb each other", async () => {
  const samples = halves(40, 1);
  const alone = await modelOf(cnn(), { threads: 2 });
  await alone.fit(samples, { epochs: 2 });
  const pair = await Promise.all([modelOf(cnn(), { threads: 2 }), modelOf(cnn(), { threads: 3 })]);
  await Promise.all(pair.map((model) => model.fit(samples, { epochs: 2 })));
  for (const model of pair) expect(await model.weightsSha256()).toBe(await alone.weightsSha256());
});

describe("the life of threads", () => {
  test("one thread starts no worker, four start three", async () => {
    await engineOf(1);
    expect(workers).toHaveLength(0);
    const engine = await engineOf(4);
    expect(engine.threads).toBe(4);
    expect(workers).toHaveLength(3);
  });

  test("dispose() ends them: before they began, idle, and after work; twice is once", async () => {
    const young = await Engine.create({ threads: 3 });
    young.dispose();
    const idle = await Engine.create({ threads: 3 });
    await Promise.all(workers.slice(2).map((worker) => once(worker, "online")));
    await new Promise((resolve) => setTimeout(resolve, 20));
    idle.dispose();
    const worked = await Engine.create({ threads: 3 });
    const out = worked.allocate(4096);
    worked.call("fill", { out, n: 1024, value: 1, grain: 16 }, 64);
    worked.dispose();
    worked.dispose();
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("compiling again and dispose() of a model end the threads before", async () => {
    const model = await modelOf(cnn(), { threads: 3 });
    await model.compile({ threads: 2 });
    await Promise.all(ends.slice(0, 2));
    expect(workers).toHaveLength(3);
    model.dispose();
    await ends[2];
    model.dispose();
    await expect(model.fit(halves(4, 1))).rejects.toThrow("the model is not compiled");
  });

  test("a model that cannot be compiled leaves no thread behind", async () => {
    // Room for the weights, and not for their gradients.
    const failed = modelOf([dense({ units: 600, inputShape: [600] })], {
      threads: 3,
      loss: "meanSquaredError",
      maxMemory: 2 * 2 ** 20,
    });
    await expect(failed).rejects.toThrow("more than the 2 MiB that it may have");
    expect(workers).toHaveLength(2);
    await Promise.all(ends);
  });
});

describe("a thread that fails gives an error, and soon", () => {
  const SOON = 5000;

  /** Runs a program that must fail, twice; the second run must not even begin. */
  function expectFailure(engine: Engine, run: () => void): void {
    for (let i = 0; i < 2; i++) {
      const began = performance.now();
      expect(run).toThrow("a kernel thread failed");
      expect(performance.now() - began).toBeLessThan(SOON);
    }
    const out = engine.u8(engine.reserveArena(0), 64);
    expect(() => engine.call("fill", { out: out.byteOffset, n: 1, value: 1, grain: 1 })).toThrow(
      "a kernel thread failed",
    );
  }

  /** One call of `tasks` tasks with this kernel number and arguments. */
  function programOf(
    engine: Engine,
    id: number | undefined,
    args: { out: number; n: number; grain: number },
    tasks: number,
  ) {
    const records = engine.reserveArena(1024);
    const view = engine.view();
    writeCall(view, records, "fill", records + 256, tasks);
    writeStruct(view, records + 256, "fill", { ...args, value: 1 });
    if (id !== undefined) view.setInt32(records, id, true);
    const program = { records, calls: 1, counters: records + 128, scratch: records + 512, scratchBytes: 64 };
    return () => engine.run(program);
  }

  test.each([2, 4])("a kernel number that does not exist, %i threads", async (threads) => {
    const engine = await engineOf(threads);
    await Promise.all(workers.map((worker) => once(worker, "online")));
    expectFailure(engine, programOf(engine, 9999, { out: 64, n: 64, grain: 1 }, 64));
    await Promise.all(ends);
  });

  // Task 0 stays in memory; task 1 works for long, in pages not touched before, and ends beyond the end. Mostly the worker
  // gets it, while this thread is done and waits.
  test.each([1, 2, 3])("an address outside of memory, in a worker's task (%i)", async () => {
    const engine = await engineOf(2);
    await once(workers[0]!, "online");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const grain = 1 << 21;
    const out = engine.allocate(4 * grain);
    engine.f32(out, grain).fill(0);
    const run = programOf(engine, undefined, { out, n: 2 * grain, grain }, 2);
    engine.memory.grow(Math.floor((out + 8 * grain - engine.bytes) / 65536));
    expect(engine.bytes).toBeLessThan(out + 8 * grain);
    expectFailure(engine, run);
    await Promise.all(ends);
  });

  test("an error that the runtime reports", async () => {
    const engine = await engineOf(2);
    await once(workers[0]!, "online");
    workers[0]!.emit("error", new Error("out of memory"));
    const out = engine.allocate(64);
    const run = () => engine.call("fill", { out, n: 16, value: 1, grain: 1 }, 16);
    expect(run).toThrow("a kernel thread failed: out of memory");
    await Promise.all(ends);
  });

  test("on a single thread it is the runtime's own error, and the engine goes on", async () => {
    const engine = await engineOf(1);
    const out = engine.allocate(64);
    expect(programOf(engine, 9999, { out, n: 1, grain: 1 }, 1)).toThrow(WebAssembly.RuntimeError);
    engine.call("fill", { out, n: 16, value: 3, grain: 1 }, 16);
    expect(engine.f32(out, 1)[0]).toBe(3);
  });

  test("training ends with that error", async () => {
    const model = await modelOf(cnn(), { threads: 2 });
    await once(workers[0]!, "online");
    const fit = model.fit(halves(40, 1), {
      epochs: 1000,
      callbacks: {
        onEpochBegin(epoch) {
          if (epoch === 3) workers[0]!.emit("error", new Error("gone"));
        },
      },
    });
    await expect(fit).rejects.toThrow("a kernel thread failed: gone");
    // Compiled again, the model has new threads.
    await model.compile({ threads: 2 });
    await model.fit(halves(40, 1));
  });
});
