/** Numbers that sizes and offsets are seldom checked for. */
const EXTREME = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
export const EXTREME_NUMBERS = [
  -1,
  0,
  0.5,
  1,
  3,
  255,
  65_537,
  2 ** 20,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  1e8,
  1e15,
  Number.MAX_SAFE_INTEGER,
  1e300,
];

/** A source of whole numbers below n that a seed fixes (mulberry32). */
export function randomOf(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/** The bytes with one to four of them, or a few stretches of them, changed, lost, doubled or set to an extreme number. */
export function mutateBytes(original: Uint8Array, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(original);
  // Headers are at the start: half of what happens, happens there.
  const place = () => below(below(2) ? Math.min(bytes.length, 256) : bytes.length);
  for (let i = below(4); i >= 0 && bytes.length > 4; i--) {
    const at = place();
    const length = 1 + below(16);
    const view = new DataView(bytes.buffer);
    switch (below(6)) {
      case 0:
        bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = below(256);
        break;
      case 2:
        view.setUint32(Math.min(at, bytes.length - 4), EXTREME[below(EXTREME.length)]!, below(2) === 0);
        break;
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      case 4:
        bytes = joined(bytes.subarray(0, at + length), bytes.subarray(at));
        break;
      case 5:
        bytes = joined(bytes.subarray(0, at), new Uint8Array(length).fill(below(256)), bytes.subarray(at));
    }
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The value with one to three of its numbers, texts, lists or fields changed, lost or doubled. */
export function mutateJson(value: unknown, below: (n: number) => number): unknown {
  const copy: unknown = structuredClone(value);
  for (let i = below(3); i >= 0; i--) {
    const holders: Record<string, unknown>[] = [];
    const walk = (node: unknown) => {
      if (typeof node !== "object" || node === null) return;
      holders.push(node as Record<string, unknown>);
      for (const inner of Object.values(node)) walk(inner);
    };
    walk(copy);
    const holder = holders[below(holders.length)]!;
    const keys = Object.keys(holder);
    const key = keys[below(keys.length)];
    if (key === undefined) continue;
    const old = holder[key];
    const number = EXTREME_NUMBERS[below(EXTREME_NUMBERS.length)]!;
    const choices = [number, [number, number], [number, number, number], null, "relu", [], {}, [old, old]];
    if (typeof old === "number" || below(3) > 0)
      holder[key] = typeof old === "number" ? number : choices[below(choices.length)];
    else if (Array.isArray(holder)) (holder as unknown[]).splice(Number(key), below(2), old);
    else delete holder[key];
  }
  return copy;
}

/** The bytes with each PNG chunk's checksum made right, as far as there are chunks. */
export function withPngChecksums(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > png.length) break;
    let crc = 0xffffffff;
    for (const byte of png.subarray(at + 4, end)) {
      crc ^= byte;
      for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    view.setUint32(end, ~crc >>> 0);
    at = end + 4;
  }
  return png;
}
