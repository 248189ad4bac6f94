// The pen: a glyph calls `start`, then `to` (smooth) and `corner` (sharp); `flatten` turns the control points
// into a polyline. Glyph space: y from 0 (top) to 1 (baseline), x around 0, both to the same scale.
import { near } from "./random";

const MAX_CONTROLS = 128;
const MAX_POINTS = 1024;
/** Straight pieces per span between two control points. */
const PIECES = 6;

const SMOOTH: u8 = 0;
const CORNER: u8 = 1;
const START: u8 = 2;

const controlX = new StaticArray<f64>(MAX_CONTROLS);
const controlY = new StaticArray<f64>(MAX_CONTROLS);
const controlKind = new StaticArray<u8>(MAX_CONTROLS);
let controls = 0;
let tremble: f64 = 0;
let handed: f64 = 1;

/** The polyline. `joined[i]` is 1 when the pen was down between point i - 1 and point i. */
export const pointX = new StaticArray<f64>(MAX_POINTS);
export const pointY = new StaticArray<f64>(MAX_POINTS);
export const joined = new StaticArray<u8>(MAX_POINTS);
export let points = 0;

/** Clears the sheet; every control point to come is off by `jitter` (standard deviation, glyph units). */
export function takePen(jitter: f64): void {
  controls = 0;
  points = 0;
  tremble = jitter;
  handed = 1;
}

/** Draws what follows left-right reversed. */
export function mirror(): void {
  handed = -1;
}

function put(x: f64, y: f64, kind: u8, jitter: f64): void {
  if (controls == MAX_CONTROLS) return;
  unchecked(controlX[controls] = near(handed * x, jitter));
  unchecked(controlY[controls] = near(y, jitter));
  unchecked(controlKind[controls] = kind);
  controls++;
}

/** Puts the pen down: a new stroke. */
export function start(x: f64, y: f64): void {
  put(x, y, START, tremble);
}

/** The stroke passes here, smoothly. */
export function to(x: f64, y: f64): void {
  put(x, y, SMOOTH, tremble);
}

/** The stroke turns sharply here. */
export function corner(x: f64, y: f64): void {
  put(x, y, CORNER, tremble);
}

/**
 * Smooth points along an ellipse around (cx, cy), one about every 40 degrees. Angles in degrees: 0 is right, 90 is
 * down (y grows downwards), so `until` > `from` runs clockwise. The radii grow linearly to `growth` times themselves.
 * The first point continues the stroke in hand; call `start` before, or pass `lift` to begin a stroke there.
 */
export function arc(cx: f64, cy: f64, rx: f64, ry: f64, from: f64, until: f64, growth: f64, lift: bool): void {
  const steps = <i32>max<f64>(2, Math.ceil(Math.abs(until - from) / 40));
  for (let i = 0; i <= steps; i++) {
    const t = <f64>i / <f64>steps;
    const angle = (from + (until - from) * t) * <f64>(Math.PI / 180);
    const size = 1.0 + (growth - 1.0) * t;
    const kind = lift && i == 0 ? START : SMOOTH;
    // The points lie close: jitter at full strength would make a polygon of the ellipse.
    put(cx + rx * size * Math.cos(angle), cy + ry * size * Math.sin(angle), kind, 0.5 * tremble);
  }
}

function emit(x: f64, y: f64, down: u8): void {
  if (points == MAX_POINTS) return;
  unchecked(pointX[points] = x);
  unchecked(pointY[points] = y);
  unchecked(joined[points] = down);
  points++;
}

/** Knot distance of the centripetal parametrisation: the square root of the chord, never 0. */
// @ts-ignore: decorator
@inline
function knot(dx: f64, dy: f64): f64 {
  return Math.sqrt(Math.sqrt(dx * dx + dy * dy)) + 1e-3;
}

/** Derivative of the Catmull-Rom curve at the middle of three values `before`, `here`, `after`, knots d0 and d1 apart. */
// @ts-ignore: decorator
@inline
function slope(before: f64, here: f64, after: f64, d0: f64, d1: f64): f64 {
  return (here - before) / d0 - (after - before) / (d0 + d1) + (after - here) / d1;
}

/**
 * Centripetal Catmull-Rom through the control points: no cusps or self-crossings within a span, however uneven the
 * spacing (Yuksel, Schaefer, Keyser 2011). At starts, ends and corners the tangent makes the end of the span parabolic.
 */
export function flatten(): void {
  for (let i = 0; i < controls; i++) {
    const x0 = unchecked(controlX[i]);
    const y0 = unchecked(controlY[i]);
    if (unchecked(controlKind[i]) == START) emit(x0, y0, 0);
    if (i + 1 == controls || unchecked(controlKind[i + 1]) == START) continue;

    const x1 = unchecked(controlX[i + 1]);
    const y1 = unchecked(controlY[i + 1]);
    const d = knot(x1 - x0, y1 - y0);
    const bendsBefore = unchecked(controlKind[i]) == SMOOTH;
    const bendsAfter =
      unchecked(controlKind[i + 1]) == SMOOTH && i + 2 < controls && unchecked(controlKind[i + 2]) != START;

    // Hermite tangents of this span, per unit of its own parameter.
    let mx0: f64 = 0, my0: f64 = 0, mx1: f64 = 0, my1: f64 = 0;
    if (bendsBefore) {
      const px = unchecked(controlX[i - 1]);
      const py = unchecked(controlY[i - 1]);
      const db = knot(x0 - px, y0 - py);
      mx0 = slope(px, x0, x1, db, d) * d;
      my0 = slope(py, y0, y1, db, d) * d;
    }
    if (bendsAfter) {
      const qx = unchecked(controlX[i + 2]);
      const qy = unchecked(controlY[i + 2]);
      const da = knot(qx - x1, qy - y1);
      mx1 = slope(x0, x1, qx, d, da) * d;
      my1 = slope(y0, y1, qy, d, da) * d;
    }
    if (!bendsBefore && !bendsAfter) {
      mx0 = mx1 = x1 - x0;
      my0 = my1 = y1 - y0;
    } else if (!bendsBefore) {
      mx0 = 1.5 * (x1 - x0) - 0.5 * mx1;
      my0 = 1.5 * (y1 - y0) - 0.5 * my1;
    } else if (!bendsAfter) {
      mx1 = 1.5 * (x1 - x0) - 0.5 * mx0;
      my1 = 1.5 * (y1 - y0) - 0.5 * my0;
    }

    for (let k = 1; k <= PIECES; k++) {
      const t = <f64>k / <f64>PIECES;
      const s = 1.0 - t;
      const h00 = (1.0 + 2.0 * t) * s * s;
      const h10 = t * s * s;
      const h01 = t * t * (3.0 - 2.0 * t);
      const h11 = -t * t * s;
      emit(h00 * x0 + h10 * mx0 + h01 * x1 + h11 * mx1, h00 * y0 + h10 * my0 + h01 * y1 + h11 * my1, 1);
    }
  }
}
