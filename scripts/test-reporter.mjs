// A reporter for vitest that says last what a green run hides: tests that were skipped, with their reasons, and tests that
// passed only when they were tried again; and closes with one line of counts.

const MARKS = { passed: "passed", failed: "failed", skipped: "skipped", pending: "skipped" };

/** What a run came to. `tests`: vitest's test cases, or anything with their methods. */
export function summaryOf(tests) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const skipped = [];
  const retried = [];
  for (const test of tests) {
    const { state, note } = test.result();
    counts[MARKS[state]]++;
    const name = `${test.module.relativeModuleId}: ${test.fullName}`;
    if (MARKS[state] === "skipped") skipped.push(note ? `${name} (${note})` : name);
    const retries = test.diagnostic()?.retryCount ?? 0;
    if (retries > 0)
      retried.push(`${name} (${state} after ${retries === 1 ? "1 retry" : `${retries} retries`})`);
  }
  const list = (title, names) => (names.length > 0 ? [title, ...names.map((name) => `  ${name}`), ""] : []);
  return [
    ...list(`${skipped.length} skipped:`, skipped),
    ...list(`${retried.length} RETRIED, find out why:`, retried),
    `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
  ].join("\n");
}

export default class {
  onTestRunEnd(modules) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    // After what other reporters still print.
    process.on("exit", () => console.log(`\n${summaryOf(tests)}`));
  }
}
