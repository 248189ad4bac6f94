import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { dark } from "../state/theme.ts";

export interface ChartLine {
  readonly name: string;
  /** Custom property of the style sheet that holds its colour. */
  readonly colour: string;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly points?: boolean;
}

interface LineChartProps {
  readonly title: string;
  /** The chart in words. */
  readonly description: string;
  readonly lines: readonly ChartLine[];
  /** x, then a row for each line; null where a line has no point. */
  readonly data: uPlot.AlignedData;
  /** Range of the x axis. */
  readonly range: readonly [number, number];
  /** Range of the y axis. */
  readonly yRange: readonly [number, number];
  /** What stands in the plot while there is no data. */
  readonly empty?: string;
  /** A place on the x axis that a line and a word mark. */
  readonly mark?: { readonly x: number; readonly label: string; readonly at: "top" | "bottom" } | undefined;
  readonly format: (y: number | null | undefined) => string;
  readonly tick: (y: number) => string;
}

const HEIGHT = 230;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Lines over epochs, with a legend that shows the last values, or those under the pointer. */
export function LineChart(props: LineChartProps) {
  const { title, description, lines, data, range, yRange, empty, mark, format, tick } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef({ range, yRange, mark });
  latest.current = { range, yRange, mark };
  const [hover, setHover] = useState<number | undefined>(undefined);

  useLayoutEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      {
        width: element.clientWidth || 300,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          x: { time: false, range: () => [...latest.current.range] as [number, number] },
          y: { range: () => [...latest.current.yRange] as [number, number] },
        },
        axes: [
          axis({ size: 30, values: (_, ticks) => ticks.map(epochTick) }),
          axis({ size: 54, values: (_, ticks) => ticks.map(tick) }),
        ],
        series: [{}, ...lines.map(series)],
        hooks: {
          setCursor: [({ cursor }) => setHover(cursor.idx ?? undefined)],
          draw: [(drawn) => latest.current.mark && drawMark(drawn, latest.current.mark)],
        },
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width)
        made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
    // Colours are read from the style sheet when the chart is made.
  }, [dark.value]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, range[1], yRange[0], yRange[1], mark?.x]);

  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend">
          {lines.map((line, i) => (
            <li key={line.name}>
              <i class={`key ${line.colour}`} aria-hidden="true" />
              <span>{line.name}</span>
              <b>{format(valueAt(data[i + 1]!, hover))}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot-box">
        <div ref={box} class="plot" role="img" aria-label={description} />
        {empty && <p class="plot-empty">{empty}</p>}
      </div>
    </figure>
  );
}

/** The value at a place or the nearest before it; without a place the last. */
function valueAt(values: ArrayLike<number | null | undefined>, at: number | undefined): number | null {
  for (let i = Math.min(at ?? values.length - 1, values.length - 1); i >= 0; i--)
    if (values[i] !== null && values[i] !== undefined) return values[i]!;
  return null;
}

function series({ name, colour, width, dash, points }: ChartLine): uPlot.Series {
  const stroke = property(`--${colour}`);
  return {
    label: name,
    stroke,
    width,
    spanGaps: true,
    ...(dash && { dash: [...dash] }),
    points: points ? { show: true, size: 7, fill: stroke } : { show: false },
  };
}

function drawMark(plot: uPlot, { x, label, at: edge }: NonNullable<LineChartProps["mark"]>): void {
  const { ctx, bbox } = plot;
  const at = Math.round(plot.valToPos(x, "x", true));
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = property("--kept");
  ctx.lineWidth = scale;
  ctx.setLineDash([4 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(at, bbox.top);
  ctx.lineTo(at, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${12 * scale}px ${FONT}`;
  ctx.textBaseline = edge;
  // Away from the edge that it is near.
  const right = at > bbox.left + bbox.width / 2;
  ctx.textAlign = right ? "right" : "left";
  const y = edge === "top" ? bbox.top + 4 * scale : bbox.top + bbox.height - 4 * scale;
  ctx.fillText(label, at + (right ? -5 : 5) * scale, y);
  ctx.restore();
}

function axis(options: Pick<uPlot.Axis, "size" | "values">): uPlot.Axis {
  return {
    stroke: property("--muted"),
    grid: { stroke: property("--grid"), width: 1 },
    ticks: { show: false },
    font: `12px ${FONT}`,
    gap: 6,
    ...options,
  };
}

function epochTick(x: number): string {
  return Number.isInteger(x) ? String(x) : "";
}

/** A colour of the style sheet as the theme at hand has it. */
function property(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
