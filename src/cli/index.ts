#!/usr/bin/env node
import { COMMAND_NAMES } from "./command-names.ts";
import { run } from "./main.ts";
import { survivePrintingErrors } from "./output.ts";
import { createProgram, neededFor } from "./program.ts";

survivePrintingErrors();
const args = process.argv.slice(2);
await run(await createProgram(neededFor(args)), args, () => createProgram(COMMAND_NAMES));
