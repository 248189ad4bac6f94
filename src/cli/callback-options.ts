import { type Command, InvalidArgumentError, Option } from "commander";
import { type CallbackGiven, type CallbackName, callbacksProblem } from "../run/callbacks.ts";
import { nonEmpty } from "./options.ts";

/** Flags that name callbacks. */
export interface CallbackFlags {
  readonly earlyStopping?: CallbackGiven;
  readonly reduceLr?: CallbackGiven;
  readonly terminateOnNan?: true;
  readonly csvLog?: string;
  readonly tensorboard?: string;
}

export function addCallbackOptions(command: Command): Command {
  return command
    .optionsGroup("While it trains:")
    .addOption(
      new Option(
        "--early-stopping <n>",
        "stop when val_loss has not become better for n epochs; with other options: patience=5,monitor=loss,minDelta=0.01",
      ).argParser(callback("earlyStopping")),
    )
    .addOption(
      new Option(
        "--reduce-lr <n>",
        "a tenth of the learning rate when val_loss has not become better for n epochs; with other options: patience=2,factor=0.5,minLr=1e-5",
      ).argParser(callback("reduceLROnPlateau")),
    )
    .addOption(
      new Option(
        "--terminate-on-nan",
        "end quietly, status 0, where the loss is no longer finite; the last good weights are kept in any case",
      ),
    )
    .addOption(
      new Option("--csv-log <file>", "write a line per epoch, in the format of Keras's CSVLogger").argParser(
        nonEmpty,
      ),
    )
    .addOption(
      new Option(
        "--tensorboard <dir>",
        "write what TensorBoard shows: figures, histograms of weights, filters, the graph of layers",
      ).argParser(nonEmpty),
    );
}

/** The callbacks that flags name, in place of those of the same names that a file of settings has. */
export function callbacksOfFlags(
  { earlyStopping, reduceLr, terminateOnNan, csvLog, tensorboard }: CallbackFlags,
  before: readonly CallbackGiven[] = [],
): readonly CallbackGiven[] | undefined {
  const own: CallbackGiven[] = [];
  if (reduceLr) own.push(reduceLr);
  if (earlyStopping) own.push(earlyStopping);
  if (terminateOnNan) own.push("terminateOnNaN");
  if (csvLog !== undefined) own.push({ name: "csvLogger", filename: csvLog });
  if (tensorboard !== undefined)
    own.push({ name: "tensorBoard", logDir: tensorboard, histogramFreq: 1, writeImages: true });
  const names = own.map(nameOf);
  const all = [...before.filter((other) => !names.includes(nameOf(other))), ...own];
  return all.length > 0 ? all : undefined;
}

const nameOf = (given: CallbackGiven) => (typeof given === "string" ? given : given.name);

/** 3, or patience=3,monitor=loss. */
function callback(name: CallbackName): (text: string) => CallbackGiven {
  return (text) => {
    const pairs = /^\d+$/.test(text) ? [["patience", text]] : text.split(",").map((pair) => pair.split("="));
    if (pairs.some(({ length }) => length !== 2))
      throw new InvalidArgumentError(
        "Expected a number of epochs, or options such as patience=3,monitor=loss.",
      );
    const given = {
      name,
      ...Object.fromEntries(pairs.map(([key, value]) => [camelCase(key!.trim()), asValue(value!.trim())])),
    };
    const problem = callbacksProblem([given]);
    if (problem !== undefined) throw new InvalidArgumentError(`${problem.replace(/\. Write: .*$/s, "")}.`);
    return given as CallbackGiven;
  };
}

const camelCase = (key: string) => key.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());

function asValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
