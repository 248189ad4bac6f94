// From the polyline to 28 x 28 bytes, in MNIST's format: the glyph fills a 20 x 20 box (aspect kept), and the box is
// moved by whole pixels until the centre of mass of the ink is in the middle of the image. Ink is 255, paper 0.
import { joined, points, pointX, pointY } from "./pen";
import { between, chance, near, unit } from "./random";

/** Rows and columns of an image. */
// @host
export const DIGIT_SIDE = 28;
// @host
export const DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE;
const BOX = 20;

/** Coverage of each pixel of the box, 0 to 1. */
const ink = new StaticArray<f64>(BOX * BOX);
const radius = new StaticArray<f64>(1024);
/** Radius at each point as a multiple of the pen's. */
const pen = new StaticArray<f64>(1024);

/** Moves and scales the polyline into [0, 20] x [0, 20], touching the longer pair of sides, pen radius included. */
function fit(r: f64): void {
  let x0: f64 = Infinity, x1: f64 = -Infinity, y0: f64 = Infinity, y1: f64 = -Infinity;
  for (let i = 0; i < points; i++) {
    const x = unchecked(pointX[i]);
    const y = unchecked(pointY[i]);
    x0 = min(x0, x);
    x1 = max(x1, x);
    y0 = min(y0, y);
    y1 = max(y1, y);
  }
  const scale = (<f64>BOX - 2.0 * r) / max(max(x1 - x0, y1 - y0), 1e-3);
  const cx = (x0 + x1) * 0.5;
  const cy = (y0 + y1) * 0.5;
  for (let i = 0; i < points; i++) {
    unchecked(pointX[i] = (pointX[i] - cx) * scale + <f64>BOX * 0.5);
    unchecked(pointY[i] = (pointY[i] - cy) * scale + <f64>BOX * 0.5);
  }
}

/** Inks one piece of stroke: a capsule from point i - 1 to point i, radii in between, edge `soft` pixels wide. */
function inkPiece(i: i32, soft: f64, strength: f64): void {
  const ax = unchecked(pointX[i - 1]);
  const ay = unchecked(pointY[i - 1]);
  const bx = unchecked(pointX[i]) - ax;
  const by = unchecked(pointY[i]) - ay;
  const ra = unchecked(radius[i - 1]);
  const rb = unchecked(radius[i]) - ra;
  const inverse = 1.0 / (bx * bx + by * by + 1e-9);
  const reach = max(ra, ra + rb) + soft;
  const left = max(0, <i32>Math.floor(min(ax, ax + bx) - reach));
  const right = min(BOX - 1, <i32>Math.ceil(max(ax, ax + bx) + reach));
  const top = max(0, <i32>Math.floor(min(ay, ay + by) - reach));
  const bottom = min(BOX - 1, <i32>Math.ceil(max(ay, ay + by) + reach));
  for (let y = top; y <= bottom; y++) {
    const py = <f64>y + 0.5 - ay;
    for (let x = left; x <= right; x++) {
      const px = <f64>x + 0.5 - ax;
      const t = min<f64>(1, max<f64>(0, (px * bx + py * by) * inverse));
      const dx = px - t * bx;
      const dy = py - t * by;
      const inside = ra + t * rb - Math.sqrt(dx * dx + dy * dy);
      const cover = min<f64>(1, 0.5 + inside / soft) * strength;
      const at = y * BOX + x;
      if (cover > unchecked(ink[at])) unchecked(ink[at] = cover);
    }
  }
}

/** Share of the glyph's bounding box that is inked. */
function fullness(): f64 {
  let mass: f64 = 0;
  let x0 = BOX, x1 = 0, y0 = BOX, y1 = 0;
  for (let y = 0; y < BOX; y++) {
    for (let x = 0; x < BOX; x++) {
      const v = unchecked(ink[y * BOX + x]);
      if (v < 0.2) continue;
      mass += v;
      x0 = min(x0, x);
      x1 = max(x1, x);
      y0 = min(y0, y);
      y1 = max(y1, y);
    }
  }
  return mass / <f64>((x1 - x0 + 1) * (y1 - y0 + 1));
}

/** Draws the polyline into the 28 x 28 bytes at `out`; glyphs that are `open` inside get a pen that keeps them so. */
export function draw(out: usize, open: bool): void {
  let r = Math.exp(near(0.2, 0.32));
  const soft = between(0.65, 1.4);
  const strength = between(1.0, 1.25);

  // Pressure: a slow wave along the stroke, and some roughness of the edge.
  const pressure = between(0, 0.22);
  const roughness = unit();
  const rough = 0.2 * roughness * roughness;
  let phase = between(0, 6.2831853);
  const pace = between(0.05, 0.3);
  for (let i = 0; i < points; i++) {
    phase += pace;
    unchecked(pen[i] = 1.0 + pressure * Math.sin(phase) + near(0, rough));
  }

  for (let attempt = 0; attempt < 3; attempt++) {
    fit(r);
    for (let i = 0; i < points; i++) unchecked(radius[i] = r * pen[i]);
    memory.fill(changetype<usize>(ink), 0, BOX * BOX * 8);
    for (let i = 0; i < points; i++) {
      if (unchecked(joined[i])) inkPiece(i, soft, strength);
    }
    if (!open || fullness() < 0.68) break;
    r *= 0.75;
  }

  let mass: f64 = 0, mx: f64 = 0, my: f64 = 0;
  for (let y = 0; y < BOX; y++) {
    for (let x = 0; x < BOX; x++) {
      const v = min<f64>(1, unchecked(ink[y * BOX + x]));
      mass += v;
      mx += v * <f64>x;
      my += v * <f64>y;
    }
  }
  const offX = min(DIGIT_SIDE - BOX, max(0, <i32>Math.floor(14.5 - mx / mass)));
  const offY = min(DIGIT_SIDE - BOX, max(0, <i32>Math.floor(14.5 - my / mass)));

  memory.fill(out, 0, DIGIT_PIXELS);
  for (let y = 0; y < BOX; y++) {
    for (let x = 0; x < BOX; x++) {
      const v = unchecked(ink[y * BOX + x]);
      if (v <= 0) continue;
      store<u8>(out + (y + offY) * DIGIT_SIDE + x + offX, <u8>(min<f64>(1, v) * 255 + 0.5));
    }
  }
}
