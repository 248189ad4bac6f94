import { COUNTER } from "../engine/abi.ts";
import { CALL_BYTES, type Engine, type Program } from "../engine/engine.ts";
import {
  align,
  type KernelArgs,
  type KernelName,
  structBytes,
  writeCall,
  writeStruct,
} from "../engine/memory.ts";
import { assignOffsets } from "./arena.ts";
import type { PlannedCall, Planner } from "./planner.ts";
import { Tensor } from "./tensor.ts";

/** A planned call, as profiles show it. */
export type CallInfo = Omit<PlannedCall, "args" | "scratch"> & {
  /** Every field of the kernel's argument struct, tensors as pointers. */
  readonly args: Readonly<Record<string, number>>;
};

/** What plans need of an engine. */
export type PlanHost = Pick<Engine, "threads" | "reserveArena" | "arenaOwner" | "u8" | "f32" | "i32" | "run">;

/**
 * Everything one step needs, fixed: each tensor's place in the arena and each kernel call with its arguments.
 * Running it allocates nothing. Plans of one engine share the arena, so what a plan left there is lost once
 * another one runs.
 */
export class Plan {
  readonly batch: number;
  readonly planner: Planner;
  readonly calls: readonly CallInfo[];
  /** Bytes of the arena that this plan uses: program, tensors and scratch. */
  readonly arenaBytes: number;
  readonly #engine: PlanHost;
  readonly #program: Program;
  readonly #image: Uint8Array;
  readonly #base: number;

  constructor(engine: PlanHost, planner: Planner) {
    const { calls, tensors, batch, training } = planner;
    this.#engine = engine;
    this.batch = batch;
    this.planner = planner;

    const recordBytes = align(calls.length * CALL_BYTES);
    const counterBytes = align(calls.length * COUNTER.bytes);
    const structs = calls.map((call) => structBytes(call.kernel));
    const programBytes = recordBytes + counterBytes + align(structs.reduce((sum, bytes) => sum + bytes, 0));
    const tensorBytes = assignOffsets(tensors.filter((t) => t.last >= t.first));
    const scratchBytes = align(calls.reduce((most, { scratch }) => Math.max(most, scratch), 0));
    this.arenaBytes = programBytes + tensorBytes + scratchBytes * engine.threads;
    const base = engine.reserveArena(
      this.arenaBytes,
      `${training ? "a training step" : "a step"} of batch size ${batch}`,
    );
    this.#base = base + programBytes;
    this.#program = {
      records: base,
      calls: calls.length,
      counters: base + recordBytes,
      scratch: base + programBytes + tensorBytes,
      scratchBytes,
    };

    this.calls = calls.map(({ scratch, args, ...call }) => ({
      ...call,
      args: Object.fromEntries(
        Object.entries(args).map(([k, v]) => [k, v instanceof Tensor ? this.pointer(v) : v]),
      ),
    }));
    this.#image = new Uint8Array(programBytes);
    const view = new DataView(this.#image.buffer);
    let at = recordBytes + counterBytes;
    this.calls.forEach(({ kernel, tasks, args }, i) => {
      writeCall(view, i * CALL_BYTES, kernel, base + at, tasks);
      writeStruct(view, at, kernel, args as KernelArgs<KernelName>);
      at += structs[i]!;
    });
  }

  /** Pointer to a tensor that the planner placed. */
  pointer(tensor: Tensor): number {
    if (tensor.offset < 0) throw new Error("the tensor is used by no call");
    return this.#base + tensor.offset;
  }

  /** Makes the arena this plan's own: call it before writing its inputs. */
  activate(): void {
    if (this.#engine.arenaOwner === this) return;
    this.#engine.u8(this.#program.records, this.#image.length).set(this.#image);
    this.#engine.arenaOwner = this;
  }

  /** Runs calls `first` to `last - 1`; by default all. */
  run(first = 0, last = this.calls.length): void {
    if (this.#engine.arenaOwner !== this)
      throw new Error("run() before activate(): the plan's inputs are lost");
    this.#engine.run(this.#program, first, last);
  }
}
