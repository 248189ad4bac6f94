import { formatJson } from "./json.ts";
import { printable, printableJson } from "./printable.ts";

export { printable };

/** Where a command writes. Human text goes to stdout; progress and notices to stderr; with --json, stdout gets one document. */
export interface Output {
  readonly json: boolean;
  /** Text for people: nothing with --json. */
  print(text?: string): void;
  /** What programs read: nothing without --json. */
  document(value: unknown): void;
  /** What the user should know, on stderr, with or without --json. */
  notice(text: string): void;
  readonly paint: Paint;
  /** Characters in a line of the terminal that stdout is; Infinity where it is none: what reads it wants whole lines. */
  readonly columns: number;
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
}

export function createOutput(json: boolean): Output {
  const { stdout, stderr } = process;
  return {
    json,
    print: (text = "") => {
      if (!json) stdout.write(`${text}\n`);
    },
    document: (value) => {
      if (json) stdout.write(`${printableJson(formatJson(value))}\n`);
    },
    notice: (text) => {
      stderr.write(`${printable(text, true)}\n`);
    },
    paint: createPaint(stdout),
    get columns() {
      // 0 is a terminal that was not told its size.
      return stdout.columns || Number.POSITIVE_INFINITY;
    },
  };
}

/** Colours where the terminal has them: Node's hasColors() honours NO_COLOR, FORCE_COLOR and TERM. */
function createPaint(stream: NodeJS.WriteStream): Paint {
  const colours = stream.isTTY === true && stream.hasColors();
  const paint = (open: number, close: number) => (text: string) =>
    colours ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), green: paint(32, 39), red: paint(31, 39) };
}

/**
 * A pipe's reader may leave early (`wasmgrad ... | head`), a terminal may be closed (EIO): what is left to print is
 * dropped, the work goes on, and the exit status is the work's. Where output fails otherwise (a full disk), the work
 * goes on as well, but the status is 1.
 */
export function survivePrintingErrors(): void {
  let told = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") return;
      if (error.code === "EIO" && stream.isTTY) return;
      process.exitCode = 1;
      if (told || stream === process.stderr) return;
      told = true;
      process.stderr.write(`wasmgrad: cannot print: ${error.message}\n`);
    });
}

/** 12345.6 as 12,346. */
export function formatCount(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

/** 0.98714 as 98.71 %. */
export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Seconds as 0.4s, 12s, 3m 05s or 1h 02m. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** Text broken between words into lines of at most so many characters; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string {
  return fill(text.split(" "), columns, " ");
}

/** The same for pieces that are not to be broken themselves. */
export function fill(pieces: readonly string[], columns: number, between: string): string {
  const lines: string[] = [];
  for (const piece of pieces) {
    const line = lines.at(-1);
    if (line === undefined || line.length + between.length + piece.length > columns) lines.push(piece);
    else lines[lines.length - 1] = `${line}${between}${piece}`;
  }
  return lines.join("\n");
}

/** Rows in columns; `align` holds one of < and > for each column. */
export function formatTable(rows: readonly (readonly string[])[], align: string): string {
  const widths = [...align].map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      widths
        .map((width, column) => {
          const cell = row[column] ?? "";
          return align[column] === ">" ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
