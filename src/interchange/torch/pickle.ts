// Python's pickles as data: the opcodes that build values, and nothing of what runs code. What a pickle calls for by its
// module and name, its reader knows, or it refuses it.
// The format: https://github.com/python/cpython/blob/main/Lib/pickletools.py

/** No pickle, or one that breaks off, or does what none of plain values does. */
export class PickleError extends Error {
  override readonly name = "PickleError";
}

/** What values that are none of Python's plain ones stand for. Each throws on what it does not know. */
export interface Meaning {
  /** What is imported by that name. */
  global(module: string, name: string): unknown;
  /** What that gives, called, where it was imported. */
  call(callee: unknown, args: readonly unknown[]): unknown;
  /** What lies beside the pickle, by what the pickle says of it. */
  persistent(id: unknown): unknown;
}

/** Bytes of the longest whole number that is read. */
const LONGEST = 16;

/**
 * What a pickle of protocol 2 to 5 holds: lists and tuples as arrays, dicts as maps. It takes as many steps as there are
 * bytes, and no more memory than a few times those.
 * Throws PickleError, and what `meaning` throws.
 */
export function unpickle(bytes: Uint8Array, meaning: Meaning): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;

  const fail = (problem: string): never => {
    throw new PickleError(`${problem} at byte ${at}`);
  };
  /** The place of the next n bytes. */
  const take = (n: number): number => {
    if (n > bytes.length - at) fail("it breaks off");
    at += n;
    return at - n;
  };
  const u8 = () => view.getUint8(take(1));
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => Number(view.getBigUint64(take(8), true));
  const part = (n: number) => {
    const from = take(n);
    return bytes.subarray(from, from + n);
  };
  const string = (n: number) => text.decode(part(n));
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("it breaks off");
    const found = text.decode(bytes.subarray(at, end));
    at = end + 1;
    return found;
  };
  const long = (n: number): number | bigint => {
    if (n > LONGEST) fail(`it holds a whole number of ${n} bytes`);
    let value = 0n;
    const digits = part(n);
    for (let i = n - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i]!);
    value = n > 0 && digits[n - 1]! >= 0x80 ? value - (1n << BigInt(8 * n)) : value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  const pop = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail("it takes a value where there is none");
    return stack.pop();
  };
  const top = (): unknown => {
    if (stack.length <= (marks.at(-1) ?? 0)) fail("it takes a value where there is none");
    return stack.at(-1);
  };
  const popMark = (): unknown[] => {
    const mark = marks.pop();
    return mark === undefined ? fail("it ends a list that it did not begin") : stack.splice(mark);
  };
  const list = (): unknown[] => {
    const value = top();
    return Array.isArray(value) ? value : fail("it appends to what is no list");
  };
  const pairs = (map: Map<unknown, unknown>, flat: readonly unknown[]) => {
    if (flat.length % 2) fail("it has a key without a value");
    for (let i = 0; i < flat.length; i += 2) map.set(flat[i], flat[i + 1]);
    return map;
  };
  const setItems = (flat: readonly unknown[]) => {
    const value = top();
    if (!(value instanceof Map)) fail("it sets a key of what is no dict");
    pairs(value as Map<unknown, unknown>, flat);
  };
  const recall = (index: number) =>
    stack.push(memo.has(index) ? memo.get(index) : fail(`it recalls value ${index}, which it did not keep`));
  const imported = (module: unknown, name: unknown) => {
    if (typeof module !== "string" || typeof name !== "string") fail("it imports what has no name");
    return meaning.global(module as string, name as string);
  };
  const call = (args: unknown) => {
    const callee = pop();
    stack.push(
      meaning.call(callee, Array.isArray(args) ? args : fail("it calls with what are no arguments")),
    );
  };

  const run: Readonly<Record<number, () => unknown>> = {
    // PROTO, FRAME
    128: () => u8() > 5 && fail("it is of a later protocol than 5"),
    149: () => take(8),
    // MARK, POP, POP_MARK, DUP
    40: () => marks.push(stack.length),
    48: pop,
    49: popMark,
    50: () => stack.push(top()),
    // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
    113: () => memo.set(u8(), top()),
    114: () => memo.set(u32(), top()),
    148: () => memo.set(memo.size, top()),
    104: () => recall(u8()),
    106: () => recall(u32()),
    // NONE, NEWTRUE, NEWFALSE, BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
    78: () => stack.push(null),
    136: () => stack.push(true),
    137: () => stack.push(false),
    74: () => stack.push(view.getInt32(take(4), true)),
    75: () => stack.push(u8()),
    77: () => stack.push(view.getUint16(take(2), true)),
    138: () => stack.push(long(u8())),
    139: () => stack.push(long(u32())),
    71: () => stack.push(view.getFloat64(take(8))),
    // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8, SHORT_BINSTRING, BINSTRING, SHORT_BINBYTES, BINBYTES, BINBYTES8
    140: () => stack.push(string(u8())),
    88: () => stack.push(string(u32())),
    141: () => stack.push(string(u64())),
    85: () => stack.push(string(u8())),
    84: () => stack.push(string(u32())),
    67: () => stack.push(part(u8())),
    66: () => stack.push(part(u32())),
    142: () => stack.push(part(u64())),
    // EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3, EMPTY_LIST, LIST, APPEND, APPENDS
    41: () => stack.push([]),
    116: () => stack.push(popMark()),
    133: () => stack.push([pop()]),
    134: () => stack.push([pop(), pop()].reverse()),
    135: () => stack.push([pop(), pop(), pop()].reverse()),
    93: () => stack.push([]),
    108: () => stack.push(popMark()),
    97: () => {
      const value = pop();
      list().push(value);
    },
    101: () => {
      const values = popMark();
      const into = list();
      for (const value of values) into.push(value);
    },
    // EMPTY_DICT, DICT, SETITEM, SETITEMS
    125: () => stack.push(new Map()),
    100: () => stack.push(pairs(new Map(), popMark())),
    115: () => setItems([pop(), pop()].reverse()),
    117: () => setItems(popMark()),
    // EMPTY_SET, ADDITEMS, FROZENSET
    143: () => stack.push(new Set()),
    144: () => {
      const values = popMark();
      const into = top();
      if (!(into instanceof Set)) fail("it adds to what is no set");
      for (const value of values) (into as Set<unknown>).add(value);
    },
    145: () => stack.push(new Set(popMark())),
    // GLOBAL, STACK_GLOBAL
    99: () => stack.push(imported(line(), line())),
    147: () => stack.push(imported(...([pop(), pop()].reverse() as [unknown, unknown]))),
    // REDUCE, NEWOBJ, and BUILD, which gives an object attributes: no weights.
    82: () => call(pop()),
    129: () => call(pop()),
    98: () => {
      pop();
      top();
    },
    // BINPERSID
    81: () => stack.push(meaning.persistent(pop())),
  };

  if (bytes[0] !== 128) fail("it does not begin as pickles do");
  for (;;) {
    const code = u8();
    // STOP
    if (code === 46) return pop();
    const step = Object.hasOwn(run, code) ? run[code] : undefined;
    if (!step) fail(`it has opcode 0x${code.toString(16)}, which no state_dict has,`);
    step!();
  }
}
