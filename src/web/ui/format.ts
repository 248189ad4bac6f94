export { count, dimensions, duration, percent, significant } from "../../report/format.ts";

const NBSP = "\u00a0";

/** Bytes as 11.6 MB. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)}${NBSP}MB`;
}
