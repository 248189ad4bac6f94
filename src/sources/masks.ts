/** Classes of pixels; where all are black or white, 0 and 1. */
export function blackAndWhite(ids: Uint8Array): Uint8Array {
  return ids.includes(255) && ids.every((id) => id === 0 || id === 255) ? ids.map((id) => id & 1) : ids;
}
