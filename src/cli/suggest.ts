import { type Command, CommanderError, InvalidArgumentError, type Option } from "commander";
import { absent, nearest, type Others } from "../options/names.ts";

/** What else a flag or a command is called, bare: see options/names.ts, which has the names of options. */
const OTHERS: Others = {
  dataset: "data",
  model: "arch net network",
  out: "output outdir save o",
  overwrite: "force f",
  seed: "randomseed randomstate",
  threads: "workers jobs cores j",
  validationSplit: "valsplit",
  resume: "continue",
  earlyStopping: "patience",
  evaluate: "test eval validate",
  predict: "classify infer",
  train: "fit",
};

/** What no command has, and what there is instead. */
const ABSENT: readonly (readonly [RegExp, string])[] = [
  [/^--(gpu|cuda|device)/, "training runs on the processor; --threads says on how many of its cores"],
];

/** Lets every command say what was meant by an option, or by a choice, that it does not have. */
export function suggestCorrections(command: Command, program: Command = command): void {
  command.showSuggestionAfterError(false).exitOverride((error) => {
    throw error.code === "commander.unknownOption" ? unknownOption(error, command, program) : error;
  });
  for (const option of command.options) suggestChoices(option);
  for (const child of command.commands) suggestCorrections(child, program);
}

/** The one of `names` that is most likely meant by a command's name. */
export function nearestCommand(name: string, names: readonly string[]): string | undefined {
  return nearest(name, names, OTHERS) ?? names.find((candidate) => candidate.startsWith(name.slice(0, 2)));
}

function unknownOption(error: CommanderError, command: Command, program: Command): CommanderError {
  const typed = /'(.*)'/s.exec(error.message)?.[1] ?? "";
  const [flag = "", given] = typed.split(/=(.*)/s);
  const options = new Map(command.options.map((option) => [option.attributeName(), option]));
  const value = given ?? after(program, flag);
  const near = nearest(flag, [...options.keys()], OTHERS);
  const owner = program.commands.find(({ options }) => options.some(({ long }) => long === flag));
  const advice =
    near !== undefined
      ? `did you mean ${options.get(near)!.long}? Write: ${written(options.get(near)!, value)}`
      : owner
        ? `it is an option of wasmgrad ${owner.name()}`
        : (ABSENT.find(([pattern]) => pattern.test(flag))?.[1] ?? absent(flag));
  const message = `error: unknown option '${typed}'${advice === undefined ? "" : `: ${advice}`}`;
  return new CommanderError(error.exitCode, error.code, message);
}

/** The option with the value that was given to the wrong one, if it takes it. */
function written(option: Option, value: string | undefined): string {
  if (!option.required && !option.optional) return option.long!;
  if (value === undefined) return option.flags;
  try {
    option.parseArg?.(value, undefined);
    return `${option.long} ${value}`;
  } catch {
    return option.flags;
  }
}

/** What stands behind a flag on the command line. */
function after(program: Command, flag: string): string | undefined {
  const { rawArgs } = program as Command & { readonly rawArgs: readonly string[] };
  const value = rawArgs[rawArgs.indexOf(flag) + 1];
  return value?.startsWith("-") ? undefined : value;
}

/** Adds the nearest choice to what commander says of one that is none. */
function suggestChoices(option: Option): void {
  const { argChoices: choices, parseArg: parse } = option;
  if (!choices || !parse) return;
  option.argParser((value, previous) => {
    try {
      return parse(value, previous);
    } catch (error) {
      const near = error instanceof InvalidArgumentError ? nearest(value, choices) : undefined;
      throw near === undefined
        ? error
        : new InvalidArgumentError(`${(error as Error).message} Write: ${option.long} ${near}`);
    }
  });
}
