import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const installed = fileURLToPath(new URL("../../.cache/node24/node_modules/node/bin/node", import.meta.url));

/** Node 24: $WASMGRAD_NODE24, or where scripts/node24.mjs puts it. */
export const node24 = process.env.WASMGRAD_NODE24 || (existsSync(installed) ? installed : undefined);

/** Why there is none, for the names of tests; "" where there is one. */
export const noNode24 = node24 ? "" : ": no Node 24, run node scripts/node24.mjs";

const avx2 =
  process.arch === "x64" &&
  existsSync("/proc/cpuinfo") &&
  /^flags\s*:.*\bavx2\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));

/** The same of 256-bit lanes in it. */
export const noWide = noNode24 || (avx2 ? "" : ": no AVX2, as far as /proc/cpuinfo tells");
