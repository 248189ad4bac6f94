/** Elements in one task of an elementwise kernel: 32 KiB of f32. */
export const GRAIN = 8192;

/** Tasks that cover n elements. */
export function chunks(n: number, grain = GRAIN): number {
  return Math.ceil(n / grain);
}
