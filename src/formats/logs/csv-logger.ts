import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { checkOptions } from "../../options/check.ts";
import { withDefaults } from "../../options/kinds.ts";
import { show } from "../../options/show.ts";
import type { Callbacks, Logs } from "../../train/callbacks.ts";
import { CSV_LOGGER, type CsvLoggerOptions } from "./options.ts";

interface Kept {
  /** Bytes of the file that are not this training's. */
  readonly before: number;
  /** What this training has written. */
  readonly text: string;
  /** The columns behind the epoch. */
  readonly keys: readonly string[] | undefined;
}

/**
 * Node: a callback that writes a line an epoch (from 0) into a CSV file, as Keras's CSVLogger does: figures sorted by name, those of
 * validation as NA where there are none. Where a training goes on from a state, lines of epochs that are trained again are
 * taken back.
 *
 * Throws TypeError unless it is given a path, RangeError on options out of range; in fit(), the file system's errors.
 */
export function csvLogger(filename: string, options: CsvLoggerOptions = {}): Callbacks {
  if (typeof filename !== "string" || filename === "")
    throw new TypeError(
      `csvLogger: got ${show(filename)}, expected the path of a file. Write: csvLogger("log.csv")`,
    );
  checkOptions({ call: `csvLogger(${JSON.stringify(filename)}, *)`, table: CSV_LOGGER }, options);
  const { separator, append } = withDefaults(CSV_LOGGER, options);
  const of = `csvLogger(${JSON.stringify(filename)})`;
  let kept: Kept = { before: 0, text: "", keys: undefined };
  let restored = false;
  /** Whether the file begins with names already. */
  let named = false;
  const line = (cells: readonly string[]) =>
    `${cells.map((cell) => quoted(cell, separator)).join(separator)}\r\n`;
  return {
    onTrainBegin() {
      mkdirSync(dirname(filename), { recursive: true });
      const old = append || restored ? bytesOf(filename) : new Uint8Array();
      if (!restored) kept = { before: old.length, text: "", keys: undefined };
      const head = old.subarray(0, kept.before);
      named = head.length > 0;
      restored = false;
      // In one step: what was there is not lost where the process is killed.
      writeFileSync(`${filename}.tmp`, Buffer.concat([head, Buffer.from(kept.text)]));
      renameSync(`${filename}.tmp`, filename);
    },
    onEpochEnd({ epoch }, logs) {
      const keys = kept.keys ?? keysOf(logs);
      const names = kept.keys || named ? "" : line(["epoch", ...keys]);
      const text = names + line([String(epoch), ...keys.map((key) => figure(logs[key]))]);
      appendFileSync(filename, text);
      kept = { before: kept.before, text: kept.text + text, keys };
    },
    state: () => ({ ...kept, of }),
    restore(state) {
      const { of: whose, ...theirs } = Object(state) as Kept & { readonly of?: string };
      if (whose !== of)
        throw new RangeError(
          `initialState has ${whose ?? "something else"} where the training has ${of}: give fit(train, { callbacks }) what it had then, in the same order`,
        );
      kept = theirs;
      restored = true;
    },
  };
}

function bytesOf(filename: string): Uint8Array {
  try {
    return readFileSync(filename);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Uint8Array();
    throw error;
  }
}

/** Keras's columns. */
function keysOf(logs: Logs): string[] {
  const keys = Object.keys(logs).sort();
  return keys.some((key) => key.startsWith("val_")) ? keys : keys.concat(keys.map((key) => `val_${key}`));
}

/** A figure as Python writes it, NA where there is none. */
function figure(value: number | undefined): string {
  if (value === undefined) return "NA";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const size = Math.abs(Number(exponent));
  if (Number(exponent) < -4 || Number(exponent) >= 16)
    return `${mantissa}e${exponent[0]}${String(size).padStart(2, "0")}`;
  const text = Object.is(value, -0) ? "-0" : String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** In quotes where it must be. */
function quoted(cell: string, separator: string): string {
  return cell.includes(separator) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
