import { CONTROL, COUNTER } from "../../engine/abi.ts";
import type { ThreadAlive, ThreadTask } from "../../engine/platform/web.ts";
import { holdLock } from "../locks.ts";

/** A kernel thread's whole life: takes part in every program until the engine stops it. */
export async function runThread({ module, memory, control, index }: ThreadTask): Promise<void> {
  let working = false;
  try {
    // From here on nobody else can tell whether this thread lives: work() hears no message.
    const lock = await holdLock();
    self.postMessage({ lock } satisfies ThreadAlive);
    // Looks at the memory's size afresh: it may have grown while this thread started.
    memory.grow(0);
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    working = true;
    (exports.work as (control: number, index: number) => void)(control, index);
    self.close();
  } catch (error) {
    giveUp(memory, control, working);
    // Out of the promise, so that the engine's worker hears of it.
    setTimeout(() => {
      throw error;
    });
  }
}

/** Tells all threads that the program they are in will never end. */
function giveUp(memory: WebAssembly.Memory, control: number, working: boolean): void {
  // Memory may have grown since: an index beyond the old size would throw here.
  memory.grow(0);
  const words = new Int32Array(memory.buffer);
  const at = (field: number) => (control + field) / 4;
  Atomics.store(words, at(CONTROL.failed), 1);
  // Others wait for tasks that are done no more: a count that never comes makes them look up.
  if (working)
    for (let i = words[at(CONTROL.first)]!; i < words[at(CONTROL.last)]!; i++) {
      const done = (words[at(CONTROL.counters)]! + COUNTER.bytes * i + COUNTER.done) >>> 2;
      Atomics.store(words, done, -1);
      Atomics.notify(words, done);
    }
  for (const word of [CONTROL.gate, CONTROL.inside]) Atomics.notify(words, at(word));
}
