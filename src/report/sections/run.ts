import { count, dateTime, NONE } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import type { Configuration, Report, Setting } from "../types.ts";
import { section } from "./parts.ts";

type Pair = readonly [name: string, value: string];

/** All settings, what it ran on, and the weights' hash: what is needed to repeat the run. */
export function run({ configuration, machine, timing, weightsSha256 }: Report): Markup {
  const facts: [string, string | undefined][] = [
    ["Processor", machine.cpu],
    ["Logical cores", machine.cores === undefined ? undefined : count(machine.cores)],
    ["Operating system", machine.os],
    ...Object.entries(machine.runtimes ?? {}),
    ["Finished", dateTime(timing.date)],
  ];
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  return section(
    "run",
    "The run",
    markup`<p class="lead">With the same settings, a reproducible build of the kernels gives the same weights, bit for bit, on any machine.</p>
<div class="split">
<div class="panel"><h3>Configuration</h3>${pairs("Settings of the run", settings(configuration))}</div>
<div class="stack">
<div class="panel"><h3>Machine</h3>${pairs("What the run ran on", known)}</div>
${
  weightsSha256 !== undefined &&
  markup`<div class="panel"><h3>Trained weights</h3><p class="lead">SHA-256 of all weights, the same for the same weights:</p><code>${weightsSha256}</code></div>`
}
</div>
</div>`,
  );
}

/** Nested settings as dotted names, in their order. */
export function settings(configuration: Configuration): Pair[] {
  return Object.entries(configuration).flatMap(([name, value]) => flatten(name, value));
}

function flatten(name: string, value: Setting): Pair[] {
  if (value === null || value === undefined) return [[name, NONE]];
  if (typeof value === "number") return [[name, numberText(value)]];
  if (typeof value !== "object") return [[name, String(value)]];
  if (isList(value))
    return value.every((item) => item === null || typeof item !== "object")
      ? [[name, value.length === 0 ? NONE : value.map(String).join(", ")]]
      : value.flatMap((item, i) => flatten(`${name}[${i}]`, item));
  const inner = Object.entries(value);
  return inner.length === 0
    ? [[name, NONE]]
    : inner.flatMap(([key, item]) => flatten(`${name}.${key}`, item));
}

/** 1/255 reads better than 0.00392156862745098; a number of few digits stays as it is. */
function numberText(value: number): string {
  const text = String(value);
  const whole = Math.round(1 / value);
  return text.length > 8 && whole > 1 && 1 / whole === value ? `1/${whole}` : text;
}

function isList(value: Setting): value is readonly Setting[] {
  return Array.isArray(value);
}

function pairs(caption: string, rows: readonly Pair[]): Markup {
  if (rows.length === 0) return markup`<p class="lead">Not recorded.</p>`;
  return markup`<table class="pairs">
<caption>${caption}</caption>
<tbody>${rows.map(
    ([name, value]) => markup`
<tr><th scope="row">${breakable(name)}</th><td>${value}</td></tr>`,
  )}
</tbody>
</table>`;
}

/** Lets a dotted name break after its dots. */
function breakable(name: string): Markup[] {
  return name.split(/(?<=\.)/).map((part, i) => markup`${i > 0 && markup`<wbr>`}${part}`);
}
