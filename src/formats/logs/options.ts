import { flag, needed, type OptionsOf, optional, some } from "../../options/kinds.ts";

/** Options of callbacks that write files, apart from what writes them: settings of runs are checked in pages, too. */

const place = (what: string, example: string) =>
  some<string>(what, (value) => typeof value === "string" && value !== "", example);

export const CSV_LOGGER = {
  /** Between the cells of a line. Default ",". */
  separator: optional(
    some<string>("one character", (value) => typeof value === "string" && [...value].length === 1, ","),
    ",",
  ),
  /** Goes on behind what the file holds, without a second line of names. Default false: begins it anew. */
  append: optional(flag, false),
};
export interface CsvLoggerOptions extends OptionsOf<typeof CSV_LOGGER> {}

/** What a run's settings have of it. */
export const CSV_LOGGER_DATA = { filename: needed(place("the path of a file", "log.csv")), ...CSV_LOGGER };
