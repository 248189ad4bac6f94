import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkRunConfig, runTable } from "../../src/run/config.ts";
import { run } from "../../src/run/node.ts";
import { tempFolder, wasmgrad } from "../cli/helpers.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(new URL("../../docs/runs.md", import.meta.url), "utf8");
const block = (language: string) => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)![1]!;

test("the settings of docs/runs.md give the same weights by the command, by its code, and by run()", async () => {
  const folder = await tempFolder();
  writeFileSync(join(folder, "run.json"), block("json"));
  writeFileSync(join(folder, "code.mjs"), block("js"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "wasmgrad"), "junction");
  const done = await wasmgrad(["train", "--config", "run.json", "--json"], { cwd: folder });
  const record = JSON.parse(done.stdout);
  expect(record).toMatchObject({ model: "tiny", images: { train: 400, validation: 100, test: 100 } });
  const printed = execFileSync(process.execPath, ["code.mjs"], { cwd: folder, encoding: "utf8" });
  expect(printed).toMatch(/^400 images, \d+ threads\n1 \S+\n2 \S+\n\S+ [0-9a-f]{64}\n$/);
  expect(printed).toContain(`${record.test.accuracy} ${record.weightsSha256}`);
  const { weightsSha256, learner } = await run(JSON.parse(block("json")));
  learner.dispose();
  expect(weightsSha256).toBe(record.weightsSha256);
});

test("docs/runs.md has every setting, with its default", () => {
  const rows = [...text.split("## Settings")[1]!.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|([^|]*)\|/gm)];
  const names = rows.flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  expect(names.sort()).toEqual(Object.keys(runTable()).sort());
  const config = checkRunConfig({}) as unknown as Record<string, unknown>;
  const said = Object.fromEntries(rows.map(([, cell, value]) => [cell!, value!.trim()]));
  for (const name of ["dataset", "model", "loss", "validationSplit"])
    expect(JSON.parse(said[`\`${name}\``]!.replaceAll("`", ""))).toBe(config[name]);
  expect(said["`epochs`, `batchSize`"]).toBe(`${config.epochs}, ${config.batchSize}`);
});
