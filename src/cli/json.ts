/** JSON with two spaces of indent, but each list of plain values on one line: a confusion matrix stays a matrix. */
export function formatJson(value: unknown, indent = ""): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const deeper = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => formatJson(item, deeper))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}: ${formatJson(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (lines.length === 0) return `${open}${close}`;
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object"))
    return `${open}${lines.join(", ")}${close}`;
  return `${open}\n${deeper}${lines.join(`,\n${deeper}`)}\n${indent}${close}`;
}
