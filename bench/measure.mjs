import { setImmediate } from "node:timers/promises";
import { Bench } from "tinybench";

/** A sample is of so many milliseconds at least: short runs are timed several at once. */
const SAMPLE = 0.1;

/**
 * Times subjects, `{ [name]: { run() } }`, in turns: A B C A B C. So a drift of the machine falls on all alike, and
 * cancels in ratios. Resolves to `{ [name]: { milliseconds, samples, spread, cores } }`: the median of one run, how
 * many samples it is of, the middle half of them over the median, and CPU time over wall time.
 *
 * @param options rounds: turns; milliseconds: of each subject in a turn; warmUp: milliseconds before the first turn
 */
export async function measure(subjects, { rounds, milliseconds, warmUp }) {
  const names = Object.keys(subjects);
  const repeats = {};
  for (const name of names) repeats[name] = await settle(subjects[name], warmUp);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  const usage = Object.fromEntries(names.map((name) => [name, { cpu: 0, wall: 0 }]));
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({
      time: milliseconds,
      iterations: 3,
      warmup: false,
      retainSamples: true,
      throws: true,
    });
    for (const name of names) {
      const { run } = subjects[name];
      const repeat = repeats[name];
      bench.add(
        name,
        () => {
          for (let i = 0; i < repeat; i++) run();
        },
        clock(usage[name]),
      );
    }
    for (const task of bench.runSync())
      for (const sample of task.result.latency.samples) samples[task.name].push(sample / repeats[task.name]);
    await setImmediate();
  }
  return Object.fromEntries(
    names.map((name) => {
      const sorted = samples[name].sort((a, b) => a - b);
      const middle = quantile(sorted, 0.5);
      const { cpu, wall } = usage[name];
      return [
        name,
        {
          milliseconds: middle,
          samples: sorted.length,
          spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / middle,
          cores: cpu / wall,
        },
      ];
    }),
  );
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

/** Hooks that add up a task's CPU and wall time, in milliseconds. */
function clock(usage) {
  let cpu;
  let began;
  return {
    beforeAll() {
      cpu = process.cpuUsage();
      began = performance.now();
    },
    afterAll() {
      const { user, system } = process.cpuUsage(cpu);
      usage.cpu += (user + system) / 1000;
      usage.wall += performance.now() - began;
    },
  };
}

/** Of sorted values, between the two nearest. */
export function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (at - Math.floor(at)) * (high - low);
}
