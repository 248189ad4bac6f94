/** What the help of all commands says of each: what follows its name, and what it does. The commands themselves are loaded when they are called. */
export const COMMANDS = {
  train: { takes: "[options]", does: "Train a model on a dataset, test it, and write a report" },
  evaluate: { takes: "[options] <run>", does: "Test a trained model on a dataset" },
  predict: {
    takes: "[options] <run> <image...>",
    does: "Classify pictures with a trained model, or give the images that it makes of them",
  },
  summary: {
    takes: "[options] [run]",
    does: "Print a model's layers, output shapes and parameter counts",
  },
  convert: { takes: "[options] <in> <out>", does: "Write a model in another format" },
  data: { takes: "", does: "List datasets, download one, look at one, or write one as .npz" },
  bench: { takes: "[options]", does: "Measure training speed on each build of the kernels" },
  profile: {
    takes: "[options]",
    does: "Show what a training step does: each kernel call and its time",
  },
  serve: {
    takes: "[options]",
    does: "Serve the page that trains in a browser, to this machine alone",
  },
} as const;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];
