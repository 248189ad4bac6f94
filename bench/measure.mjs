import { setImmediate } from "node:timers/promises";
import { Bench } from "tinybench";

/** A sample is of so many milliseconds at least: short runs are timed several at once. */
const SAMPLE = 0.1;

/**
 * Times subjects, `{ [name]: { run(), threads } }`, in turns: A B C A B C. So a drift of the machine falls on all alike,
 * and cancels in ratios. On one thread a run's time is the CPU time that it took, which other processes do not add to
 * (on a machine of its own the same as wall time, which is what counts with more threads).
 *
 * Resolves to `{ [name]: { milliseconds, wallMilliseconds, samples, spread, cores } }`: the median time of one run, the
 * same as wall time, how many samples it is of, the middle half of them over the median, and CPU time over wall time.
 *
 * @param options rounds: turns; milliseconds: of each subject in a turn; warmUp: milliseconds before the first turn
 */
export async function measure(subjects, { rounds, milliseconds, warmUp }) {
  const entries = Object.entries(subjects);
  const meters = {};
  for (const [name, subject] of entries) meters[name] = new Meter(subject, await settle(subject, warmUp));
  const samples = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({
      time: milliseconds,
      iterations: 3,
      warmup: false,
      retainSamples: true,
      throws: true,
    });
    for (const [name, meter] of Object.entries(meters)) bench.add(name, () => meter.sample());
    for (const { name, result } of bench.runSync()) samples[name].push(...result.latency.samples);
    await setImmediate();
  }
  return Object.fromEntries(
    entries.map(([name]) => {
      const sorted = samples[name].sort((a, b) => a - b);
      const middle = quantile(sorted, 0.5);
      const { wallMilliseconds, cores } = meters[name];
      return [
        name,
        {
          milliseconds: middle,
          wallMilliseconds,
          samples: sorted.length,
          spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / middle,
          cores,
        },
      ];
    }),
  );
}

/** Takes samples of a subject, and adds up its CPU and wall time. */
class Meter {
  #subject;
  #repeat;
  #cpu = 0;
  #wall = 0;
  #walls = [];

  constructor(subject, repeat) {
    this.#subject = subject;
    this.#repeat = repeat;
  }

  get cores() {
    return this.#cpu / this.#wall;
  }

  /** Median wall time of one run. */
  get wallMilliseconds() {
    return quantile(
      this.#walls.sort((a, b) => a - b),
      0.5,
    );
  }

  /** What tinybench takes for a task's own timing: the time of one run, and what the iteration cost. */
  sample() {
    const { run, threads } = this.#subject;
    const before = process.cpuUsage();
    const began = performance.now();
    for (let i = 0; i < this.#repeat; i++) run();
    const wall = performance.now() - began;
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1000;
    this.#cpu += cpu;
    this.#wall += wall;
    this.#walls.push(wall / this.#repeat);
    // The runtime's own threads (compiler, garbage collector) add to CPU time, never to wall time.
    const milliseconds = threads > 1 ? wall : Math.min(wall, cpu);
    return { overriddenDuration: milliseconds / this.#repeat, overriddenIterationCost: wall };
  }
}

/** Runs a subject until the runtime's optimising compiler has had its time; returns how many runs make a sample. */
async function settle({ run }, milliseconds) {
  let fastest = Number.POSITIVE_INFINITY;
  const end = performance.now() + milliseconds;
  for (let i = 0; i < 3 || performance.now() < end; i++) {
    const began = performance.now();
    run();
    fastest = Math.min(fastest, performance.now() - began);
    if (i % 64 === 0) await setImmediate();
  }
  return Math.max(1, Math.ceil(SAMPLE / fastest));
}

/** Of sorted values, between the two nearest. */
function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (at - Math.floor(at)) * (high - low);
}
