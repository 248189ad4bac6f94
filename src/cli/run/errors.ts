import { fileReason } from "../errors.ts";
import { codeOf } from "../files.ts";
import { printable } from "../output.ts";

/** A run folder that cannot be made, locked or written. */
export class RunFolderError extends Error {
  override readonly name = "RunFolderError";
  /** "locked": another training has the folder. */
  readonly code?: "locked";

  constructor(message: string, options: { readonly cause?: unknown; readonly code?: "locked" } = {}) {
    super(message, options);
    if (options.code !== undefined) this.code = options.code;
  }
}

/** A file system's error as one of the run folder's; one that is already is left as it is. */
export function refused(path: string, error: unknown): RunFolderError {
  if (error instanceof RunFolderError) return error;
  // mkdir says EEXIST where a file has the folder's name.
  const reason = codeOf(error) === "EEXIST" ? "a file is in the way" : fileReason(error);
  return new RunFolderError(`cannot write ${printable(path)}: ${reason}`, { cause: error });
}
