import "../options/other-names.ts";
import { Command, CommanderError, Option } from "commander";
import { EXIT, type Failure, failureOf } from "./errors.ts";
import { formatJson } from "./json.ts";
import { createOutput, type Output, printable } from "./output.ts";
import { printableJson } from "./printable.ts";
import { nearestCommand, suggestCorrections } from "./suggest.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** A command whose errors are thrown rather than printed and exited on, with the options that all have. */
export function createCommand(name: string, description: string): Command {
  return quiet(new Command(name))
    .description(description)
    .addHelpOption(new Option("-h, --help", "print this help").helpGroup("General:"))
    .allowExcessArguments(false);
}

/** Commander prints errors itself otherwise; run() does, once for all. */
export function quiet(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ styleTitle: (title) => title, sortSubcommands: false });
}

export function addCommonOptions(command: Command): Command {
  return command
    .optionsGroup("General:")
    .option("--json", 'print one JSON document on stdout, and nothing else; a failure is {"error": ...}')
    .option("--debug", "print the stack of an error");
}

/** Runs a command's work; a number that it returns is the exit status. Never throws. */
export async function perform(
  options: CommonOptions,
  work: (output: Output) => Promise<number> | Promise<void>,
): Promise<void> {
  const output = createOutput(options.json === true);
  try {
    exitWith((await work(output)) || EXIT.ok);
  } catch (error) {
    fail(error, options);
  }
}

/** Parses the command line and runs what it says. `complete` gives the program with all commands, one of which may have an option that this one lacks. Never throws. */
export async function run(
  program: Command,
  args: readonly string[],
  complete?: () => Promise<Command>,
): Promise<void> {
  const flags = { json: args.includes("--json"), debug: args.includes("--debug") };
  try {
    suggestCorrections(program);
    refuseUnknownCommand(program, args);
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (complete && error instanceof CommanderError && error.code === "commander.unknownOption")
      return run(await complete(), args);
    fail(error, flags);
  }
}

/** Commander would hand a mistyped command to the default one, as an argument too many. */
function refuseUnknownCommand(command: Command, [first, ...rest]: readonly string[]): void {
  if (command.commands.length === 0 || first === undefined || first.startsWith("-")) return;
  if (first === "help") {
    refuseUnknownCommand(command, rest);
    return;
  }
  const known = command.commands.find((candidate) => candidate.name() === first);
  if (known) {
    refuseUnknownCommand(known, rest);
    return;
  }
  const names = command.commands.map((candidate) => candidate.name());
  const near = nearestCommand(first, names);
  command.error(
    `error: unknown command '${first}'${near ? ` (did you mean ${near}?)` : ""}; expected one of ${names.join(", ")}`,
    { code: "commander.unknownCommand", exitCode: EXIT.usage },
  );
}

function fail(error: unknown, { json, debug }: CommonOptions): void {
  const failure = failureOf(error);
  if (failure.exitCode === EXIT.ok) return;
  const hint = failure.code?.startsWith("commander.") ? " (see --help)" : "";
  process.stderr.write(`wasmgrad: ${oneLine(failure)}${hint}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${printable(stackOf(error), true)}\n`);
  if (json) process.stdout.write(`${printableJson(formatJson({ error: failure }))}\n`);
  exitWith(failure.exitCode);
}

/** Commander puts suggestions on a second line. */
function oneLine({ code, message }: Failure): string {
  return code?.startsWith("commander.") ? message.replace(/\s*\n\s*/g, " ") : message;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

/** Keeps a failure that was set before, e.g. by output that could not be written. */
function exitWith(status: number): void {
  process.exitCode = status || process.exitCode || EXIT.ok;
}
