/** What went wrong, for programs; the message says it for people. */
export type DataErrorCode =
  /** Not an IDX file of unsigned bytes, or images where labels were expected. */
  | "bad-magic"
  /** Fewer bytes than the header promises, or a body that ended early. */
  | "truncated"
  /** More bytes than the header promises. */
  | "trailing-bytes"
  /** A zero or absurd dimension, or image sizes that do not agree. */
  | "bad-dimensions"
  /** A label at or above the number of classes. */
  | "label-range"
  /** Images and labels, or a set and its registry entry, disagree on how many there are. */
  | "count-mismatch"
  /** Not a whole, undamaged gzip file. */
  | "bad-gzip"
  /** Over a size limit. */
  | "too-large"
  /** SHA-256 differs from the registry's. */
  | "checksum"
  /** `classes.txt` is empty, too long, or repeats a name; or folders are none of the classes that were named. */
  | "bad-classes"
  /** A table whose lines are no images. */
  | "bad-table"
  /** Pictures of a folder cannot be read. */
  | "bad-pictures"
  /** A file that was asked for cannot be written. */
  | "unwritable"
  /** No mirror delivered a good file. */
  | "download"
  /** A file or folder that was asked for is not there. */
  | "not-found"
  /** A file is there but the system would not let it be read. */
  | "unreadable"
  /** Offline, and the cache does not hold the dataset. */
  | "not-cached"
  /** Neither a known dataset nor a folder. */
  | "unknown-dataset"
  /** An argument outside its range. */
  | "bad-argument"
  /** The platform lacks something needed, e.g. `crypto.subtle` on an insecure page. */
  | "unsupported";

/**
 * Every failure of the data layer except an abort (which rejects with the signal's own reason).
 * The message says what was got, what was expected and what to do.
 */
export class DataError extends Error {
  readonly code: DataErrorCode;

  constructor(code: DataErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DataError";
    this.code = code;
  }
}

/** One line of text for anything thrown; `fetch` hides its reason one `cause` down. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  // An error that was thrown for another one often says the same already.
  const deeper = cause instanceof Error && !(error instanceof DataError) && !message.includes(cause.message);
  return deeper ? `${message}: ${cause.message}` : message;
}
