import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// What continuous integration reports of a run: on tests of its own, in a vitest of its own.
const root = fileURLToPath(new URL("../../", import.meta.url));

const TESTS = `
import { describe, expect, test } from "vitest";
let tries = 0;
test("passes", () => {});
test("passes the third time", { retry: 3 }, () => expect(++tries).toBe(3));
test.skip("is skipped: no browser", () => {});
describe("with a note", () => { test("skips itself", ({ skip }) => skip("no network")); });
if (process.env.FAIL) test("fails", { retry: 1 }, () => expect(1).toBe(2));
`;

async function run(fail: boolean): Promise<{ status: number; lines: string[] }> {
  // Inside of the checkout, where vitest is found, in a folder that git and linters pass over.
  await mkdir(join(root, "coverage"), { recursive: true });
  const folder = await mkdtemp(join(root, "coverage/reporter-"));
  try {
    await writeFile(join(folder, "some.test.js"), TESTS);
    await writeFile(join(folder, "vitest.config.js"), "export default {};");
    const args = [
      "run",
      "--root",
      folder,
      "--reporter=default",
      `--reporter=${join(root, "scripts/test-reporter.mjs")}`,
    ];
    const { FAIL: _, ...env } = process.env;
    return await new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(root, "node_modules/vitest/vitest.mjs"), ...args],
        { cwd: folder, env: { ...env, ...(fail && { FAIL: "1" }), NO_COLOR: "1" } },
        (error, stdout) =>
          resolve({ status: error ? Number(error.code) : 0, lines: stdout.trimEnd().split("\n") }),
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a run ends with what was skipped, what was retried, and the counts", async () => {
  const { status, lines } = await run(false);
  expect(status).toBe(0);
  expect(lines.slice(-8)).toEqual([
    "2 skipped:",
    "  some.test.js: is skipped: no browser",
    "  some.test.js: with a note > skips itself (no network)",
    "",
    "1 RETRIED, find out why:",
    "  some.test.js: passes the third time (passed after 2 retries)",
    "",
    "2 passed, 0 failed, 2 skipped",
  ]);
});

test("one that fails says so, and its status is that of a failure", async () => {
  const { status, lines } = await run(true);
  expect(status).toBe(1);
  expect(lines).toContain("  some.test.js: fails (failed after 1 retry)");
  expect(lines.at(-1)).toBe("2 passed, 1 failed, 2 skipped");
});
