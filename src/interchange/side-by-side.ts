import { ModelFileError } from "../formats/model-file-error.ts";
import { show } from "../options/show.ts";

/** What is shown before the place where two lists part, and behind it. */
const BEFORE = 2;
const BEHIND = 4;
const MOST_OF_NAME = 48;

interface Shaped {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The model's parameters and the file's, around the place where they part. */
export function sideBySide(at: number, model: readonly Shaped[], file: readonly Shaped[]): string[] {
  const from = Math.max(0, at - BEFORE);
  const last = Math.max(model.length, file.length) - 1;
  const row = (item: Shaped | undefined) =>
    item
      ? `${item.name.length > MOST_OF_NAME ? `${item.name.slice(0, MOST_OF_NAME)}…` : item.name} ${show(item.shape)}`
      : "-";
  const rows = Array.from({ length: Math.max(0, Math.min(at + BEHIND, last) - from + 1) }, (_, i) => ({
    mark: from + i === at ? ">" : " ",
    mine: row(model[from + i]),
    theirs: row(file[from + i]),
  }));
  const width = Math.max(9, ...rows.map(({ mine }) => mine.length));
  return [
    `  ${"the model".padEnd(width)}  the file`,
    ...rows.map(({ mark, mine, theirs }) => `${mark} ${mine.padEnd(width)}  ${theirs}`),
  ];
}

/** What is wrong, and where the lists part below it; line breaks are between the lists' lines alone, whatever names a file has. */
export function unfitting(problem: string, lists?: readonly string[], then?: string): ModelFileError {
  const lines = [
    `the file's weights do not fit the model: ${problem}`,
    ...(lists ?? []),
    ...(then ? [then] : []),
  ];
  return new ModelFileError("fit", lines.map((line) => line.replace(/\p{Cc}/gu, "\ufffd")).join("\n"));
}
