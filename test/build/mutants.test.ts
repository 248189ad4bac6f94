import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Job } from "../../scripts/mutants/job.mjs";
import { outcomesIn, stateOf } from "../../scripts/mutants/log.mjs";

test("an outcome is known again until the mutated file or a test changes", () => {
  const root = mkdtempSync(join(tmpdir(), "wasmgrad-mutants-log-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  for (const folder of ["src", "test"]) mkdirSync(join(root, folder));
  write("src/a.ts", "a < b");
  write("src/b.ts", "b");
  write("test/a.test.ts", "first");
  execFileSync("git", ["init", "-q"], { cwd: root });
  execFileSync("git", ["add", "."], { cwd: root });
  const mutant = {
    file: "src/a.ts",
    first: 0,
    last: 5,
    line: 1,
    mutator: "EqualityOperator",
    replacement: "a <= b",
  };
  const now = () => ({ ...mutant, ...stateOf(root)(mutant) });
  const outcomes = outcomesIn([JSON.stringify({ ...now(), group: "nn", outcome: "survived" })]);
  const known = () => outcomes.get(now())?.outcome;

  expect(known()).toBe("survived");
  write("src/b.ts", "another file");
  expect(known()).toBe("survived");
  write("src/a.ts", "a < c");
  expect(known()).toBeUndefined();
  write("src/a.ts", "a < b");
  expect(known()).toBe("survived");
  write("test/a.test.ts", "second");
  expect(known()).toBeUndefined();
  // Lines of before that say nothing of what they were found with.
  expect(outcomesIn([JSON.stringify({ ...mutant, outcome: "killed" })]).get(now())).toBeUndefined();
});

test("a group whose build fails without a mutant is none to begin with", async () => {
  const job = new Job();
  onTestFinished(() => job.end());
  const failing = ["node", ["-e", "console.log('no such kernel'); process.exit(3)"]] as const;
  for (const build of ["build", "emit"] as const)
    await expect(job.check({ stages: [], [build]: failing })).rejects.toThrow(
      /^node -e .* fails without a mutant:\nno such kernel\n$/,
    );
  await job.check({ stages: [], build: ["node", ["-e", ""]] });
});
