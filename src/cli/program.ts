import { Command, Help } from "commander";
import { COMMAND_NAMES, COMMANDS, type CommandName } from "./command-names.ts";
import { quiet } from "./main.ts";
import { packageVersion } from "./version.ts";

/** By name: what makes the command. Each with what it needs is loaded when it is called, so that the rest starts fast. */
const MAKERS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  train: async () => (await import("./commands/train.ts")).trainCommand(),
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluateCommand(),
  predict: async () => (await import("./commands/predict.ts")).predictCommand(),
  summary: async () => (await import("./commands/summary.ts")).summaryCommand(),
  convert: async () => (await import("./commands/convert.ts")).convertCommand(),
  data: async () => (await import("./commands/data.ts")).dataCommand(),
  bench: async () => (await import("./commands/bench.ts")).benchCommand(),
  profile: async () => (await import("./commands/profile.ts")).profileCommand(),
  serve: async () => (await import("./commands/serve.ts")).serveCommand(),
};

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

/** The commands that a command line needs: none where it asks for the program's help or version, or for what there is not. */
export function neededFor([first, second]: readonly string[]): readonly CommandName[] {
  if (first === undefined) return ["train"];
  const name = first === "help" ? second : first;
  if (name !== undefined && isCommand(name)) return [name];
  return ["-h", "--help", "-V", "--version"].includes(first) || !first.startsWith("-") ? [] : ["train"];
}

/** The program with these of its commands; the others have a name and a line of help alone. */
export async function createProgram(commands: readonly CommandName[]): Promise<Command> {
  const program = quiet(new Command("wasmgrad"))
    .description("Trains convolutional networks in WebAssembly. Without a command: train.")
    .usage("[command] [options]")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print a command's help")
    .addHelpText(
      "after",
      `
Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 by
SIGTERM, 129 by SIGHUP (the terminal was closed). Every command takes --json:
one JSON document on stdout, and where it fails {"error": ...}, beside the
message on stderr. NO_COLOR turns colours off.
"wasmgrad <command> --help" says more about each command.`,
    );
  const { subcommandTerm } = Help.prototype;
  program.configureHelp({
    ...program.configureHelp(),
    subcommandTerm(command) {
      const name = command.name();
      return isCommand(name) ? `${name} ${COMMANDS[name].takes}`.trim() : subcommandTerm.call(this, command);
    },
  });
  for (const name of COMMAND_NAMES)
    program.addCommand(
      commands.includes(name)
        ? await MAKERS[name]()
        : quiet(new Command(name)).description(COMMANDS[name].does),
      { isDefault: name === "train" },
    );
  return program;
}
