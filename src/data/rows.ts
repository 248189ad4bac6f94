type Numbers = Uint8Array | Uint8ClampedArray | Uint32Array | Float32Array;

/** Copies of some rows of `size` numbers each, in this order: what belongs to some of the samples. */
export function rowsOf<T extends Numbers>(array: T, rows: Uint32Array, size: number): T {
  // Not its constructor: Node's Buffers are bytes, too.
  const Kind = [Float32Array, Uint32Array, Uint8ClampedArray].find((kind) => array instanceof kind);
  const own = new (Kind ?? Uint8Array)(rows.length * size) as Numbers as T;
  for (const [i, row] of rows.entries()) own.set(array.subarray(row * size, (row + 1) * size), i * size);
  return own;
}
