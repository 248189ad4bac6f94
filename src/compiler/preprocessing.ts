/** How bytes become numbers: a pixel is pixel * scale + offset. */
export interface Preprocessing {
  readonly scale: number;
  readonly offset: number;
}

/** Byte pixels become numbers from 0 to 1: what there is unless one says otherwise. */
export const TO_UNIT: Preprocessing = { scale: 1 / 255, offset: 0 };

/** What is wrong with it, if anything: a pixel must become a number that f32 holds. */
export function preprocessingProblem({ scale, offset }: Preprocessing): string | undefined {
  if (!Number.isFinite(scale) || !Number.isFinite(offset))
    return `scale is ${scale} and offset ${offset}, expected finite numbers`;
  const largest = Math.fround(255 * Math.fround(Math.abs(scale)) + Math.fround(Math.abs(offset)));
  if (Number.isFinite(largest)) return undefined;
  return `scale ${scale} and offset ${offset} take a pixel of 255 beyond the range of f32, expected such as scale ${TO_UNIT.scale} and offset 0`;
}
