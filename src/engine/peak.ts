import { FEW_CHAINS, LANES, MANY_CHAINS, PEAK_SCRATCH, SOME_CHAINS } from "./abi.ts";
import type { Engine } from "./engine.ts";

export interface Peak {
  /** Multiplications and additions a second, of one thread, in 10^9. */
  readonly gflops: number;
}

/** Independent sums to try: too few wait for each other, too many spill registers. */
const CHAINS = [FEW_CHAINS, SOME_CHAINS, MANY_CHAINS];
/** Rounds of one run, some 40 microseconds: short enough that some are not disturbed, even on a busy machine. */
const ROUNDS = 20_000;
/** Runs before the clock counts, so that the runtime's optimising compiler has done its work. */
const WARM_UP_MILLISECONDS = 60;

/**
 * The peak of one thread, by a loop that keeps everything in registers: multiply-add in the relaxed build, a multiplication
 * and an addition in the others. The best of many short runs, for what disturbs a run only ever slows it down.
 */
export function measurePeak(engine: Engine, { milliseconds = 60 }: { milliseconds?: number } = {}): Peak {
  const run = (chains: number) => {
    const began = performance.now();
    engine.call("peak", { n: ROUNDS, chains, x: 0.5, y: 1 }, 1, PEAK_SCRATCH);
    return performance.now() - began;
  };
  const { backend } = engine;
  const lanes = backend === "scalar" ? 1 : backend.endsWith("wide") ? 2 * LANES : LANES;
  let best = 0;
  for (const chains of CHAINS) {
    repeat(WARM_UP_MILLISECONDS / CHAINS.length, () => void run(chains));
    const flops = 2 * ROUNDS * chains * lanes;
    repeat(milliseconds / CHAINS.length, () => {
      best = Math.max(best, flops / run(chains));
    });
  }
  return { gflops: best / 1e6 };
}

/** Bytes of an array that no cache holds whole. */
const COPIED_BYTES = 2 ** 26;

/** Bytes a second that one thread reads and writes when it copies a large array, in 10^9: what memory gives a kernel that computes little. */
export function measureBandwidth({ milliseconds = 60 }: { milliseconds?: number } = {}): number {
  const from = new Uint8Array(COPIED_BYTES).fill(1);
  const to = new Uint8Array(COPIED_BYTES);
  let best = 0;
  repeat(milliseconds, () => {
    const began = performance.now();
    to.set(from);
    best = Math.max(best, (2 * COPIED_BYTES) / (performance.now() - began));
  });
  return best / 1e6;
}

/** Calls `work` for so long, and 5 times at least. */
function repeat(milliseconds: number, work: () => void): void {
  const end = performance.now() + milliseconds;
  for (let i = 0; i < 5 || performance.now() < end; i++) work();
}
