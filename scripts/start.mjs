// The command line of this checkout, built first where it is not up to date: npm start -- ARGS.
// One process for both, so that a command that has nothing to build begins at once.
import { buildOrExit } from "./build/goal.mjs";

await buildOrExit("cli");
await import("../dist/cli/index.js");
