import { join } from "node:path";
import { GENERATED } from "../../data/datasets.ts";
import { isKnown, type Targets } from "../../run/config.ts";
import type { Freeze } from "../../train/transfer.ts";
import { printable } from "../output.ts";

/** Where the report of a run is, and commands that go on from it. `goesOn`: it was stopped, and has a checkpoint. */
export function nextSteps(
  folder: string,
  { dataset, dataDir, testSplit, skipBad, targets = "labels", base, freeze, recipe }: NextOptions,
  goesOn = false,
): string {
  const run = quote(folder);
  const evaluate = `${invocation()} evaluate ${run}`;
  // A known dataset is found again by the name in the model's file.
  const name = isKnown(dataset) ? "" : ` --dataset ${quote(dataset)}`;
  const place = dataDir === undefined ? "" : ` --data-dir ${quote(dataDir)}`;
  const pictures = `${testSplit === undefined ? "" : ` --test-split ${testSplit}`}${skipBad ? " --skip-bad" : ""}`;
  return [
    `Report:    ${printable(join(folder, "report.html"))}`,
    ...(goesOn ? [`Go on:     ${goOn(folder)}`] : []),
    `By ${targets === "labels" || targets === "masks" ? "class" : "image"}:  ${evaluate}${name}${place}${pictures}`,
    `Predict:   ${invocation()} predict ${run} picture.png${targets === "masks" || targets === "images" ? " --out answers" : ""}`,
    ...(base !== undefined && freeze !== "none" && recipe === undefined
      ? [
          "",
          "Train the backbone on, too, in small steps:",
          `           ${invocation()} train --config ${quote(join(folder, "result.json"))} --from ${run} --freeze none --learning-rate 0.00001`,
        ]
      : []),
    ...(dataset === GENERATED
      ? [
          "",
          "How it does on real handwriting, which it has not seen:",
          `           ${evaluate} --dataset mnist`,
        ]
      : []),
  ].join("\n");
}

/** The command that goes on with a run. */
export const goOn = (folder: string) => `${invocation()} train --resume ${quote(folder)}`;

interface NextOptions {
  readonly dataset: string;
  readonly base?: string | undefined;
  readonly freeze?: Freeze | undefined;
  readonly recipe?: string | undefined;
  readonly targets?: Targets | undefined;
  readonly dataDir?: string | undefined;
  readonly testSplit?: number | undefined;
  readonly skipBad?: boolean | undefined;
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
