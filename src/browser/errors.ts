import { ModelError } from "../compiler/errors.ts";
import { DataError, type DataErrorCode } from "../data/errors.ts";
import { MemoryError } from "../engine/memory-error.ts";
import { NonFiniteError, type NonFiniteSource, TrainingDivergedError } from "../train/errors.ts";
import { SamplesError } from "../train/samples.ts";
import { inWords } from "./in-words.ts";

/** An error as plain data: structured clone would lose its class and its fields. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields of an error of ours: see FIELDS. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const FIELDS = ["code", "layer", "epoch", "batch", "problem", "allow"];

export function toPlain(thrown: unknown): PlainError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const fields: Record<string, unknown> = {};
  for (const key of FIELDS) if (Object.hasOwn(error, key)) fields[key] = Reflect.get(error, key);
  return { name: error.name, message: error.message, stack: error.stack, fields };
}

/** The same class, message and fields again. */
export function fromPlain({ name, message: text, stack, fields: own }: PlainError): Error {
  const message = inWords(text);
  const fields = Object.fromEntries(
    Object.entries(own).map(([key, value]) => [key, typeof value === "string" ? inWords(value) : value]),
  );
  const error = create(name, message, fields);
  // Where it was thrown: in the worker, not here. The class's own constructor may have changed the message.
  Object.assign(error, fields, { message });
  if (stack) error.stack = inWords(stack);
  return error;
}

function create(name: string, message: string, fields: PlainError["fields"]): Error {
  switch (name) {
    case "ModelError":
      return new ModelError(message);
    case "SamplesError":
      return new SamplesError(message);
    case "TrainingDivergedError":
      return new TrainingDivergedError(Number.NaN, Number(fields.epoch), Number(fields.batch));
    case "NonFiniteError":
      return new NonFiniteError(fields.code as NonFiniteSource, message);
    case "DataError":
      return new DataError(fields.code as DataErrorCode, message);
    case "MemoryError":
      return new MemoryError(String(fields.problem), message);
    case "RangeError":
      return new RangeError(message);
    case "TypeError":
      return new TypeError(message);
    default:
      return Object.assign(new Error(message), name === "Error" ? {} : { name });
  }
}
