import { type Detour, sourcesOf } from "../state/branches.ts";
import type { LayerSpec } from "../state/layers.ts";

/** Pixels from one line to the next, and from the outermost to the edge. */
const STEP = 8;
const EDGE = 6;

export function railSize(lines: readonly Detour[]): number {
  return 2 * EDGE + STEP * lines.reduce((most, { lane }) => Math.max(most, lane), 0);
}

interface RailProps {
  readonly layers: readonly LayerSpec[];
  /** detours(layers). */
  readonly lines: readonly Detour[];
  /** Of the layer that this stretch stands beside, 0 for the image. */
  readonly number: number;
  /** Behind that layer, before the next: no layer stands beside it. */
  readonly behind?: boolean;
  /** From left to right, in place of down. */
  readonly across?: boolean;
}

/** What leads past a layer, into it and out of it: beside each, they make a drawing of the whole. As long as its box. */
export function Rail({ layers, lines, number, behind = false, across = false }: RailProps) {
  const size = railSize(lines);
  const at = (lane: number) => size - EDGE - STEP * lane;
  const path: string[] = [];
  // Along the line from one share of its length to another, or from one lane to another half way.
  const along = (lane: number, from: number, to: number) =>
    path.push(across ? `M${from} ${at(lane)}H${to}` : `M${at(lane)} ${from}V${to}`);
  const aside = (lane: number) => path.push(across ? `M50 ${at(lane)}V${at(0)}` : `M${at(lane)} 50H${at(0)}`);
  const leads = (to: number) => to <= layers.length && sourcesOf(layers, to - 1).includes(to - 1);
  if (number > 0 && !behind && leads(number)) along(0, 0, 50);
  if (leads(number + 1)) along(0, behind ? 0 : 50, 100);
  for (const { lane, from, to } of lines) {
    const last = to.at(-1)!;
    if (number < from || number > last || (behind && number === last)) continue;
    const begins = from === number && !behind;
    along(lane, begins ? 50 : 0, number === last ? 50 : 100);
    if (!behind && (begins || to.includes(number))) aside(lane);
  }
  return (
    <span class={`rail${across ? " across" : ""}`} style={{ "--size": `${size}px` }}>
      <svg
        viewBox={across ? `0 0 100 ${size}` : `0 0 ${size} 100`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <path d={path.join("")} vector-effect="non-scaling-stroke" />
      </svg>
      {!behind && <i />}
    </span>
  );
}
