import { open, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { Help } from "commander";
import { ModelError } from "../compiler/errors.ts";
import type { Shape } from "../compiler/graph.ts";
import { IMAGE_MODELS } from "../model/image-models.ts";
import type { ModelConfig } from "../model/model-config.ts";
import { fittingModels, MODELS } from "../model/models.ts";
import { nearest } from "../options/names.ts";
import { parseJson } from "../options/strict-json.ts";
import { type ModelBuilder, modelByName, modelOfData, type Wanted } from "../run/build-model.ts";
import type { ModelData } from "../run/config.ts";
import type { Model } from "../train/model.ts";
import { createModel } from "../train/named.ts";
import { fileReason, UsageError } from "./errors.ts";
import { printable } from "./output.ts";

/** What --model names, or a configuration has, read and checked as far as that goes without a dataset. */
export interface ModelSource {
  /** The model's name, or the file's without its ending. */
  readonly name: string;
  /** `classes` undefined: as many outputs as the file says; 10 for a model by name. */
  readonly build: ModelBuilder;
}

const MAX_FILE_BYTES = 10_000_000;
const DEFAULT_SHAPE: Shape = [28, 28, 1];
const NAMED = { ...MODELS, ...IMAGE_MODELS };

/** Throws UsageError where there is no such model, ModelError where a file's content makes none. */
export async function findModel(given: string | ModelData): Promise<ModelSource> {
  if (typeof given !== "string") {
    const { name = "model" } = given as Partial<ModelConfig>;
    return { name, build: modelOfData(given, name) };
  }
  const nameOrFile = given;
  if (Object.hasOwn(NAMED, nameOrFile))
    return { name: nameOrFile, build: (inputShape, wanted) => buildNamed(nameOrFile, inputShape, wanted) };
  const found = await stat(nameOrFile).catch(() => undefined);
  const isFile = found?.isFile() === true;
  const path = printable(nameOrFile);
  // What comes through a pipe comes once: nothing looks into it before it is read.
  if ((isFile || found?.isDirectory()) && (await isTrained(nameOrFile))) throw trainedModel(path);
  if (!isFile && extname(nameOrFile) !== ".json" && !/[\\/]/.test(nameOrFile))
    throw new UsageError(
      `--model is '${path}': no model and no file has that name; expected one of ${Object.keys(NAMED).join(", ")}, or a JSON file that lists layers${didYouMean(nameOrFile)}`,
    );
  const config = await readJson(nameOrFile);
  const name = basename(nameOrFile, extname(nameOrFile)) || "model";
  const build = withFileName(path, () => modelOfData(config, name));
  return { name, build: (inputShape, classes) => withFileName(path, () => build(inputShape, classes)) };
}

function didYouMean(name: string): string {
  const near = nearest(name, Object.keys(NAMED));
  return near === undefined ? "" : `. Write: --model ${near}`;
}

/** Throws ModelError where the images are too small for the model, with the options that name others. */
function buildNamed(name: string, inputShape = DEFAULT_SHAPE, wanted?: Wanted | number): Model {
  if (typeof wanted === "object" && wanted.outputs.length > 1) return modelByName(name, inputShape, wanted);
  // Of a model of images the channels of its images.
  const usual = Object.hasOwn(IMAGE_MODELS, name) ? inputShape.at(-1)! : 10;
  const classes = typeof wanted === "object" ? wanted.outputs[0]! : (wanted ?? usual);
  try {
    return typeof wanted === "object"
      ? modelByName(name, inputShape, wanted)
      : createModel(name, inputShape, classes);
  } catch (error) {
    const small = error instanceof ModelError && Object.hasOwn(MODELS, name);
    const others = small ? fittingModels(inputShape, classes) : [];
    if (others.length === 0) throw error;
    const lines = others.map((other) => `--model ${other}`);
    throw new UsageError(`${(error as Error).message}. Write: ${lines.join(", or ")}`, { cause: error });
  }
}

/** Whether it is a run folder, or a file that train wrote: told by the header's length and its brace. */
async function isTrained(path: string): Promise<boolean> {
  for (const file of [join(path, "model.safetensors"), path]) {
    const handle = await open(file).catch(() => undefined);
    if (!handle) continue;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
      if (bytesRead === 9 && buffer[8] === 0x7b && buffer.readUInt32LE(4) === 0) return true;
    } catch {
      // A folder.
    } finally {
      await handle.close();
    }
  }
  return false;
}

function trainedModel(path: string): UsageError {
  return new UsageError(
    `--model is '${path}', a trained model; it takes a model's name (${Object.keys(NAMED).join(", ")}) or a JSON file that lists layers. ` +
      `A trained model is tested by: wasmgrad evaluate ${path}; asked by: wasmgrad predict ${path} picture.png; and shown by: wasmgrad summary ${path}`,
  );
}

async function readJson(path: string): Promise<unknown> {
  const name = printable(path);
  let text: string;
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES)
      throw new ModelError(`model file ${name}: has more than ${MAX_FILE_BYTES} bytes`);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`model file ${name}: cannot be read: ${fileReason(error)}`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\ufffd]/.test(text))
    throw new ModelError(
      `model file ${name}: is no text, so no JSON; expected a JSON file that lists layers`,
    );
  try {
    // Windows editors like to put a byte order mark first.
    return parseJson(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new ModelError(`model file ${name}: is no JSON: ${(error as Error).message}`);
  }
}

function withFileName<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ModelError(`model file ${path}: ${error.message}`);
  }
}

/** The models by name, for help texts. */
export function modelsHelp(): string {
  const help = new Help();
  help.prepareContext({ helpWidth: 80 });
  const width = Math.max(...Object.keys(NAMED).map((name) => name.length));
  const lines = Object.entries(NAMED).map(([name, { description }]) =>
    help.formatItem(name, width, description, help),
  );
  return `Models:\n${lines.join("\n")}`;
}
