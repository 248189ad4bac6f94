/** Longest text of a value in an error. */
const LONGEST = 60;

/**
 * A value as JSON, short enough for an error's one line. Values come from files and from callers: one that is nested
 * deeply, holds itself or has no JSON is described instead, and never makes the error that was to be told another one.
 */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Nested beyond the stack, a cycle, or a bigint.
    text = Array.isArray(value)
      ? "a list that cannot be shown"
      : `${value === Object(value) ? "an" : "a"} ${typeof value} that cannot be shown`;
  }
  text ??= String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
