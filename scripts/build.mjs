// Builds what is not up to date: node scripts/build.mjs [wasm|cli|package|page], by default package. Says on stderr what
// it builds; with nothing to do, nothing.
import { buildOrExit } from "./build/goal.mjs";

await buildOrExit(process.argv[2] ?? "package");
