import { type Command, Option } from "commander";
import { createOptimizer } from "../optim/create.ts";
import { type AnyOptimizerOptions, OPTIMIZERS, type OptimizerName } from "../optim/definitions.ts";
import { UsageError } from "./errors.ts";
import { realNumber } from "./options.ts";

function endsOfNames(text: string): string[] {
  return text
    .split(",")
    .map((end) => end.trim())
    .filter((end) => end !== "");
}

/** Flags and the optimizer options that they set. Whatever is not given keeps the optimizer's own default. */
const FLAGS = [
  ["--learning-rate <x>", "learningRate", realNumber(0), "step size (default: 0.001; sgd 0.01)"],
  ["--momentum <x>", "momentum", realNumber(0, 1), "sgd, rmsprop (default: 0)"],
  ["--nesterov", "nesterov", undefined, "sgd: Nesterov's momentum"],
  ["--rho <x>", "rho", realNumber(0, 1), "rmsprop: decay of the mean square (default: 0.9)"],
  ["--centered", "centered", undefined, "rmsprop: divide by an estimate of the variance"],
  ["--beta1 <x>", "beta1", realNumber(0, 1), "adam, adamw: decay of the mean gradient (default: 0.9)"],
  [
    "--beta2 <x>",
    "beta2",
    realNumber(0, 1),
    "adam, adamw: decay of the mean squared gradient (default: 0.999)",
  ],
  ["--epsilon <x>", "epsilon", realNumber(0), "rmsprop, adam, adamw (default: 1e-7)"],
  ["--weight-decay <x>", "weightDecay", realNumber(0), "decoupled weight decay (default: 0; adamw 0.004)"],
  [
    "--exclude-from-weight-decay <ends>",
    "excludeFromWeightDecay",
    endsOfNames,
    "parameters that do not decay, by the ends of their names: bias,gamma,beta",
  ],
  [
    "--clip-norm <x>",
    "clipNorm",
    realNumber(0, undefined, true),
    "scale each parameter's gradient to at most this norm",
  ],
  [
    "--global-clip-norm <x>",
    "globalClipNorm",
    realNumber(0, undefined, true),
    "scale all gradients together to at most this norm",
  ],
  ["--clip-value <x>", "clipValue", realNumber(0, undefined, true), "limit each gradient number to +- this"],
] as const satisfies readonly (readonly [
  string,
  keyof AnyOptimizerOptions,
  ((text: string) => unknown) | undefined,
  string,
])[];

export type OptimizerFlags = { readonly optimizer: OptimizerName } & {
  readonly [K in (typeof FLAGS)[number][1]]?: AnyOptimizerOptions[K];
};

/** Every flag that says something of the optimizer, and the option that it sets. */
export const OPTIMIZER_FLAGS: readonly { readonly flag: string; readonly key: string }[] = [
  { flag: "--optimizer", key: "optimizer" },
  ...FLAGS.map(([flag, key]) => ({ flag: flag.split(" ")[0]!, key })),
];

export function addOptimizerOptions(command: Command): Command {
  command.optionsGroup("Optimizer:");
  command.addOption(
    new Option("--optimizer <name>", "how weights are updated").choices(OPTIMIZERS).default("adam"),
  );
  for (const [flags, , parse, description] of FLAGS) {
    const option = new Option(flags, description);
    command.addOption(parse ? option.argParser<unknown>(parse) : option);
  }
  return command;
}

/** Whether the optimizer has a setting, of which the value is in range. */
function takes(name: OptimizerName, key: string, value: unknown): boolean {
  try {
    createOptimizer(name, { [key]: value });
    return true;
  } catch {
    return false;
  }
}

/** The options that flags set of an optimizer. Throws UsageError on a flag that it does not have. */
export function optimizerOptions(name: OptimizerName, flags: Partial<OptimizerFlags>): AnyOptimizerOptions {
  const options: Record<string, unknown> = {};
  for (const [flag, key] of FLAGS) {
    if (flags[key] === undefined) continue;
    const owners = OPTIMIZERS.filter((owner) => takes(owner, key, flags[key]));
    if (!owners.includes(name))
      throw new UsageError(
        `${flag.split(" ")[0]} is given, but ${name} has no such setting. Write: --optimizer ${owners.join(", or --optimizer ")}`,
      );
    options[key] = flags[key];
  }
  return options;
}
