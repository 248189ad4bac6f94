import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Shape } from "../../compiler/graph.ts";
import { type LoadedModel, ModelFileError } from "../../formats/model-file.ts";
import { cardState } from "../../interchange/card.ts";
import { exportModel, KERAS_FORMATS, modelCard } from "../../interchange/export-model.ts";
import { FORMATS, type Format } from "../../interchange/formats.ts";
import { WEIGHT_TYPES, type WeightType } from "../../interchange/names.ts";
import type { FormatName, LoadModelOptions } from "../../interchange/options.ts";
import type { Files } from "../../interchange/portable.ts";
import { counted } from "../../options/counted.ts";
import { isObject } from "../../options/kinds.ts";
import { nearest } from "../../options/names.ts";
import { parseJson } from "../../options/strict-json.ts";
import { RUN_MODEL } from "../../run/model-files.ts";
import { COMMANDS } from "../command-names.ts";
import { fileReason, UsageError } from "../errors.ts";
import { addCommonOptions, type CommonOptions, createCommand, perform } from "../main.ts";
import { findModel } from "../models.ts";
import { maxMemoryOption, modelOption, nonEmpty, shape, wholeNumber } from "../options.ts";
import { type Output, printable } from "../output.ts";
import { openRun } from "../run/load.ts";
import { trainingOfRun } from "../run/training.ts";
import { packageVersion } from "../version.ts";
import { writeOutput } from "../write-output.ts";

export interface ConvertOptions {
  readonly to?: FormatName;
  readonly pytorch?: boolean;
  readonly model?: string;
  readonly names?: string;
  readonly inputShape?: Shape;
  readonly classes?: number;
  readonly weights?: WeightType;
  readonly kerasVersion?: 2 | 3;
  /** Default true. */
  readonly card?: boolean;
  readonly overwrite?: boolean;
  readonly maxMemory?: number;
}

/** Formats that say how a model is trained. */
const TRAINED = ["keras", "h5", "tfjs"];

const WRITTEN = FORMATS.filter(({ writer }) => writer);

export function convertCommand(): Command {
  const command = createCommand("convert", COMMANDS.convert.does)
    .argument("<in>", "run folder, or a model file of a format that is read")
    .argument("<out>", "file or folder to write; its name tells the format")
    .optionsGroup("Formats:")
    .addOption(
      new Option("--to <format>", "the format, where the name of <out> does not tell").choices(
        WRITTEN.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option(
        "--pytorch",
        "short for --to pytorch: weights as .safetensors, and beside them the module that has them, as .py",
      ).conflicts("to"),
    )
    .addOption(
      new Option(
        "--weights <type>",
        "of .js: f16 halves the file, int8 quarters it; both change answers a little (default: f32)",
      ).choices(WEIGHT_TYPES),
    )
    .addOption(
      new Option(
        "--keras-version <n>",
        "of .h5 and .weights.h5: whose files, 2 or 3 (default: 2, which 3 reads; of weights alone 3)",
      ).argParser(kerasVersion),
    )
    .addOption(
      new Option(
        "--no-card",
        "write no README.md beside it, which tells of the model and how it is loaded (one that is there stays if it is no such card, or was edited)",
      ),
    )
    .addOption(new Option("--overwrite", "replace what is there"))
    .optionsGroup("Of what is read:")
    .addOption(modelOption(": what a file of weights alone is for"))
    .addOption(
      new Option(
        "--names <file>",
        'JSON: names of weights in the file, by names of parameters, {"conv2d/kernel": "features.0.weight"}',
      ).argParser(nonEmpty),
    )
    .addOption(
      new Option(
        "--input-shape <sizes>",
        "height x width x channels, where the file or --model leaves it open",
      ).argParser(shape),
    )
    .addOption(new Option("--classes <n>", "outputs of --model").argParser(wholeNumber(1)))
    .addOption(maxMemoryOption("1GB for one image"));
  return addCommonOptions(command)
    .addHelpText("after", () => `\n${formatsHelp()}\n${EXAMPLES}`)
    .action((from: string, to: string, options: ConvertOptions & CommonOptions) =>
      perform(options, (output) => convert(from, to, options, output)),
    );
}

function kerasVersion(text: string): 2 | 3 {
  if (text === "2" || text === "3") return text === "2" ? 2 : 3;
  throw new InvalidArgumentError("expected 2 or 3");
}

function formatsHelp(): string {
  const names = FORMATS.map(({ name, endings }) => [name, endings.join(", ")] as const);
  const [first, second] = [0, 1].map((i) => Math.max(...names.map((row) => row[i]!.length)));
  const lines = FORMATS.map(({ title, reader, writer, name }, i) => {
    const ways = [...(reader || name === "wasmgrad" ? ["in"] : []), ...(writer ? ["out"] : [])].join(", ");
    return `  ${names[i]![0].padEnd(first!)}  ${names[i]![1].padEnd(second!)}  ${ways.padEnd(7)}  ${title}`;
  });
  return `Formats:\n${lines.join("\n")}`;
}

const EXAMPLES = `
Examples:
  wasmgrad convert runs/first digits.keras
  wasmgrad convert model.h5 tfjs/
  wasmgrad convert runs/first weights.npz
  wasmgrad convert runs/first m.safetensors --pytorch
  wasmgrad convert resnet18.pth m.safetensors --model resnet18.json
  wasmgrad convert weights.npz m.safetensors --model lenet5`;

export async function convert(
  from: string,
  target: string,
  options: ConvertOptions,
  output: Output,
): Promise<void> {
  const { format, stem } = formatFor(target, options.pytorch ? "pytorch" : options.to);
  // The main file of a folder stands for it.
  const to =
    format.endings[0]!.endsWith("/") && format.endings.includes(basename(target)) ? dirname(target) : target;
  if (options.weights !== undefined && format.name !== "js")
    throw new UsageError(
      `--weights is for .js alone, and ${printable(to)} (${format.title}) keeps them as they are: leave it out`,
    );
  if (options.kerasVersion !== undefined && !KERAS_FORMATS.includes(format.name))
    throw new UsageError(
      `--keras-version is for Keras's files alone, and ${printable(to)} is ${format.title}: leave it out`,
    );
  if (options.kerasVersion === 2 && format.name === "keras")
    throw new UsageError(
      `--keras-version 2 is for .h5 and .weights.h5, and ${printable(to)} is Keras 3's: leave it out, or name such a file. Write: ${printable(to.replace(/\.keras$/, ""))}.h5`,
    );
  if (options.classes !== undefined && options.model === undefined)
    throw new UsageError(
      "--classes is given without --model, whose outputs it counts: name a model, or leave it out",
    );
  const onWarning = (text: string) => output.notice(text);
  const opened = await openRun(from, { maxMemory: options.maxMemory, onWarning, ...(await told(options)) });
  const ofRun = opened.path === join(from, RUN_MODEL) && TRAINED.includes(format.name);
  const loaded = ofRun ? { ...opened, ...(await trainingOfRun(from, opened, onWarning)) } : opened;
  const files = named(
    await exportModel(loaded, {
      format: format.name as FormatName,
      name: stem || undefined,
      weights: options.weights,
      kerasVersion: options.kerasVersion,
      onWarning,
    }),
    to,
    format,
  );
  const paths = Object.keys(files);
  await refuseThere(paths, options.overwrite);
  // The main file is the first: while it is missing, nobody takes the others for a model.
  for (const path of [...paths].reverse()) await written(path, files[path]!);
  const card = options.card === false ? undefined : await writeCard(from, loaded, format, to, output);
  const { model } = loaded;
  const parameters = model.countParams();
  output.print(
    `${printable(from)} is written as ${format.title}: ${counted(model.rows.length, "layer")}, ${counted(parameters, "parameter")}`,
  );
  for (const path of paths) output.print(`  ${printable(path)}  ${counted(files[path]!.length, "byte")}`);
  if (card !== undefined) output.print(`  ${printable(card)}  its model card`);
  output.document({
    format: format.name,
    layers: model.rows.length,
    parameters,
    files: paths.map((path) => ({ path, bytes: files[path]!.length })),
    ...(card !== undefined && { card }),
  });
}

/** Whether a name has that ending: one of a file stands behind a name, a folder may be called so, and model.json is whole. */
function hasEnding(name: string, ending: string): boolean {
  if (ending.startsWith(".")) return name.endsWith(ending) && name !== ending;
  return ending.endsWith("/") ? name.endsWith(ending) : name === ending;
}

/** The format of a file by its name, and the name without its ending. */
function formatFor(path: string, name: FormatName | undefined): { format: Format; stem: string } {
  const folder = /[\\/]$/.test(path);
  const base = basename(path) + (folder ? "/" : "");
  if (/^-?$|^\.+$/.test(basename(path)))
    throw new UsageError(
      `${printable(path) || '""'} names no file: models are written to files, and not to the terminal. Write: model.onnx`,
    );
  const endingsOf = (format: Format) =>
    format.written === undefined ? format.endings : format.name === name ? [format.written] : [];
  const endings = WRITTEN.flatMap((format) => endingsOf(format).map((ending) => ({ format, ending })))
    // The longest first: .weights.h5 before .h5.
    .sort((a, b) => b.ending.length - a.ending.length);
  const found = endings.find(
    ({ format, ending }) => (name === undefined || format.name === name) && hasEnding(base, ending),
  );
  if (found)
    return { format: found.format, stem: basename(path).slice(0, base.length - found.ending.length) };
  const asked = WRITTEN.find((format) => format.name === name);
  if (asked && asked.written === undefined) return { format: asked, stem: basename(path) };
  const other = asked ?? WRITTEN.find(({ written, endings }) => written && endings.includes(extname(base)));
  if (other)
    throw new UsageError(
      `${printable(path)}: ${other.title} is written as ${other.written}, with the module that has it beside it. Write: ${printable(path.replace(/\.\w+[\\/]?$|[\\/]$|$/, other.written!))} --${other.name}`,
    );
  const all = endings.map(({ ending }) => ending);
  const near = nearest(
    base
      .replace(/^.*?(?=\.)/, "")
      .replace(/\/$/, "")
      .toLowerCase(),
    all,
  );
  const begun = path.slice(0, path.length - base.length);
  const stem = `${base.replace(/\..*$|\/$/, "") || "model"}${near}`;
  throw new UsageError(
    `${printable(path)}: its name tells no format; expected an ending of ${all.join(", ")}${near === undefined ? "" : `. Write: ${printable(begun + stem)}`}; or say it with --to`,
  );
}

/** The files by their paths: those of a format that is a folder in it, the main file of others under the name that was given. */
function named(files: Files, to: string, { endings }: Format): Files {
  const folder = endings[0]!.endsWith("/");
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes], i) => [
      folder ? join(to, name) : i === 0 ? to : join(dirname(to), name),
      bytes,
    ]),
  );
}

/** A README.md beside the export: its path, where it was written. */
async function writeCard(
  from: string,
  loaded: LoadedModel,
  { name, endings }: Format,
  to: string,
  output: Output,
): Promise<string | undefined> {
  const folder = endings[0]!.endsWith("/");
  const path = join(folder ? to : dirname(to), "README.md");
  const there = await cardAt(path);
  if (there === "edited" || there === "none") {
    const [what, mend] =
      there === "none"
        ? ["and no card of a model", ""]
        : ["a card that was edited since it was written", "Rename it, to have a new one beside it. "];
    output.notice(
      `${printable(path)} is there, ${what}: it stays. ${mend}Write: --no-card, to say that none is wanted`,
    );
    return undefined;
  }
  const card = await modelCard(loaded, {
    format: name as FormatName,
    file: basename(to),
    run: await recordOf(from),
    version: packageVersion(),
  });
  await written(path, new TextEncoder().encode(card));
  return path;
}

/** What lies there: undefined where nothing does. What cannot be read is somebody's, too. */
async function cardAt(path: string): Promise<ReturnType<typeof cardState> | undefined> {
  try {
    return cardState(await readFile(path, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : "none";
  }
}

/** What a run folder records; undefined of a file. */
async function recordOf(from: string): Promise<Record<string, unknown> | undefined> {
  try {
    return parseJson(await readFile(join(from, "result.json"), "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

async function refuseThere(paths: readonly string[], overwrite = false): Promise<void> {
  for (const path of paths) {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new UsageError(`${printable(path)} is a folder: name a file in it`);
    // A device, say: a file would take its place.
    if (there && !there.isFile()) throw new UsageError(`${printable(path)} is no file: name another`);
    if (there && !overwrite)
      throw new UsageError(`${printable(path)} is there already: name another, or add --overwrite`);
  }
}

const written = (path: string, bytes: Uint8Array) =>
  writeOutput(path, bytes, (text, options) => new ModelFileError("unwritable", text, options));

/** What files of weights alone are told. */
async function told({ model, names, inputShape, classes }: ConvertOptions): Promise<LoadModelOptions> {
  return {
    ...(inputShape && { inputShape }),
    ...(model !== undefined && { model: (await findModel(model)).build(inputShape, classes) }),
    ...(names !== undefined && { names: await readNames(names) }),
  };
}

async function readNames(path: string): Promise<Record<string, string>> {
  try {
    const names = parseJson(await readFile(path, "utf8"));
    if (!isObject(names) || Object.values(names).some((name) => typeof name !== "string"))
      throw new Error('expected names by names, {"conv2d/kernel": "features.0.weight"}');
    return names as Record<string, string>;
  } catch (error) {
    throw new UsageError(`--names is ${printable(path)}: ${fileReason(error)}`, { cause: error });
  }
}
