// What a hand and a sheet do to the ideal shape, applied to the polyline: cheaper and sharper than moving pixels.
import { points, pointX, pointY } from "./pen";
import { between, near, unit } from "./random";

const WAVES = 3;
const waves = new StaticArray<f64>(WAVES * 5);

/** Slant, rotation, proportions, a trapezoid (one end larger), and a smooth elastic field. */
export function warp(habit: f64): void {
  const slant = near(habit, 0.28);
  const turn = near(0, 0.1);
  const width = 1.0 + near(0, 0.2);
  const flare = near(0, 0.18);
  const bow = near(0, 0.05);
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);

  // Each wave: displacement (ax, ay) * sin(kx x + ky y + phase), mostly less than one cycle over the glyph.
  const wildness = unit();
  const strength = 0.13 * wildness * wildness;
  for (let i = 0; i < WAVES * 5; i += 5) {
    unchecked(waves[i] = near(0, strength));
    unchecked(waves[i + 1] = near(0, strength));
    unchecked(waves[i + 2] = near(0, 3));
    unchecked(waves[i + 3] = near(0, 3));
    unchecked(waves[i + 4] = between(0, 6.2831853));
  }

  for (let i = 0; i < points; i++) {
    let x = unchecked(pointX[i]);
    let y = unchecked(pointY[i]) - 0.5;
    let dx: f64 = 0;
    let dy: f64 = 0;
    for (let k = 0; k < WAVES * 5; k += 5) {
      const wave = Math.sin(unchecked(waves[k + 2]) * x + unchecked(waves[k + 3]) * y + unchecked(waves[k + 4]));
      dx += unchecked(waves[k]) * wave;
      dy += unchecked(waves[k + 1]) * wave;
    }
    x += dx;
    y += dy;
    x = x * width * (1.0 + flare * 2.0 * y) + bow * (1.0 - 4.0 * y * y);
    x -= slant * y;
    unchecked(pointX[i] = cos * x - sin * y);
    unchecked(pointY[i] = sin * x + cos * y);
  }
}
