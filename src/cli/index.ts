#!/usr/bin/env node
import { Command } from "commander";
import { benchCommand } from "./commands/bench.ts";
import { convertCommand } from "./commands/convert.ts";
import { dataCommand } from "./commands/data.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { predictCommand } from "./commands/predict.ts";
import { profileCommand } from "./commands/profile.ts";
import { serveCommand } from "./commands/serve.ts";
import { summaryCommand } from "./commands/summary.ts";
import { trainCommand } from "./commands/train.ts";
import { quiet, run } from "./main.ts";
import { survivePrintingErrors } from "./output.ts";
import { packageVersion } from "./version.ts";

const program = quiet(new Command("wasmgrad"))
  .description("Trains convolutional networks in WebAssembly. Without a command: train.")
  .usage("[command] [options]")
  .version(packageVersion(), "-V, --version", "print the version")
  .helpOption("-h, --help", "print this help")
  .helpCommand("help [command]", "print a command's help")
  .addCommand(trainCommand(), { isDefault: true })
  .addCommand(evaluateCommand())
  .addCommand(predictCommand())
  .addCommand(summaryCommand())
  .addCommand(convertCommand())
  .addCommand(dataCommand())
  .addCommand(benchCommand())
  .addCommand(profileCommand())
  .addCommand(serveCommand())
  .addHelpText(
    "after",
    `
Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 by
SIGTERM, 129 by SIGHUP (the terminal was closed). Every command takes --json:
one JSON document on stdout, and where it fails {"error": ...}, beside the
message on stderr. NO_COLOR turns colours off.
"wasmgrad <command> --help" says more about each command.`,
  );

survivePrintingErrors();
await run(program, process.argv.slice(2));
