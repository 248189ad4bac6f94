import { join } from "node:path";
import { printable } from "../output.ts";

/** Where the report of a run is, and commands that go on from it. */
export function nextSteps(folder: string, dataset: string): string {
  const run = quote(folder);
  const other = { digits: "mnist", mnist: "digits" }[dataset] ?? dataset;
  return [
    `Report:    ${printable(join(folder, "report.html"))}`,
    `Evaluate:  ${invocation()} evaluate ${run} --dataset ${quote(other)}`,
    `Predict:   ${invocation()} predict ${run} picture.png`,
  ].join("\n");
}

/** How the user started this program. npm says so. */
export function invocation(): string {
  const { npm_lifecycle_event: script, npm_command: command } = process.env;
  if (script === "start") return "npm start --";
  return command === "exec" ? "npx wasmgrad" : "wasmgrad";
}

/** A path as a shell takes it. */
function quote(path: string): string {
  if (/^[\w./\\:@%+,-]+$/.test(path) && !path.startsWith("-")) return path;
  const named = path.startsWith("-") ? `./${path}` : path;
  return `'${printable(named).replaceAll("'", "'\\''")}'`;
}
