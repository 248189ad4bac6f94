import { Call } from "./program";
import { dispatch } from "./dispatch";

// Threads: every thread walks the same program; the tasks of a call are claimed one by one with an atomic add, and
// a call begins when all tasks of the one before are done. No thread leads and no message is sent: workers park on
// an atomic wait between programs. Which thread runs a task never shows in the results.
// Threads of even index claim tasks from the first on, those of odd index from the last on: from call to call the same
// threads work on the same images and weights, which then lie in their own caches.
// All atomics are sequentially consistent; the gate and `inside` rely on it (store one, then load the other).

/** Shared by all threads of an engine; each word that threads write in turn has a cache line of its own. */
// @host
@unmanaged
export class Control {
  gate: i32; // odd: a program is open to workers; even: closed
  program: usize; // what to run, written while the gate is closed
  counters: usize; // a Counter for each call
  first: i32;
  last: i32;
  scratch: usize; // thread t's scratch is at scratch + t * scratchBytes
  scratchBytes: usize;
  stop: i32; // 1: workers return
  unused0: u64;
  unused1: u64;
  unused2: u64;
  unused3: u64;
  inside: i32; // workers that may touch the program
  waiting: i32; // threads asleep in waitFor
  failed: i32; // 1: a worker died, the program will never end
  ready: i32; // workers that have started
}

/** Of one call. */
// @host
@unmanaged
export class Counter {
  claimed: i32; // tasks claimed, see claim
  done: i32; // tasks done
}

/** Looks at a word this often before sleeping: some 20 microseconds, about what waking costs. */
const SPINS: i32 = 4000;
/** Longest a call may make no progress before the host is told, in nanoseconds. */
const PATIENCE: i64 = 60_000_000_000;

/** Byte offsets of the words that threads wait on. */
const GATE: usize = offsetof<Control>("gate");
const INSIDE: usize = offsetof<Control>("inside");
const WAITING: usize = offsetof<Control>("waiting");
const FAILED: usize = offsetof<Control>("failed");
const READY: usize = offsetof<Control>("ready");
const STOP: usize = offsetof<Control>("stop");

/** Returns when *word == value; false where a worker failed, or nothing moved for too long. */
function waitFor(control: usize, word: usize, value: i32): bool {
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(word) == value) return true;
  while (true) {
    const now = atomic.load<i32>(word);
    if (now == value) return true;
    if (atomic.load<i32>(control + FAILED)) return false;
    atomic.add<i32>(control + WAITING, 1);
    const woken = atomic.wait<i32>(word, now, PATIENCE);
    atomic.sub<i32>(control + WAITING, 1);
    if (woken == 2 && atomic.load<i32>(word) == now) return false;
  }
}

/** After changing a word that others may wait for. */
// @ts-ignore: decorator
@inline
function wake(control: usize, word: usize): void {
  if (atomic.load<i32>(control + WAITING)) atomic.notify(word, -1);
}

/** Calls of more tasks than this are claimed from the first on alone. */
const TWO_SIDED: i32 = 0x4000;

/** A task of the call for thread `index`, or -1: *claimed counts those taken from the front, and 65536 times those from the back. */
// @ts-ignore: decorator
@inline
function claim(claimed: usize, tasks: i32, index: i32): i32 {
  if (tasks > TWO_SIDED) {
    const task = atomic.add<i32>(claimed, 1);
    return task < tasks ? task : -1;
  }
  const before = atomic.add<i32>(claimed, index & 1 ? 0x10000 : 1);
  const front = before & 0xffff, back = before >>> 16;
  if (front + back >= tasks) return -1;
  return index & 1 ? tasks - 1 - back : front;
}

/** Thread `index` takes part in the open program until its end; false where it can't be finished. */
function walk(control: usize, scratch: usize, index: i32): bool {
  const c = changetype<Control>(control);
  const last = c.last;
  for (let i = c.first; i < last; i++) {
    const call = changetype<Call>(c.program + <usize>i * offsetof<Call>());
    const counter = c.counters + <usize>i * offsetof<Counter>();
    const claimed = counter + offsetof<Counter>("claimed"), done = counter + offsetof<Counter>("done");
    const tasks = call.tasks;
    let mine = 0;
    while (true) {
      const task = claim(claimed, tasks, index);
      if (task < 0) break;
      dispatch(call.kernel, call.args, task, scratch);
      mine++;
    }
    if (mine && atomic.add<i32>(done, mine) + mine == tasks) wake(control, done);
    if (!waitFor(control, done, tasks)) return false;
  }
  return true;
}

/**
 * Runs calls first .. last - 1 on this thread and all workers. Returns 0, or 1 where a worker failed or stalled:
 * then memory holds half a step, and the engine is of no use any more.
 */
export function runParallel(
  control: usize, program: usize, counters: usize, first: i32, last: i32, scratch: usize, scratchBytes: usize,
): i32 {
  const c = changetype<Control>(control);
  if (atomic.load<i32>(control + FAILED)) return 1;
  c.program = program;
  c.counters = counters;
  c.first = first;
  c.last = last;
  c.scratch = scratch;
  c.scratchBytes = scratchBytes;
  memory.fill(counters + <usize>first * offsetof<Counter>(), 0, <usize>(last - first) * offsetof<Counter>());
  const open = atomic.add<i32>(control + GATE, 1) + 1;
  atomic.notify(control + GATE, -1);
  const finished = walk(control, scratch, 0);
  atomic.store<i32>(control + GATE, open + 1);
  return finished && waitFor(control, control + INSIDE, 0) ? 0 : 1;
}

/** A worker's life: thread `index` (from 1) takes part in every program until the host stops it. */
export function work(control: usize, index: i32): void {
  let seen = 0;
  atomic.add<i32>(control + READY, 1);
  while (true) {
    const gate = atomic.load<i32>(control + GATE);
    // After the gate: a stop that this look misses changes the gate once more, so that parking ends at once.
    if (atomic.load<i32>(control + STOP)) return;
    if (!(gate & 1) || gate == seen) {
      park(control, gate);
      continue;
    }
    atomic.add<i32>(control + INSIDE, 1);
    // Closed meanwhile: the host may be changing the program.
    if (atomic.load<i32>(control + GATE) == gate) {
      const c = changetype<Control>(control);
      walk(control, c.scratch + <usize>index * c.scratchBytes, index);
      seen = gate;
    }
    atomic.sub<i32>(control + INSIDE, 1);
    wake(control, control + INSIDE);
  }
}

/** Returns once the gate no longer shows `gate`. */
function park(control: usize, gate: i32): void {
  for (let i = 0; i < SPINS; i++) if (atomic.load<i32>(control + GATE) != gate) return;
  atomic.wait<i32>(control + GATE, gate, -1);
}
