// A small interpreter of WebAssembly that runs several threads on one memory, one access to it at a time, in an order that
// the caller chooses. It knows what compiled thread protocols are made of: i32, control flow, loads, stores and atomics.

interface Instruction {
  readonly op: number;
  /** Immediates: an index, a constant, a memory offset, a label's depth. */
  readonly a: number;
  /** Where `block` and `if` end, and where `loop` begins; results of the block. */
  target: number;
  orElse: number;
  readonly results: number;
}

interface WasmFunction {
  readonly params: number;
  readonly results: number;
  readonly locals: number;
  readonly code: readonly Instruction[];
}

export interface WasmModule {
  /** Imported functions come first. */
  readonly functions: readonly (WasmFunction | string)[];
  readonly exports: Readonly<Record<string, number>>;
}

interface Label {
  readonly target: number;
  readonly height: number;
  readonly results: number;
}

interface Frame {
  readonly fn: number;
  pc: number;
  readonly locals: number[];
  readonly labels: Label[];
}

/** A thread between two accesses to memory. Plain data: a copy is a thread of its own. */
export interface Thread {
  readonly frames: Frame[];
  readonly stack: number[];
  /** Address that it sleeps on. */
  waiting: number | undefined;
  /** In the middle of an imported function's call. */
  calling: readonly number[] | undefined;
}

/** One access to memory, or one half of an imported call. */
export interface Access {
  readonly kind: "load" | "store" | "add" | "fill" | "wait" | "notify" | "begin" | "end";
  /** Of memory; the imported function's arguments for `begin` and `end`. */
  readonly address: number;
  readonly args: readonly number[];
  /** Not atomic: another thread must not write there at the same time. */
  readonly plain: boolean;
}

const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.at++]!;
  }

  unsigned(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  }

  /** A signed number as LEB128: exact up to 2^53. */
  signed(): number {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte >= 0x80) continue;
      return byte & 0x40 ? value - factor : value;
    }
  }

  text(): string {
    const length = this.unsigned();
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }

  many<T>(read: () => T): T[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}

/** Reads a module's functions. Throws on instructions that the interpreter does not know. */
export function readModule(bytes: Uint8Array): WasmModule {
  const r = new Reader(bytes, 8);
  let types: { params: number; results: number }[] = [];
  let declared: number[] = [];
  const functions: (WasmFunction | string)[] = [];
  const exports: Record<string, number> = {};
  while (!r.done) {
    const id = r.byte();
    const end = r.unsigned() + r.at;
    if (id === 1)
      types = r.many(() => {
        r.byte();
        return { params: r.many(() => r.byte()).length, results: r.many(() => r.byte()).length };
      });
    else if (id === 2)
      r.many(() => {
        r.text();
        const name = r.text();
        const kind = r.byte();
        if (kind === 0) functions.push(`${name} ${types[r.unsigned()]!.params}`);
        else if (kind === 2) {
          const limits = r.byte();
          r.unsigned();
          if (limits & 1) r.unsigned();
        } else throw new Error(`import ${name} is of kind ${kind}: expected functions and a memory`);
      });
    else if (id === 3) declared = r.many(() => r.unsigned());
    else if (id === 7)
      r.many(() => {
        const name = r.text();
        const kind = r.byte();
        const index = r.unsigned();
        if (kind === 0) exports[name] = index;
      });
    else if (id === 10)
      r.many(() => {
        const last = r.unsigned() + r.at;
        const { params, results } = types[declared.shift()!]!;
        let locals = params;
        r.many(() => {
          locals += r.unsigned();
          r.byte();
        });
        functions.push({ params, results, locals, code: readCode(r, last) });
      });
    r.at = end;
  }
  return { functions, exports };
}

function readCode(r: Reader, last: number): Instruction[] {
  const code: Instruction[] = [];
  const open: number[] = [];
  while (r.at < last) {
    let op = r.byte();
    let [a, results] = [0, 0];
    if (op === 0xfe || op === 0xfc) op = op * 256 + r.unsigned();
    if (op === BLOCK || op === LOOP || op === IF) results = r.byte() === 0x40 ? 0 : 1;
    else if ((op >= 0x0c && op <= 0x0d) || op === 0x10 || (op >= 0x20 && op <= 0x22)) a = r.unsigned();
    else if (op === 0x41 || op === 0x42) a = r.signed();
    else if (op === 0x28 || op === 0x36 || (op >= 0xfe00 && op <= 0xfeff)) {
      r.unsigned();
      a = r.unsigned();
    } else if (op === 0xfc0b) r.byte();
    else if (!KNOWN.has(op)) throw new Error(`instruction 0x${op.toString(16)} is not known here`);
    const at = code.length;
    code.push({ op, a, target: at + 1, orElse: -1, results });
    if (op === BLOCK || op === LOOP || op === IF) open.push(at);
    else if (op === ELSE) code[open.at(-1)!]!.orElse = at + 1;
    else if (op === END && open.length > 0) {
      const begin = code[open.pop()!]!;
      if (begin.op !== LOOP) begin.target = at + 1;
      if (begin.op === IF && begin.orElse >= 0) code[begin.orElse - 1]!.target = at;
    }
  }
  return code;
}

/** i32 operators of two operands, by their number. */
const BINARY: Readonly<Record<number, (a: number, b: number) => number>> = {
  70: (a, b) => Number(a === b),
  71: (a, b) => Number(a !== b),
  72: (a, b) => Number(a < b),
  73: (a, b) => Number(a >>> 0 < b >>> 0),
  74: (a, b) => Number(a > b),
  75: (a, b) => Number(a >>> 0 > b >>> 0),
  76: (a, b) => Number(a <= b),
  77: (a, b) => Number(a >>> 0 <= b >>> 0),
  78: (a, b) => Number(a >= b),
  79: (a, b) => Number(a >>> 0 >= b >>> 0),
  106: (a, b) => (a + b) | 0,
  107: (a, b) => (a - b) | 0,
  108: (a, b) => Math.imul(a, b),
  113: (a, b) => a & b,
  114: (a, b) => a | b,
  115: (a, b) => a ^ b,
  116: (a, b) => a << b,
  117: (a, b) => a >> b,
  118: (a, b) => (a >>> b) | 0,
};
/** unreachable, nop, else, end, return, drop, select, i32.eqz, and the operators. */
const KNOWN = new Set([0x00, 0x01, ELSE, END, 0x0f, 0x1a, 0x1b, 0x45, ...Object.keys(BINARY).map(Number)]);

/** A thread that is about to call an exported function. */
export function startThread(module: WasmModule, name: string, args: readonly number[]): Thread {
  const thread: Thread = { frames: [], stack: [...args], waiting: undefined, calling: undefined };
  enter(module, thread, module.exports[name]!);
  settle(module, thread);
  return thread;
}

export function copyThread(thread: Thread): Thread {
  return {
    ...thread,
    stack: [...thread.stack],
    frames: thread.frames.map((frame) => ({
      ...frame,
      locals: [...frame.locals],
      labels: [...frame.labels],
    })),
  };
}

function enter(module: WasmModule, thread: Thread, fn: number): void {
  const callee = module.functions[fn] as WasmFunction;
  const locals = thread.stack.splice(thread.stack.length - callee.params);
  while (locals.length < callee.locals) locals.push(0);
  const whole = { target: callee.code.length, height: thread.stack.length, results: callee.results };
  thread.frames.push({ fn, pc: 0, locals, labels: [whole] });
}

/** The instruction that the thread stands before. */
function current(module: WasmModule, thread: Thread): Instruction | undefined {
  const frame = thread.frames.at(-1);
  return frame && (module.functions[frame.fn] as WasmFunction).code[frame.pc];
}

/** Where the thread goes on after a branch to the label `depth` from inside. */
function branch(thread: Thread, depth: number): void {
  const frame = thread.frames.at(-1)!;
  frame.labels.length -= depth;
  const { target, height, results } = frame.labels.pop()!;
  thread.stack.splice(height, thread.stack.length - results - height);
  frame.pc = target;
  if (frame.labels.length === 0) thread.frames.pop();
}

/** Runs up to the next access to memory, or the end. What is before it, no other thread can see. */
function settle(module: WasmModule, thread: Thread): void {
  const { stack } = thread;
  for (let i = current(module, thread); i; i = current(module, thread)) {
    const frame = thread.frames.at(-1)!;
    if (accessKind(module, i)) return;
    frame.pc++;
    const { op, a } = i;
    if (op === BLOCK) frame.labels.push({ target: i.target, height: stack.length, results: i.results });
    else if (op === LOOP) frame.labels.push({ target: frame.pc - 1, height: stack.length, results: 0 });
    else if (op === IF) {
      const yes = stack.pop() !== 0;
      if (yes || i.orElse >= 0)
        frame.labels.push({ target: i.target, height: stack.length, results: i.results });
      if (!yes) frame.pc = i.orElse >= 0 ? i.orElse : i.target;
    } else if (op === ELSE) frame.pc = i.target;
    else if (op === END) {
      frame.labels.pop();
      if (frame.labels.length === 0) thread.frames.pop();
    } else if (op === 0x0c) branch(thread, a);
    else if (op === 0x0d) {
      if (stack.pop() !== 0) branch(thread, a);
    } else if (op === 0x0f) branch(thread, frame.labels.length - 1);
    else if (op === 0x10) enter(module, thread, a);
    else if (op === 0x1a) stack.pop();
    else if (op === 0x1b) {
      const [x, y, yes] = stack.splice(-3);
      stack.push(yes !== 0 ? x! : y!);
    } else if (op === 0x20) stack.push(frame.locals[a]!);
    else if (op === 0x21) frame.locals[a] = stack.pop()!;
    else if (op === 0x22) frame.locals[a] = stack.at(-1)!;
    else if (op === 0x41 || op === 0x42) stack.push(op === 0x41 ? a | 0 : a);
    else if (op === 0x45) stack.push(Number(stack.pop() === 0));
    else if (BINARY[op]) {
      const [x, y] = stack.splice(-2);
      stack.push(BINARY[op]!(x!, y!));
    } else if (op === 0x00) throw new Error("unreachable was reached");
  }
}

function accessKind(module: WasmModule, { op, a }: Instruction): Access["kind"] | undefined {
  switch (op) {
    case 0x10:
      return typeof module.functions[a] === "string" ? "begin" : undefined;
    case 0x28:
    case 0xfe10:
      return "load";
    case 0x36:
    case 0xfe17:
      return "store";
    case 0xfe1e:
    case 0xfe25:
      return "add";
    case 0xfc0b:
      return "fill";
    case 0xfe01:
      return "wait";
    case 0xfe00:
      return "notify";
    default:
      return undefined;
  }
}

/** What the thread does next; undefined where it has ended. Not to be asked while it sleeps. */
export function nextAccess(module: WasmModule, thread: Thread): Access | undefined {
  if (thread.calling) return { kind: "end", address: 0, args: thread.calling, plain: false };
  const i = current(module, thread);
  if (!i) return undefined;
  const kind = accessKind(module, i)!;
  const { stack } = thread;
  if (kind === "begin") {
    const params = Number((module.functions[i.a] as string).split(" ")[1]);
    return { kind, address: 0, args: stack.slice(stack.length - params), plain: false };
  }
  const operands = { load: 1, store: 2, add: 2, fill: 3, wait: 3, notify: 2 }[kind as "load"];
  return {
    kind,
    address: stack.at(-operands)! + i.a,
    args: stack.slice(stack.length - operands + 1),
    plain: i.op < 0xfe00,
  };
}

/** Does the thread's next access, all threads being `threads`, and what follows up to the one after it. */
export function step(
  module: WasmModule,
  threads: readonly Thread[],
  index: number,
  memory: Int32Array,
): void {
  const thread = threads[index]!;
  const { kind, address, args } = nextAccess(module, thread)!;
  const i = current(module, thread)!;
  const { stack } = thread;
  const word = address >> 2;
  if (kind === "begin") {
    stack.length -= args.length;
    thread.calling = args;
    return;
  }
  if (kind === "end") thread.calling = undefined;
  else stack.length -= args.length + 1;
  thread.frames.at(-1)!.pc++;
  if (kind === "load") stack.push(memory[word]!);
  else if (kind === "store") memory[word] = args[0]!;
  else if (kind === "add") {
    stack.push(memory[word]!);
    memory[word]! += i.op === 0xfe1e ? args[0]! : -args[0]!;
  } else if (kind === "fill") memory.fill(args[0]! * 0x01010101, word, word + (args[1]! >> 2));
  else if (kind === "wait") {
    // A timeout never comes: what only it would end is a deadlock here.
    if (memory[word] === args[0]) {
      thread.waiting = address;
      return;
    }
    stack.push(1);
  } else if (kind === "notify") stack.push(notify(module, threads, address, args[0]! >>> 0));
  settle(module, thread);
}

/** Wakes the threads that sleep on an address, at most so many; how many those were. */
export function notify(
  module: WasmModule,
  threads: readonly Thread[],
  address: number,
  most: number,
): number {
  const sleeping = threads.filter(({ waiting }) => waiting === address).slice(0, most);
  for (const thread of sleeping) {
    thread.waiting = undefined;
    thread.stack.push(0);
    settle(module, thread);
  }
  return sleeping.length;
}
