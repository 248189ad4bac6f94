import { constants } from "node:os";
import { CommanderError } from "commander";
import { DataError, type DataErrorCode } from "../data/errors.ts";
import { MemoryError } from "../engine/memory-error.ts";
import { engineWords } from "../engine/words.ts";
import { ModelFileError } from "../formats/model-file-error.ts";
import { printable } from "./output.ts";

/** What the process ends with; see the epilogue of `wasmgrad --help`. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** The command line asks for something that cannot be: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What asks a command to stop: Ctrl-C, `kill`, a terminal that was closed. */
export const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** Ends the process by a signal's status, 128 + its number, as shells have it. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly exitCode: number;
  readonly signal: StopSignal;

  constructor(signal: StopSignal, message = `stopped by ${signal}`) {
    super(message);
    this.signal = signal;
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Errors that list mirrors or files, one a line, as those of weights that do not fit do. Line breaks in the message of any other come from names in files. */
const LISTS: ReadonlySet<DataErrorCode> = new Set(["download", "not-cached"]);

/** An error in one line for people and one object for programs. */
export interface Failure {
  readonly exitCode: number;
  /** The class of the error, and its code where it has one. */
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError)
    return {
      exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage,
      name: "UsageError",
      code: error.code,
      // It quotes what was typed.
      message: printable(error.message.replace(/^error: /, ""), true),
    };
  if (!(error instanceof Error)) return { exitCode: EXIT.failed, name: "Error", message: String(error) };
  const code = (error as { code?: unknown }).code;
  const usage =
    error instanceof UsageError ||
    (error instanceof DataError && (code === "unknown-dataset" || code === "bad-argument"));
  return {
    exitCode: error instanceof InterruptedError ? error.exitCode : usage ? EXIT.usage : EXIT.failed,
    name: error.name,
    ...(typeof code === "string" && { code }),
    message: printable(
      messageOf(error),
      (error instanceof DataError && LISTS.has(error.code)) ||
        (error instanceof ModelFileError && error.code === "fit"),
    ),
  };
}

/** What a library's line says to write in code is said as an option here. */
function messageOf(error: Error): string {
  if (!(error instanceof MemoryError) || error.allow === undefined) return error.message || error.name;
  return `${error.problem}: ${engineWords.allowing(`--max-memory ${error.allow}GB`)}`;
}

/** One line for a file system error: "permission denied" rather than "EACCES: permission denied, open '...'". */
export function fileReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    EACCES: "permission denied",
    EPERM: "operation not permitted",
    ENOENT: "no such file or folder",
    ENOTDIR: "a part of the path is not a folder",
    EISDIR: "it is a folder",
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EROFS: "the file system is read-only",
    ENAMETOOLONG: "the name is too long",
    EEXIST: "it exists already",
    ELOOP: "too many symbolic links",
    EFBIG: "the file is too large for the file system or the limit set",
  };
  return (code !== undefined && known[code]) || message || String(error);
}
