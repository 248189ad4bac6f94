// Runs every test, those that npm test leaves out because they take long among them; arguments go to vitest.
import { spawnSync } from "node:child_process";

const { status } = spawnSync("npx", ["vitest", "run", ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, WASMGRAD_TESTS: "all" },
});
process.exit(status ?? 1);
