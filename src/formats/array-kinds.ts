/** Typed arrays that a state may hold, by their names: for what writes states as text or in pieces. */
export const ARRAYS = {
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
};
export type ArrayKind = keyof typeof ARRAYS;
