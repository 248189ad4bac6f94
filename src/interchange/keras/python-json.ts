/** Numbers that are whole in Python, too, whatever they are. */
const WHOLE = new Set([
  ...["ema_overwrite_frequency", "gradient_accumulation_steps", "decay_steps", "first_decay_steps"],
  ...[
    "warmup_steps",
    "boundaries",
    "steps_per_execution",
    "k",
    "top_k",
    "class_id",
    "num_thresholds",
    "axis",
  ],
]);

/** JSON in which other numbers are floats: 1.0, as Python tells from 1, which Keras refuses for a learning rate. */
export function pythonJson(value: unknown, key = ""): string {
  if (typeof value === "number" && Number.isInteger(value) && !WHOLE.has(key)) {
    const text = String(value);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item ?? null, key)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${pythonJson(item, name)}`).join(",")}}`;
}
