import { arc, to } from "../pen";
import { between, chance, near } from "../random";

/** One turn from near the top; it may fall short, overlap, end inside, or leave with a tail over the beginning. */
export function zero(): void {
  const rx = between(0.2, 0.52);
  const clockwise = chance(0.12);
  const from = clockwise ? near(-110, 30) : near(-70, 30);
  const overlap = chance(0.3) ? between(10, 80) : chance(0.08) ? between(-60, -15) : near(3, 12);
  const turn = clockwise ? 360 + overlap : -360 - overlap;
  arc(0, 0.5, rx, 0.5, from, from + turn, near(0.91, 0.17), true);
  if (chance(0.2)) {
    // The tail: on across the top, inwards or outwards.
    const side = clockwise ? 1.0 : -1.0;
    to(near(0.45 * side * rx, 0.15), between(-0.14, 0.25));
  }
}
