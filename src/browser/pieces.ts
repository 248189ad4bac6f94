// Plain data with large arrays in the browser's IndexedDB: in pieces, so that no task of the page is long, and each value in one
// transaction, so that a page that is closed meanwhile leaves the old value or the new one.

import { createStore, promisifyRequest } from "idb-keyval";
import { ARRAYS, type ArrayKind } from "../formats/array-kinds.ts";
import { isObject } from "../options/kinds.ts";

/** Of what is kept and can never be gone on with: damaged, of an older version, or of what has changed since. All else may pass. */
export class UnusableError extends Error {
  override readonly name = "UnusableError";
}

/** Bytes that are copied in one task of the page. */
const PIECE = 2 ** 21;

type Numbers = InstanceType<(typeof ARRAYS)[ArrayKind]>;

/** In a frame: what stands for an array, whose numbers follow in pieces. */
const ARRAY = "$array";

/** A value without its arrays, which lies at [name, 0]; pieces from [name, 1] on. */
interface Frame {
  readonly value: unknown;
  readonly pieces: number;
}

let opened: ReturnType<typeof createStore> | undefined;
const store: ReturnType<typeof createStore> = async (mode, work) => {
  opened ??= createStore("wasmgrad-trainings", "pieces");
  return opened(mode, work);
};

const allOf = (name: string) => IDBKeyRange.bound([name], [name, []]);

/** Keeps a value: plain data and typed arrays, which nobody may change meanwhile. Rejects with the browser's DOMException where it has no room. */
export async function keepPieces(name: string, value: unknown): Promise<void> {
  const arrays: Numbers[] = [];
  const frame = framed(value, arrays);
  await store("readwrite", async (objects) => {
    const { transaction } = objects;
    const done = promisifyRequest(transaction);
    // Told below: an aborted one would be told twice.
    done.catch(() => {});
    try {
      let pieces = 0;
      for (const piece of piecesOf(arrays)) await promisifyRequest(objects.put(piece, [name, ++pieces]));
      objects.delete(IDBKeyRange.bound([name, pieces], [name, []], true));
      objects.put({ value: frame, pieces } satisfies Frame, [name, 0]);
    } catch (error) {
      // The browser may have aborted it itself.
      if (transaction.error === null) transaction.abort();
      throw error;
    }
    await done;
  });
}

/** The value, arrays and all; undefined where there is none. Rejects with UnusableError where it is damaged, else with what kept it from being read. */
export function readPieces(name: string): Promise<unknown> {
  return store("readonly", async (objects) => {
    const found: unknown = await promisifyRequest(objects.get([name, 0]));
    if (found === undefined) return undefined;
    const arrays: Numbers[] = [];
    const value = filled((found as Partial<Frame>).value, arrays);
    let piece = new Uint8Array();
    let number = 0;
    let at = 0;
    for (const array of arrays) {
      const bytes = new Uint8Array(array.buffer);
      for (let from = 0; from < bytes.length; ) {
        if (at === piece.length) {
          const next: unknown = await promisifyRequest(objects.get([name, ++number]));
          if (!(next instanceof Uint8Array) || next.length === 0) throw damaged(name);
          piece = next as typeof piece;
          at = 0;
        }
        const part = piece.subarray(at, at + bytes.length - from);
        bytes.set(part, from);
        at += part.length;
        from += part.length;
      }
    }
    if (at !== piece.length || number !== (found as Partial<Frame>).pieces) throw damaged(name);
    return value;
  });
}

/** The value without its arrays' numbers, which costs little; undefined where there is none. */
export async function readFrame(name: string): Promise<unknown> {
  const found: unknown = await store("readonly", (objects) => promisifyRequest(objects.get([name, 0])));
  return isObject(found) ? found.value : undefined;
}

/** Changes what a value has beside its arrays. */
export function changeFrame(name: string, change: (value: unknown) => unknown): Promise<void> {
  return store("readwrite", async (objects) => {
    const found: unknown = await promisifyRequest(objects.get([name, 0]));
    if (isObject(found)) objects.put({ ...found, value: change(found.value) }, [name, 0]);
    await promisifyRequest(objects.transaction);
  });
}

export function removePieces(name: string): Promise<void> {
  return store("readwrite", (objects) => {
    objects.delete(allOf(name));
    return promisifyRequest(objects.transaction);
  });
}

/** Names of all values. */
export async function keptNames(): Promise<string[]> {
  const keys: IDBValidKey[] = await store("readonly", (objects) => promisifyRequest(objects.getAllKeys()));
  return [...new Set(keys.flatMap((key) => (Array.isArray(key) ? [String(key[0])] : [])))];
}

const damaged = (name: string) => new UnusableError(`what is kept as "${name}" is damaged`);

/** A copy with what stands for arrays in their place. */
function framed(value: unknown, arrays: Numbers[]): unknown {
  if (ArrayBuffer.isView(value)) {
    const kind = value.constructor.name as ArrayKind;
    const { length } = value as Numbers;
    arrays.push(value as Numbers);
    return { [ARRAY]: kind, length };
  }
  return mapped(value, (inner) => framed(inner, arrays));
}

/** The same value with arrays of zeros, which are also listed. */
function filled(value: unknown, arrays: Numbers[]): unknown {
  const kind = isObject(value) ? value[ARRAY] : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(ARRAYS, kind))
    return mapped(value, (inner) => filled(inner, arrays));
  const array = new ARRAYS[kind as ArrayKind]((value as { length: number }).length);
  arrays.push(array);
  return array;
}

function mapped(value: unknown, change: (inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

/** The bytes of all arrays, one after the other. */
function* piecesOf(arrays: readonly Numbers[]): Generator<Uint8Array<ArrayBuffer>, void> {
  let left = arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  let piece = new Uint8Array(Math.min(PIECE, left));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let from = 0; from < byteLength; ) {
      const part = bytes.subarray(from, from + piece.length - at);
      piece.set(part, at);
      at += part.length;
      from += part.length;
      if (at < piece.length) continue;
      yield piece;
      left -= at;
      piece = new Uint8Array(Math.min(PIECE, left));
      at = 0;
    }
  }
}
