import { extent, range, tickStep } from "d3-array";
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { line, symbol, symbolCircle, symbolDiamond } from "d3-shape";
import { Markup, markup } from "./markup.ts";

export interface Point {
  /** Epoch, from 1. */
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: "training" | "validation";
  /** In order of x. Points that are not finite leave a gap. */
  readonly points: readonly Point[];
}

export interface ChartSpec {
  /** Prefix of the ids in the SVG. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly series: readonly Series[];
  /** An epoch that stands out: a line with a label. The legend's values are then of it, else of the last epoch. */
  readonly mark?: { readonly x: number; readonly label: string } | undefined;
  /** Range of the y axis that shows the values from `low` to `high`, before it is rounded to ticks. */
  readonly domain: (low: number, high: number) => [number, number];
  readonly formatTick: (y: number, step: number) => string;
  readonly formatValue: (y: number) => string;
}

const WIDTH = 440;
const HEIGHT = 300;
const PLOT = { right: WIDTH - 10, top: 62, bottom: HEIGHT - 42 };
/** Of a wide font at 13 px: room for the numbers of the y axis. */
const DIGIT_WIDTH = 8.25;
/** Left edge of the title and the legend. */
const MARGIN = 8;
/** Room between the plot's sides and the first and last epoch. */
const INSET = 10;
/** Beyond so many epochs markers would merge: only the last one and lone ones remain. */
const MAX_MARKERS = 40;
/** Room to keep between the mark's label and the plot's sides. */
const LABEL_INSET = 18;

/** Colours and lines of the charts, light and dark; everything is below .wg-chart, so that a page can include it. */
export const CHART_STYLE =
  new Markup(`.wg-chart{--paper:#fff;--ink:#1b2430;--muted:#566170;--grid:#e4e8ed;--axis:#9aa4b0;--training:#1560b0;--validation:#c2410c}
@media (prefers-color-scheme:dark){.wg-chart{--paper:#171c24;--ink:#e8ebf0;--muted:#a5b0bd;--grid:#2b323d;--axis:#5b6674;--training:#6db3ff;--validation:#ffa46b}}
.wg-chart{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
.wg-chart text{fill:var(--muted)}.wg-chart .title{fill:var(--ink);font-size:16px;font-weight:600}.wg-chart .key{fill:var(--ink)}
.wg-chart .paper{fill:var(--paper)}.wg-chart .grid{stroke:var(--grid)}.wg-chart .axis{stroke:var(--axis)}
.wg-chart .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.wg-chart .training{stroke:var(--training)}.wg-chart .validation{stroke:var(--validation)}.wg-chart .line.validation{stroke-dasharray:7 5}
.wg-chart .kept{stroke:var(--ink);stroke-width:1.25;stroke-dasharray:2 3}.wg-chart .kept-label{fill:var(--ink);font-size:12px}
.wg-chart .mark{stroke-width:1.75}.wg-chart .mark.training{fill:var(--training)}.wg-chart .mark.validation{fill:var(--paper)}`);

/** A line chart over epochs. Standalone: a file of its own, with its style and background; else for a page that has CHART_STYLE. */
export function lineChart(spec: ChartSpec, standalone: boolean): Markup {
  const { id, series } = spec;
  const points = series.flatMap((s) => s.points.filter(isFinitePoint));
  return markup`<svg xmlns="http://www.w3.org/2000/svg" class="wg-chart" viewBox="0 0 ${WIDTH} ${HEIGHT}"${
    standalone && markup` width="${2 * WIDTH}" height="${2 * HEIGHT}"`
  } role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${spec.title}</title>
<desc id="${id}-desc">${spec.description}</desc>
${standalone && markup`<style>${CHART_STYLE}</style><rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`}
<text class="title" x="${MARGIN}" y="22">${spec.title}</text>
${points.length === 0 ? markup`<text x="${MARGIN}" y="${HEIGHT / 2}">no data</text>` : plot(spec, points)}
</svg>
`;
}

function plot(spec: ChartSpec, points: readonly Point[]): Markup {
  const [first, last] = extent(points, (p) => p.x) as [number, number];
  const [low, high] = extent(points, (p) => p.y) as [number, number];
  const y = scaleLinear().domain(spec.domain(low, high)).nice(5).range([PLOT.bottom, PLOT.top]);
  const step = tickStep(...(y.domain() as [number, number]), 5);
  const ticks = y.ticks(5).map((value): Tick => ({ at: y(value), text: spec.formatTick(value, step) }));
  const left = Math.max(...ticks.map(({ text }) => text.length)) * DIGIT_WIDTH + 14;
  const x = scaleLinear()
    .domain(first === last ? [first - 0.5, last + 0.5] : [first, last])
    .range([left + INSET, PLOT.right - INSET]);
  const epochs = epochTicks(first, last).map((epoch): Tick => ({ at: x(epoch), text: String(epoch) }));
  return markup`${axes(left, epochs, ticks)}
${spec.mark && markLine(spec.mark, x, left)}
${spec.series.map((s, i) => legend(spec, s, i))}
${spec.series.map((s) => drawSeries(spec, s, x, y))}`;
}

type Scale = ScaleLinear<number, number>;

interface Tick {
  readonly at: number;
  readonly text: string;
}

/** Round numbers, and the first epoch where there is room: 1, 5, 10 ... reads better than 5, 10. */
function epochTicks(first: number, last: number): number[] {
  if (first === last) return [first];
  const step = Math.max(1, tickStep(first, last, last < 100 ? 9 : 6));
  const epochs = range(Math.ceil(first / step) * step, last + 1, step);
  return epochs[0] !== first && (epochs[0] ?? last) - first >= step / 2 ? [first, ...epochs] : epochs;
}

function axes(left: number, epochs: readonly Tick[], ticks: readonly Tick[]): Markup {
  const { right, bottom } = PLOT;
  return markup`${ticks.map(
    ({ at, text }) =>
      markup`<line class="grid" x1="${left}" x2="${right}" y1="${round(at)}" y2="${round(at)}"/><text x="${left - 8}" y="${round(at + 4.5)}" text-anchor="end">${text}</text>`,
  )}
<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
${epochs.map(
  ({ at, text }) =>
    markup`<line class="axis" x1="${round(at)}" x2="${round(at)}" y1="${bottom}" y2="${bottom + 5}"/><text x="${round(at)}" y="${bottom + 19}" text-anchor="middle">${text}</text>`,
)}
<text x="${(left + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">epoch</text>`;
}

function markLine({ x: epoch, label }: NonNullable<ChartSpec["mark"]>, x: Scale, left: number): Markup {
  const at = round(x(epoch));
  const text = Math.min(Math.max(x(epoch), left + LABEL_INSET), PLOT.right - LABEL_INSET);
  return markup`<line class="kept" x1="${at}" x2="${at}" y1="${PLOT.top}" y2="${PLOT.bottom}"/><text class="kept-label" x="${round(text)}" y="${PLOT.top - 3}" text-anchor="middle">${label}</text>`;
}

/** Line and marker of a series, its name and its value at the mark, else its last one. */
function legend({ formatValue, mark }: ChartSpec, { name, points }: Series, position: number): Markup {
  const x = MARGIN + position * 206;
  const final = points.findLast((p) => isFinitePoint(p) && (!mark || p.x === mark.x));
  return markup`<path class="line ${name}" d="M${x},42h30"/><path class="mark ${name}" transform="translate(${x + 15},42)" d="${marker(name)}"/><text class="key" x="${x + 38}" y="46.5">${name}${final && ` ${formatValue(final.y)}`}</text>`;
}

function drawSeries({ title, formatValue }: ChartSpec, { name, points }: Series, x: Scale, y: Scale): Markup {
  const path = line<Point>(
    (p) => x(p.x),
    (p) => y(p.y),
  ).defined(isFinitePoint);
  const final = points.findLast(isFinitePoint);
  const lone = (i: number) => ![points[i - 1], points[i + 1]].some((p) => p && isFinitePoint(p));
  const marked = points.filter(
    (p, i) => isFinitePoint(p) && (points.length <= MAX_MARKERS || p === final || lone(i)),
  );
  return markup`<path class="line ${name}" d="${path.digits(2)(points) ?? ""}"/>
${marked.map(
  (p) =>
    markup`<path class="mark ${name}" transform="translate(${round(x(p.x))},${round(y(p.y))})" d="${marker(name)}"><title>${`epoch ${p.x}: ${name} ${title.toLowerCase()} ${formatValue(p.y)}`}</title></path>`,
)}`;
}

/** A dot for training, a hollow diamond for validation. */
function marker(name: Series["name"]): string {
  return (
    symbol(name === "training" ? symbolCircle : symbolDiamond, name === "training" ? 34 : 42).digits(2)() ??
    ""
  );
}

function isFinitePoint({ y }: Point): boolean {
  return Number.isFinite(y);
}

function round(n: number): string {
  return String(Math.round(100 * n) / 100);
}
