import { DataError } from "../../data/errors.ts";
import type { FileOf } from "./job.ts";

/** Of a file that is not what it was. */
export function changed({ path, bytes }: FileOf, how: string): DataError {
  return new DataError(
    "truncated",
    `${path}: ${how}, and had ${bytes} when the dataset was opened: it was changed meanwhile. Put it back as it was.`,
  );
}
