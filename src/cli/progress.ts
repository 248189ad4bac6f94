import { SingleBar } from "cli-progress";
import type { Progress } from "../data/load-options.ts";
import type { BatchInfo, Callbacks, Logs, TrainInfo } from "../train/callbacks.ts";
import { EpochLines, epochTitle, figure } from "./epoch-line.ts";
import { formatCount, formatSeconds, type Output, printable } from "./output.ts";

/** Without a terminal: a line this often, so that a log shows life and stays short. */
const LINE_MS = 10_000;
const REDRAW_MS = 100;
/** Reading that takes longer is shown. */
const PICTURES_MS = 1_000;
const BAR = { least: 8, most: 30 };

/** One line on stderr that is drawn anew and goes when it is done. Only on a terminal. */
class Bar {
  readonly #bar: SingleBar;
  #text: readonly string[] = [];
  #drawn = 0;

  constructor(total: number, title: string) {
    this.#text = [title];
    this.#bar = new SingleBar({
      format: (_options, { progress }) => this.#line(progress),
      clearOnComplete: true,
      // cli-progress cuts the line at the terminal's edge then, and does not switch the terminal's own wrapping off.
      linewrap: true,
      fps: 1000 / REDRAW_MS,
    });
    this.#bar.start(total, 0);
  }

  update(value: number, text: readonly string[]): void {
    const now = performance.now();
    if (now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    this.#text = text;
    this.#bar.update(value);
  }

  stop(): void {
    this.#bar.stop();
  }

  /** Where the terminal is too narrow, the bar goes first, then the last figures. */
  #line(progress: number): string {
    // Room for the ^C that a terminal echoes: it must not break the line.
    const columns = (process.stderr.columns ?? 80) - 4;
    const [title = "", ...figures] = this.#text;
    const width = Math.min(columns - [title, ...figures].join("  ").length - 2, BAR.most);
    if (width >= BAR.least) {
      const full = Math.round(width * progress);
      return [title, "█".repeat(full) + "░".repeat(width - full), ...figures].join("  ");
    }
    while (figures.length > 0 && [title, ...figures].join("  ").length > columns) figures.pop();
    return [title, ...figures].join("  ").slice(0, columns);
  }
}

/** Whether to draw bars: on a terminal, and not next to a JSON document. */
function bars(output: Output): boolean {
  return !output.json && process.stderr.isTTY === true && process.env.TERM !== "dumb";
}

/**
 * Shows a training: a bar for the epoch under way, and a line for each finished one, as Keras prints it.
 * `stop` takes the bar away; `begun` says whether training has.
 */
export function trainProgress(output: Output): Callbacks & { begun(): boolean; stop(): void } {
  let info: TrainInfo;
  let begun = false;
  let bar: Bar | undefined;
  let lineAt = 0;
  const lines = new EpochLines();
  const title = (epoch: number) => epochTitle(epoch, info.epochs);
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    begun: () => begun,
    onTrainBegin: (training) => {
      info = training;
      begun = true;
      lineAt = performance.now() + LINE_MS;
    },
    onEpochBegin: (epoch) => {
      lineAt = performance.now() + LINE_MS;
      if (bars(output)) bar = new Bar(info.samples, title(epoch));
    },
    onBatchEnd: (batch, logs) => {
      // Of an epoch that goes on nobody told the beginning.
      if (!bar && bars(output)) bar = new Bar(info.samples, title(batch.epoch));
      if (bar) bar.update(batch.seen, [title(batch.epoch), ...batchFigures(batch, logs, info)]);
      else if (!output.json && performance.now() > lineAt) {
        lineAt = performance.now() + LINE_MS;
        output.notice(`${title(batch.epoch)}: ${batchFigures(batch, logs, info).join("  ")}`);
      }
    },
    onEpochEnd: (epoch, logs) => {
      stop();
      output.print(lines.line(info.epochs, epoch, logs, output.columns));
    },
    stop,
  };
}

function batchFigures(
  { seen, imagesPerSecond }: BatchInfo,
  { loss, accuracy }: Logs,
  { samples }: TrainInfo,
): string[] {
  return [
    `${String(seen).padStart(String(samples).length)}/${samples}`,
    `loss ${figure(loss)}`,
    ...(accuracy === undefined ? [] : [`accuracy ${figure(accuracy)}`]),
    `ETA ${formatSeconds((samples - seen) / imagesPerSecond)}`,
    `${formatCount(imagesPerSecond)} images/s`,
  ];
}

/** Shows how pictures are read, and downloads: a bar for the file under way, or a line for each file. */
export class DownloadProgress {
  readonly #output: Output;
  #began: number | undefined;
  #file: string | undefined;
  #bar: Bar | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  update({ file, received, total, unit }: Progress): void {
    if (unit === "pictures") {
      this.#pictures(received, total!);
      return;
    }
    if (file !== this.#file) {
      this.stop();
      this.#file = file;
      if (bars(this.#output)) this.#bar = new Bar(total ?? Number.POSITIVE_INFINITY, printable(file));
      else if (!this.#output.json)
        this.#output.notice(
          `Downloading ${printable(file)}${total === undefined ? "" : ` (${megabytes(total)})`}`,
        );
    }
    const size = total === undefined ? "" : ` of ${megabytes(total)}`;
    this.#bar?.update(received, [printable(file), `${megabytes(received)}${size}`]);
  }

  /** Not before a while: those of a small folder are read at once. */
  #pictures(read: number, of: number): void {
    this.#began ??= performance.now();
    const late = performance.now() - this.#began > PICTURES_MS;
    if (late && !this.#bar && read < of && bars(this.#output)) this.#bar = new Bar(of, "Reading pictures");
    this.#bar?.update(read, ["Reading pictures", `${formatCount(read)} of ${formatCount(of)}`]);
    if (late && !bars(this.#output) && !this.#output.json) {
      this.#output.notice(`Reading pictures: ${formatCount(read)} of ${formatCount(of)}`);
      this.#began = performance.now() + LINE_MS - PICTURES_MS;
    }
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/** 9.5 MB. */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
