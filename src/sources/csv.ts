import { DataError } from "../data/errors.ts";
import { MAX_IDX_BYTES } from "../data/idx.ts";
import { show } from "../options/show.ts";

/** A table of images: a line each, pixels and a class. */
export interface PixelTable {
  /** Of all lines, one after the other. */
  readonly pixels: Uint8Array;
  /** Numbers or names, a line each. */
  readonly labels: readonly string[];
  /** Of one line. */
  readonly width: number;
  readonly label: "first" | "last";
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const POINT = 0x2e;
const BLANK = 0x20;
const MAX_COLUMNS = 10_000_000;
/** What a column of classes may be called. */
const LABELS = /^(label|labels|class|target|y)$/i;
/** Lines that are looked at to tell on which side the classes are, all over the table: it may be sorted by class. */
const LOOKED_AT = 1000;
/** Share of one value in a column from which on it is rather a border of images than their classes. */
const MOST_ALIKE = 0.9;

/**
 * Reads a table of images as MNIST is passed around: a line for each, its class first or last, beside it pixels from 0 to 255;
 * with a line of names above, or none. Commas, semicolons or tabs are between. Classes may be names. Where neither a name nor
 * `side` says on which side they are, it is the one that looks more like them: see doubtOf().
 * Throws DataError `bad-table` with line and column.
 */
export function parseCsv(bytes: Uint8Array, source: string, side?: PixelTable["label"]): PixelTable {
  const text = new TextDecoder();
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const lines = lineEnds(bytes, start);
  const lineAt = (i: number) => bytes.subarray(i === 0 ? start : lines[i - 1]! + 1, lines[i]!);
  const first = text.decode(lineAt(0)).trimEnd();
  const separator = [",", ";", "\t"].find((one) => first.includes(one));
  if (separator === undefined)
    throw bad(source, 1, undefined, `is ${show(first)}`, "a class and pixels, with commas between them");
  const code = separator.charCodeAt(0);
  const cells = (line: Uint8Array) => {
    const found: string[] = [];
    for (let at = 0, end: number; at <= line.length; at = end + 1) {
      end = cellEnd(line, at, code);
      found.push(unquoted(text.decode(line.subarray(at, end))));
    }
    return found;
  };
  const names = cells(lineAt(0));
  const columns = names.length;
  if (columns > MAX_COLUMNS || columns < 2)
    throw bad(source, 1, undefined, `has ${columns} columns`, "a class and pixels");
  const header =
    names.slice(1, -1).some((cell) => !isNumber(cell)) ||
    (columns < 4 && names.every((cell) => !isNumber(cell)));
  const from = header ? 1 : 0;
  const count = lines.length - from;
  const width = columns - 1;
  if (count === 0) throw bad(source, 1, undefined, "is the only one", "a line for each image below it");
  if (count * width > MAX_IDX_BYTES)
    throw new DataError(
      "too-large",
      `${source}: ${count} lines of ${width} pixels take ${count * width} bytes; the limit is ${MAX_IDX_BYTES}.`,
    );
  const looked = Math.min(count, LOOKED_AT);
  const label =
    namedSide(header ? names : []) ??
    side ??
    likelySide(
      Array.from({ length: looked }, (_, i) => cells(lineAt(from + Math.floor((i * count) / looked)))),
    );
  const pixels = new Uint8Array(count * width);
  const labels: string[] = [];
  for (let row = 0; row < count; row++) {
    const line = lineAt(from + row);
    const number = from + row + 1;
    let column = 0;
    let at = 0;
    let to = row * width;
    while (at <= line.length) {
      const end = cellEnd(line, at, code);
      if (column === columns)
        throw bad(
          source,
          number,
          undefined,
          `has more than ${columns} columns`,
          `${columns}, as the first line has`,
        );
      if (column === (label === "first" ? 0 : columns - 1)) {
        const cell = unquoted(text.decode(line.subarray(at, end)));
        if (cell === "") throw bad(source, number, column + 1, "is empty", "a class");
        labels.push(cell);
      } else {
        const value = pixel(line, at, end);
        if (value < 0)
          throw bad(
            source,
            number,
            column + 1,
            `is ${show(text.decode(line.subarray(at, Math.min(end, at + 40))))}`,
            "a pixel: a whole number from 0 to 255",
          );
        pixels[to++] = value;
      }
      column++;
      at = end + 1;
    }
    if (column < columns)
      throw bad(source, number, undefined, `has ${column} columns`, `${columns}, as the first line has`);
  }
  return { pixels, labels, width, label };
}

function bad(
  source: string,
  line: number,
  column: number | undefined,
  got: string,
  expected: string,
): DataError {
  return new DataError(
    "bad-table",
    `${source}: line ${line}${column === undefined ? "" : `, column ${column}`} ${got}; expected ${expected}.`,
  );
}

/** Where lines end, those alone that are not empty at the end of the file. */
function lineEnds(bytes: Uint8Array, start: number): number[] {
  const ends: number[] = [];
  for (let at = start; at < bytes.length; ) {
    let end = bytes.indexOf(NEWLINE, at);
    if (end < 0) end = bytes.length;
    ends.push(end);
    at = end + 1;
  }
  const isBlank = (i: number) =>
    bytes
      .subarray(i === 0 ? start : ends[i - 1]! + 1, ends[i]!)
      .every((byte) => byte === BLANK || byte === RETURN);
  while (ends.length > 1 && isBlank(ends.length - 1)) ends.pop();
  return ends.length === 0 ? [bytes.length] : ends;
}

/** Where a cell ends: at the next separator that is not in quotes. */
function cellEnd(line: Uint8Array, from: number, separator: number): number {
  let at = from;
  while (line[at] === BLANK) at++;
  if (line[at] === QUOTE) {
    at = line.indexOf(QUOTE, at + 1);
    // One in the text is doubled.
    while (at >= 0 && line[at + 1] === QUOTE) at = line.indexOf(QUOTE, at + 2);
  }
  const end = at < 0 ? -1 : line.indexOf(separator, at);
  return end < 0 ? line.length : end;
}

function unquoted(cell: string): string {
  const trimmed = cell.trim();
  return /^".*"$/s.test(trimmed) ? trimmed.slice(1, -1).replaceAll('""', '"') : trimmed;
}

function isNumber(cell: string): boolean {
  return cell !== "" && Number.isFinite(Number(cell));
}

/** A whole number from 0 to 255 of digits, in quotes or not, maybe with ".0"; -1 where it is none. */
function pixel(line: Uint8Array, from: number, to: number): number {
  let [at, end] = [from, to];
  const skipped = (byte: number) => byte === BLANK || byte === RETURN || byte === QUOTE;
  while (at < end && skipped(line[at]!)) at++;
  while (end > at && skipped(line[end - 1]!)) end--;
  if (at === end) return -1;
  let value = 0;
  for (; at < end; at++) {
    const digit = line[at]! - 0x30;
    if (line[at] === POINT && at > from) {
      for (at++; at < end; at++) if (line[at] !== 0x30) return -1;
      return value;
    }
    if (digit < 0 || digit > 9) return -1;
    value = 10 * value + digit;
    if (value > 255) return -1;
  }
  return value;
}

function namedSide(names: readonly string[]): PixelTable["label"] | undefined {
  const [first, last] = [names[0], names.at(-1)].map((name) => LABELS.test(name ?? ""));
  return first === last ? undefined : first ? "first" : "last";
}

function likelySide(rows: readonly (readonly string[])[]): PixelTable["label"] {
  const [first, last] = [0, -1].map((column) => doubtOf(rows.map((row) => row.at(column) ?? "")));
  return last! < first! ? "last" : "first";
}

/**
 * How little a column looks like one of classes: these are names, or what no pixel is; or numbers without gaps from 0 or 1 on, of
 * which none is nearly all, as the border of images is. Then fewer are likelier, but one alone tells nothing apart.
 */
function doubtOf(cells: readonly string[]): number {
  if (cells.some((cell) => !isNumber(cell) || Number(cell) < 0 || Number(cell) > 255)) return 0;
  const counts = new Map<number, number>();
  for (const cell of cells) counts.set(Number(cell), (counts.get(Number(cell)) ?? 0) + 1);
  const n = counts.size;
  if (n === 1) return Number.POSITIVE_INFINITY;
  const least = Math.min(...counts.keys());
  const gaps = (least !== 0 && least !== 1) || Math.max(...counts.keys()) !== least + n - 1;
  const alike = Math.max(...counts.values()) > MOST_ALIKE * cells.length;
  return n + LOOKED_AT * (Number(gaps) + Number(alike));
}
