import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";
import {
  type Access,
  copyThread,
  nextAccess,
  notify,
  readModule,
  startThread,
  step,
  type Thread,
  type WasmModule,
} from "./wasm-threads.ts";

// Runs what assembly/parallel.ts compiles to in every order that its threads can take, and checks what it promises.

/** Where things lie, in bytes. Control is as in assembly/parallel.ts. */
const CONTROL = 0;
const [GATE, STOP, INSIDE, WAITING, FAILED, READY] = [0, 28, 64, 68, 72, 76];
const PROGRAM = 128;
const COUNTERS = 192;
const SCRATCH = 256;
const SCRATCH_BYTES = 16;
/** Words that workers may use at any time; all else belongs to the program. */
const SHARED = new Set([GATE, STOP, INSIDE, WAITING, FAILED, READY]);

/** In the place of a host that is not in runParallel(). */
const NOBODY: Thread = { frames: [], stack: [], waiting: undefined, calling: undefined };

export interface Scenario {
  readonly workers: number;
  /** Programs that run one after another: the tasks of each of their calls. */
  readonly programs: readonly (readonly number[])[];
}

/** The kernels' threads alone, tasks reported to us. `change` alters the source: a protocol that is wrong must be found out. */
export async function compileParallel(change: (source: string) => string = (s) => s): Promise<WasmModule> {
  const name = "assembly/parallel.ts";
  // To look once before sleeping is as good as 4000 times, for us.
  const source = replaced(await readFile(name, "utf8"), "SPINS: i32 = 4000", "SPINS: i32 = 1");
  const own: Record<string, string> = {
    [name]: change(source),
    "assembly/dispatch.ts": `@external("env", "dispatch")
      export declare function dispatch(id: i32, args: usize, task: i32, scratch: usize): void;`,
  };
  let wasm: Uint8Array | undefined;
  const options =
    "--config none --runtime stub -O3 --noAssert --use abort= --enable threads --outFile out.wasm";
  const memory = "--importMemory --sharedMemory --initialMemory 1 --maximumMemory 1";
  const { error, stderr } = await asc.main([name, ...options.split(" "), ...memory.split(" ")], {
    readFile: (file: string) => own[file] ?? readFile(file, "utf8").catch(() => null),
    writeFile: (file: string, contents: Uint8Array | string) => {
      if (file === "out.wasm") wasm = contents as Uint8Array;
    },
  });
  if (error) throw new Error(String(stderr));
  return readModule(wasm!);
}

export function replaced(source: string, text: string, by: string): string {
  if (source.split(text).length !== 2) throw new Error(`the source does not hold '${text}' once`);
  return source.replace(text, by);
}

/** All that the future depends on. */
interface State {
  readonly memory: Int32Array;
  /** The host first. */
  readonly threads: (Thread | undefined)[];
  /** Programs begun. */
  program: number;
  /** From the opening of the gate to the return of runParallel() workers may touch the program. */
  open: boolean;
  /** For each task of the program: 0, 1 begun, 2 done. */
  readonly tasks: number[][];
}

/** Number of states seen. Throws with the shortest way to a broken promise. */
export function explore(module: WasmModule, scenario: Scenario): number {
  const first = begin(module, scenario);
  const seen = new Set([keyOf(first)]);
  let wave: { state: State; path: Path | undefined }[] = [{ state: first, path: undefined }];
  while (wave.length > 0) {
    const next: typeof wave = [];
    for (const { state, path } of wave) {
      let moved = false;
      for (let i = 0; i < state.threads.length; i++) {
        const move = moveOf(module, scenario, state, i);
        if (!move) continue;
        moved = true;
        const after = copyState(state, i, move);
        const here = { thread: i, move, before: path };
        try {
          apply(module, scenario, after, i, move);
          for (
            let more = moveOf(module, scenario, after, i);
            isHidden(more, after);
            more = moveOf(module, scenario, after, i)
          )
            apply(module, scenario, after, i, more);
        } catch (error) {
          throw new Error(`${(error as Error).message}\n${written(here)}`);
        }
        const key = keyOf(after);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ state: after, path: here });
      }
      if (!moved && state.threads.some((thread) => thread?.waiting !== undefined || !ended(module, thread)))
        throw new Error(`no thread can go on\n${path ? written(path) : ""}`);
    }
    wave = next;
  }
  return seen.size;
}

/**
 * Whether others cannot tell when it happens: then one order stands for all. So it is with what a thread reads from a program
 * that nobody changes meanwhile, and with the begin of a task that is claimed.
 */
function isHidden(move: Move | undefined, { open }: State): move is Access {
  if (!move || typeof move === "string" || !open) return false;
  return move.kind === "begin" || (move.kind === "load" && move.plain);
}

type Move = Access | "run" | "stop" | "return";

interface Path {
  readonly thread: number;
  readonly move: Move;
  readonly before: Path | undefined;
}

function written(path: Path): string {
  const lines: string[] = [];
  for (let p: Path | undefined = path; p; p = p.before) {
    const { thread, move } = p;
    const what = typeof move === "string" ? move : `${move.kind} ${move.address} (${move.args.join(", ")})`;
    lines.push(`${thread === 0 ? "host" : `worker ${thread}`}: ${what}`);
  }
  return lines.reverse().join("\n");
}

function begin(module: WasmModule, { workers }: Scenario): State {
  const threads: State["threads"] = [undefined];
  for (let i = 1; i <= workers; i++) threads.push(startThread(module, "work", [CONTROL, i]));
  return { memory: new Int32Array(SCRATCH >> 2), threads, program: 0, open: false, tasks: [] };
}

/** A state of its own for thread i's next moves, which touch other threads only where they wake them. */
function copyState(state: State, i: number, move: Move): State {
  const wakes = move === "stop" || (typeof move === "object" && move.kind === "notify");
  return {
    ...state,
    memory: state.memory.slice(),
    threads: state.threads.map((thread, j) => thread && (wakes || i === j ? copyThread(thread) : thread)),
    tasks: state.tasks.map((done) => [...done]),
  };
}

/** Equal for equal states. The program's words follow from its number; labels follow from where a thread stands. */
function keyOf({ memory, threads, program, open, tasks }: State): string {
  let key = `${memory.subarray(0, PROGRAM >> 2).join()};${memory.subarray(COUNTERS >> 2, SCRATCH >> 2).join()};${program};${open};${tasks.join(";")}`;
  for (const thread of threads) {
    if (!thread) key += "/-";
    else {
      key += `/${thread.stack.join()};${thread.waiting};${thread.calling?.join()}`;
      for (const { fn, pc, locals } of thread.frames) key += `;${fn},${pc},${locals.join()}`;
    }
  }
  return key;
}

function ended(module: WasmModule, thread: Thread | undefined): boolean {
  return !thread || (thread.waiting === undefined && nextAccess(module, thread) === undefined);
}

/** What thread i would do next; undefined where it sleeps or has ended. */
function moveOf(module: WasmModule, { programs }: Scenario, state: State, i: number): Move | undefined {
  const thread = state.threads[i];
  if (i === 0 && !thread) {
    if (state.program < programs.length) return "run";
    return state.memory[STOP >> 2] ? undefined : "stop";
  }
  if (!thread || thread.waiting !== undefined) return undefined;
  return nextAccess(module, thread) ?? (i === 0 ? "return" : undefined);
}

function apply(module: WasmModule, scenario: Scenario, state: State, i: number, move: Move): void {
  const { memory, threads } = state;
  if (move === "run") runNext(module, scenario, state);
  else if (move === "stop") stop(module, state);
  else if (move === "return") {
    const [failed] = threads[0]!.stack;
    if (failed !== 0) throw new Error(`runParallel() gives ${failed}`);
    if (state.tasks.some((call) => call.some((task) => task !== 2)))
      throw new Error("runParallel() returns before all tasks are done");
    threads[0] = undefined;
    state.open = false;
    // The program is the host's again: it is changed, or made anew, by whoever called.
    memory.fill(0x7777, PROGRAM >> 2, SCRATCH >> 2);
  } else {
    if (i === 0 && move.kind === "add" && move.address === GATE) state.open = true;
    if (i > 0 && !state.open && move.kind !== "begin" && move.kind !== "end" && !SHARED.has(move.address))
      throw new Error("a worker touches a program that the host may be changing");
    if (move.kind === "begin") beginTask(state, i, move.args);
    else if (move.kind === "end") state.tasks[(move.args[0]! % 100) - 1]![move.args[2]!] = 2;
    step(
      module,
      threads.map((thread) => thread ?? NOBODY),
      i,
      memory,
    );
  }
}

/** The host writes the next program into the place of the one before, and calls runParallel(). */
function runNext(module: WasmModule, { programs }: Scenario, state: State): void {
  const { memory } = state;
  const calls = programs[state.program++]!;
  calls.forEach((tasks, i) => {
    memory.set([100 * state.program + i + 1, 0, tasks, 0], (PROGRAM >> 2) + 4 * i);
  });
  state.tasks.splice(0, state.tasks.length, ...calls.map((tasks) => new Array<number>(tasks).fill(0)));
  const args = [CONTROL, PROGRAM, COUNTERS, 0, calls.length, SCRATCH, SCRATCH_BYTES];
  state.threads[0] = startThread(module, "runParallel", args);
}

function beginTask({ program, open, tasks }: State, thread: number, args: readonly number[]): void {
  const [kernel, , task, scratch] = args as [number, number, number, number];
  const call = (kernel % 100) - 1;
  const what = `task ${task} of call ${call}`;
  if (!open || Math.floor(kernel / 100) !== program)
    throw new Error(`${what} runs for a program that is over`);
  if (tasks[call]?.[task] !== 0) throw new Error(`${what} runs twice, or is none`);
  if (tasks.slice(0, call).some((before) => before.some((done) => done !== 2)))
    throw new Error(`${what} begins before the call before it is done`);
  if (scratch !== SCRATCH + thread * SCRATCH_BYTES)
    throw new Error(`${what} gets scratch ${scratch} on thread ${thread}`);
  tasks[call]![task] = 1;
}

/** As ThreadPool.stop() of src/engine/threads.ts does it. */
function stop(module: WasmModule, { memory, threads }: State): void {
  memory[STOP >> 2] = 1;
  memory[GATE >> 2]! += 2;
  notify(
    module,
    threads.filter((thread) => thread !== undefined),
    GATE,
    Number.POSITIVE_INFINITY,
  );
}
