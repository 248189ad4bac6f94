/** Numbers as text, the same on every machine. A missing or not finite one is a dash. */

export const NONE = "–";
const NBSP = "\u00a0";

/** 121,930. */
export function count(n: number): string {
  return Number.isFinite(n) ? Math.round(n).toLocaleString("en-US") : NONE;
}

/** "1 image", "60,000 images". Not that of options/: pages that train would load a chunk more for a line that both share. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A share as a percentage. Only a whole share reads 100 %, and only none reads 0 %: else `> 99.9 %`, `< 0.1 %`. */
export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  const step = 10 ** -digits;
  const text = (value: number) => `${value.toFixed(digits)}${NBSP}%`;
  if (share <= 0 || share === 1) return `${(100 * share).toFixed(0)}${NBSP}%`;
  if (share < 1 && Number((100 * share).toFixed(digits)) >= 100) return `>${NBSP}${text(100 - step)}`;
  if (Number((100 * share).toFixed(digits)) === 0) return `<${NBSP}${text(step)}`;
  return text(100 * share);
}

/** Four significant digits, for a loss. */
export function significant(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return NONE;
  if (n === 0) return "0";
  return Math.abs(n) < 1e-4 || Math.abs(n) >= 1e6 ? n.toExponential(2) : String(Number(n.toPrecision(4)));
}

/** 0.981: precision, recall, F1. */
export function fixed(n: number | null, digits = 3): string {
  return n === null || !Number.isFinite(n) ? NONE : n.toFixed(digits);
}

/** 42.1 s, 3 min 05 s, 2 h 03 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return NONE;
  if (seconds < 59.95) return `${seconds.toFixed(1)}${NBSP}s`;
  const whole = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}${NBSP}min ${pad(whole % 60)}${NBSP}s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)}${NBSP}h ${pad(minutes % 60)}${NBSP}min`;
}

/** 28 × 28 × 1. */
export function dimensions(shape: readonly number[]): string {
  return shape.join(`${NBSP}×${NBSP}`);
}

/** A date of ISO 8601 in UTC, to the minute; other text as it is. */
export function dateTime(date: string): string {
  const time = new Date(date);
  return Number.isNaN(time.getTime()) ? date : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
