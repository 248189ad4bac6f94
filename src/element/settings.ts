import {
  type Backend,
  DATASET_NAMES,
  GENERATED,
  type LossName,
  MODELS,
  type ModelData,
  OPTIMIZERS,
  type OptimizerName,
  type RunOptions,
} from "../browser.ts";
import { LOSSES, lossName } from "../losses/names.ts";
import type { Kind } from "../options/kinds.ts";
import { checkRunConfig, runTable } from "../run/config.ts";

/** Where the layers come from: one of MODELS, a configuration written into the attribute, or a JSON file. */
export type ModelSource =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "config"; readonly config: unknown }
  | { readonly kind: "url"; readonly url: string };

/** What the attributes of `<wasmgrad-trainer>` say, defaults filled in. */
export interface Settings {
  readonly dataset: string;
  /** Training and test images, at most; undefined: all. */
  readonly train: number | undefined;
  readonly test: number | undefined;
  readonly model: ModelSource;
  readonly epochs: number;
  readonly batchSize: number;
  readonly validationSplit: number;
  readonly optimizer: OptimizerName;
  /** Undefined: the optimizer's own. */
  readonly learningRate: number | undefined;
  readonly loss: LossName;
  readonly seed: number;
  /** Undefined: as many as the hardware has. */
  readonly threads: number | undefined;
  readonly backend: Backend | "auto";
  readonly workerUrl: string | undefined;
}

/** The attributes that settings are read from, in the order of the documentation. */
export const ATTRIBUTES = [
  "data",
  "train",
  "test",
  "model",
  "epochs",
  "batch-size",
  "validation-split",
  "optimizer",
  "learning-rate",
  "loss",
  "seed",
  "threads",
  "backend",
  "worker-url",
] as const;
export type AttributeName = (typeof ATTRIBUTES)[number];

/**
 * How an attribute may be spelled: HTML makes `batchSize` of its property `batchsize`. `dataset` is what `data` was called
 * first; every element has a property of that name, which frameworks fail to set.
 */
export function spellings(name: AttributeName): readonly string[] {
  if (name === "data") return ["data", "dataset"];
  return name.includes("-") ? [name, name.replaceAll("-", "")] : [name];
}

/** What an attribute says, however it is spelled. `get` gives null for an absent attribute, as getAttribute() does. */
export function readAttribute(
  name: AttributeName,
  get: (spelling: string) => string | null,
): string | undefined {
  for (const spelling of spellings(name)) {
    const text = get(spelling)?.trim();
    if (text) return text;
  }
  return undefined;
}

/** An attribute that says what it can't: the message names it, what was got and what was expected. */
export class AttributeError extends Error {
  override readonly name = "AttributeError";
  readonly attribute: AttributeName;

  constructor(attribute: AttributeName, value: string, expected: string) {
    super(`the attribute ${attribute} is "${shorten(value)}", expected ${expected}`);
    this.attribute = attribute;
  }
}

/** Reads all settings. Throws AttributeError at the first that can't be. `get` gives null for an absent attribute. */
export function readSettings(get: (name: string) => string | null): Settings {
  const table = runTable();
  const usual = checkRunConfig({});
  const read = <T>(name: AttributeName, fallback: T, parse: Parse<T>): T => {
    const text = readAttribute(name, get);
    return text === undefined ? fallback : parse(name, text);
  };
  return {
    dataset: read("data", usual.dataset, oneOf(DATASET_NAMES)),
    train: read("train", undefined, number(table.trainLimit)),
    test: read("test", undefined, number(table.testLimit)),
    model: read("model", { kind: "name", name: String(usual.model) }, modelSource),
    epochs: read("epochs", 3, number(table.epochs)),
    batchSize: read("batch-size", usual.batchSize, number(table.batchSize)),
    validationSplit: read("validation-split", usual.validationSplit, number(table.validationSplit)),
    optimizer: read("optimizer", usual.optimizer.name, oneOf(OPTIMIZERS)),
    learningRate: read("learning-rate", undefined, rate),
    loss: read("loss", lossName(usual.loss), oneOf(LOSSES)),
    seed: read("seed", usual.seed, number(table.seed)),
    threads: read("threads", undefined, number(table.threads)),
    backend: read("backend", usual.backend, name(table.backend)),
    workerUrl: read("worker-url", undefined, (_, text) => text),
  };
}

/** The run that they describe. `own`: on images of the page's own. */
export function runOptions(settings: Settings, own: boolean): RunOptions {
  const { dataset, train, test, model, optimizer, learningRate, workerUrl: _, ...others } = settings;
  const drawn = dataset === GENERATED && !own;
  return {
    ...others,
    dataset,
    ...(drawn ? { digitsCount: train, digitsTestCount: test } : { trainLimit: train, testLimit: test }),
    model:
      model.kind === "name" ? model.name : model.kind === "url" ? model.url : (model.config as ModelData),
    optimizer: { name: optimizer, ...(learningRate !== undefined && { learningRate }) },
  };
}

/** A dataset of the page's own. Throws AttributeError where it is none; what is in its arrays is looked at when it is used. */
export function checkData(data: object): void {
  const { classNames, train, test } = data as Partial<Record<string, Partial<Record<string, unknown>>>>;
  if (Array.isArray(classNames) && Array.isArray(train?.shape) && Array.isArray(test?.shape)) return;
  throw new AttributeError(
    "data",
    `an object with ${Object.keys(data).join(", ") || "nothing in it"}`,
    "a dataset's name, or { name, classNames, train, test } with train and test being { images, labels, count, shape }",
  );
}

type Parse<T> = (name: AttributeName, text: string) => T;

/** A plain decimal number: Number() alone would take "" and "0x10". */
function decimal(text: string): number {
  return /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}

/** What a setting of runs takes; whole numbers are written with digits alone. */
function number(kind: Kind<number>): Parse<number | undefined> & Parse<number> {
  return (name, text) => {
    const whole = kind.expected.startsWith("a whole") && !/^\d+$/.test(text);
    const value = whole ? Number.NaN : decimal(text);
    if (kind.accepts(value)) return value;
    throw new AttributeError(name, text, kind.expected);
  };
}

function name<T extends string>(kind: Kind<T>): Parse<T> {
  return oneOf(kind.names as readonly T[]);
}

function oneOf<T extends string>(names: readonly T[]): Parse<T> {
  return (name, text) => {
    if (names.includes(text as T)) return text as T;
    throw new AttributeError(name, text, `one of ${names.join(", ")}`);
  };
}

function rate(name: AttributeName, text: string): number {
  const value = decimal(text);
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new AttributeError(name, text, "a number of 0 or more, such as 0.001");
}

function modelSource(name: AttributeName, text: string): ModelSource {
  if (/^[{[]/.test(text)) {
    try {
      return { kind: "config", config: JSON.parse(text) };
    } catch (error) {
      throw new AttributeError(name, text, `valid JSON (${(error as Error).message})`);
    }
  }
  if (Object.hasOwn(MODELS, text)) return { kind: "name", name: text };
  if (/[/.]/.test(text)) return { kind: "url", url: text };
  throw new AttributeError(
    name,
    text,
    `one of ${Object.keys(MODELS).join(", ")}, a JSON configuration, or the address of a JSON file`,
  );
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
