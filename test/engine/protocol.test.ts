import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { enableBackend, loadWasmBytes } from "#platform";
import { BACKENDS } from "../../src/engine/engine.ts";
import { align, CALL_BYTES, structBytes, writeCall, writeStruct } from "../../src/engine/memory.ts";
import { compileParallel, explore, replaced, type Scenario } from "../support/parallel-model.ts";
import type { WasmModule } from "../support/wasm-threads.ts";

const ONE_WORKER: Scenario = {
  workers: 1,
  programs: [
    [2, 1],
    [1, 2],
  ],
};
/** Some 40 seconds, and a million states. */
const LONG: Scenario = { workers: 2, programs: [[1, 1]] };

describe("assembly/parallel.ts, compiled, in every order that its threads can take", () => {
  let module: WasmModule;
  beforeAll(async () => {
    module = await compileParallel();
  });

  test("one worker: tasks run once, in order, nobody touches a closed program, all threads end", () => {
    expect(explore(module, ONE_WORKER)).toBeGreaterThan(10_000);
  });

  test.skipIf(process.env.WASMGRAD_TESTS !== "all")("two workers (in test:all)", { timeout: 600_000 }, () => {
    expect(explore(module, LONG)).toBeGreaterThan(500_000);
  });

  test("calls of so many tasks that they are claimed from one side", async () => {
    const oneSided = await compileParallel((s) =>
      replaced(s, "TWO_SIDED: i32 = 0x4000", "TWO_SIDED: i32 = 0"),
    );
    expect(explore(oneSided, ONE_WORKER)).toBeGreaterThan(5_000);
  });
});

describe("a protocol that is wrong is found out:", () => {
  const gate = "    const gate = atomic.load<i32>(control + GATE);\n";
  const stop = "    if (atomic.load<i32>(control + STOP)) return;\n";
  const done = "atomic.add<i32>(done, mine) + mine == tasks) wake(control, done);";
  const cases: [name: string, error: RegExp, change: (source: string) => string][] = [
    [
      "the host does not wait until workers have left",
      /a worker touches a program that the host may be changing/,
      (s) => replaced(s, "return finished && waitFor(control, control + INSIDE, 0) ? 0 : 1;", "return 0;"),
    ],
    [
      "the gate is not looked at again after entering",
      /a worker touches a program that the host may be changing/,
      (s) => replaced(s, "if (atomic.load<i32>(control + GATE) == gate) {", "{"),
    ],
    [
      "a call does not wait for the one before",
      /begins before the call before it is done|returns before all tasks are done/,
      (s) => replaced(s, "if (!waitFor(control, done, tasks)) return false;", ""),
    ],
    [
      "a worker that leaves wakes nobody",
      /no thread can go on/,
      (s) => replaced(s, "    wake(control, control + INSIDE);\n", ""),
    ],
    [
      "whoever does the last task wakes nobody",
      /no thread can go on/,
      (s) => replaced(s, done, done.replace("wake(control, done)", "{}")),
    ],
    [
      "a thread sleeps without having said so",
      /no thread can go on/,
      (s) =>
        replaced(s, "    atomic.add<i32>(control + WAITING, 1);\n", "").replace(
          "atomic.sub<i32>(control + WAITING, 1);",
          "",
        ),
    ],
    [
      "a stop between a worker's looks at the two words is missed",
      /no thread can go on/,
      (s) => {
        const at = replaced(s, stop, "").indexOf(gate);
        return replaced(s, stop, "").slice(0, at) + stop + replaced(s, stop, "").slice(at);
      },
    ],
    [
      "the last task of a call is given out twice",
      /runs twice, or is none/,
      (s) => replaced(s, "if (front + back >= tasks) return -1;", "if (front + back > tasks) return -1;"),
    ],
    [
      "all threads use one scratch",
      /gets scratch/,
      (s) => replaced(s, "<usize>index * c.scratchBytes", "c.scratchBytes"),
    ],
  ];
  test.each(cases)("%s", async (name, error, change) => {
    const scenario = name === "all threads use one scratch" ? { workers: 2, programs: [[2]] } : ONE_WORKER;
    const wrong = await compileParallel(change);
    expect(() => explore(wrong, scenario)).toThrow(error);
  });
});

describe.each(BACKENDS)("build %s: runParallel()", (backend) => {
  test("returns when the last worker has left the program, not before", async () => {
    if (backend === "relaxed") enableBackend(backend);
    const module = await WebAssembly.compile(await loadWasmBytes(backend));
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    const { heapBase } = (await WebAssembly.instantiate(module, { env: { memory } })).exports;
    const control = align((heapBase as () => number)());
    const [program, counters, args] = [control + 128, control + 192, control + 256];
    const out = align(args + structBytes("fill"));
    const view = new DataView(memory.buffer);
    writeCall(view, program, "fill", args, 1);
    writeStruct(view, args, "fill", { out, n: 4, value: 1, grain: 4 });
    expect(CALL_BYTES).toBeLessThanOrEqual(64);

    const words = new Int32Array(memory.buffer);
    const [gate, inside, waiting] = [0, 64, 68].map((offset) => (control + offset) >> 2) as [
      number,
      number,
      number,
    ];
    const result = (out + 64) >> 2;
    // This test is the worker: it has entered, and takes its time.
    Atomics.store(words, inside, 1);
    const host = new Worker(
      `const { module, memory, args, result } = require("node:worker_threads").workerData;
       const { runParallel } = new WebAssembly.Instance(module, { env: { memory } }).exports;
       Atomics.store(new Int32Array(memory.buffer), result, 100 + runParallel(...args));`,
      {
        eval: true,
        execArgv: [],
        workerData: { module, memory, args: [control, program, counters, 0, 1, out + 128, 0], result },
      },
    );
    onTestFinished(() => void host.terminate());
    const hostEnds = new Promise((resolve, reject) => host.once("exit", resolve).once("error", reject));
    // Either it sleeps until we have left, or it returns: one of the two comes.
    while (Atomics.load(words, waiting) === 0 && Atomics.load(words, result) === 0) await setImmediate();
    expect(Atomics.load(words, result)).toBe(0);
    expect(Atomics.load(words, gate)).toBe(2);
    expect(new Float32Array(memory.buffer, out, 4)).toEqual(Float32Array.of(1, 1, 1, 1));
    Atomics.store(words, inside, 0);
    Atomics.notify(words, inside);
    await hostEnds;
    expect(Atomics.load(words, result)).toBe(100);
  });
});
