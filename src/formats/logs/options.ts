import { flag, needed, type OptionsOf, optional, some, whole } from "../../options/kinds.ts";

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

export const TENSOR_BOARD = {
  /** The folder to write into. Default "logs". */
  logDir: optional(place("the path of a folder", "logs"), "logs"),
  /** Histograms of all weights every so many epochs, from epoch 0 on. Default 0: none. */
  histogramFreq: optional(whole(0), 0),
  /** Whether the graph of layers is written. Default true. */
  writeGraph: optional(flag, true),
  /** Whether filters of convolutions are written as pictures, with the histograms; without these after each epoch. Default false. */
  writeImages: optional(flag, false),
  /** Whether training steps a second are written. Default false. */
  writeStepsPerSecond: optional(flag, false),
  /** Figures after each "epoch" (default), and besides of each "batch", or every so many batches. */
  updateFreq: optional(
    some<"epoch" | "batch" | number>(
      '"epoch", "batch" or a whole number >= 1',
      (value) =>
        value === "epoch" || value === "batch" || (Number.isSafeInteger(value) && (value as number) >= 1),
    ),
    "epoch",
  ),
};
export interface TensorBoardOptions extends OptionsOf<typeof TENSOR_BOARD> {}
