import { arc, mirror, start, to } from "../pen";
import { between, chance, near } from "../random";

/** Two loops: an S closed by a second stroke upwards without lifting the pen, or one ring on top of another. */
export function eight(): void {
  const upper = between(0.15, 0.38);
  const lower = between(0.07, 0.36);
  const waist = between(0.36, 0.6);

  if (chance(0.14)) {
    const overlap = between(-0.02, 0.03);
    arc(near(0, 0.03), waist * 0.5, upper, waist * 0.5 + overlap, near(-60, 40), near(-430, 20), 1, true);
    arc(near(0, 0.03), waist * 0.5 + 0.5, lower, 0.5 - waist * 0.5, near(-80, 40), near(-450, 20), 1, true);
    return;
  }

  // A few begin at the upper left, and draw the S backwards.
  if (chance(0.05)) mirror();

  // From the upper right over the top, down the S, and back up to where it began, past it or short of it. Each loop
  // stands a little to the side of the other.
  const crossing = near(0, 0.03);
  const above = near(0, 0.05);
  const below = near(0, 0.05);
  const startX = above + upper * (chance(0.09) ? between(-0.6, 0.4) : between(0.4, 1.2));
  const startY = between(0.02, 0.24);
  start(startX, startY);
  to(above + upper * 0.25, near(0, 0.02));
  to(above - upper * 0.6, 0.04);
  to(above - upper, waist * 0.42);
  to(above - upper * 0.55, waist * 0.78);
  to(crossing, waist);
  to(below + lower * 0.7, waist + 0.12);
  to(below + lower, waist * 0.4 + 0.6);
  if (chance(0.08)) {
    // Open at the bottom: two legs.
    to(below + lower * between(0.8, 1.1), 1);
    start(below - lower * between(0.8, 1.1), 1);
  } else {
    to(below + lower * 0.6, 0.96);
    to(below, 1);
    to(below - lower * 0.65, 0.95);
  }
  to(below - lower, waist * 0.4 + 0.58);
  to(below - lower * 0.6, waist + 0.13);
  to(crossing, waist + near(0, 0.03));
  to(above + upper * 0.6, waist * between(0.6, 0.76));
  const end = between(0, 1);
  if (end < 0.42) {
    to(above + upper * 0.98, waist * 0.45);
    to(startX + near(0, 0.03), startY + near(0, 0.03));
  } else if (end < 0.8) {
    // The second stroke runs on beyond the beginning, which it touches or not.
    to(above + upper + between(0, 0.12), waist * between(0.25, 0.5));
    to(above + upper + between(0.04, 0.34), between(-0.08, 0.16));
  } else if (end < 0.92) {
    to(above + upper * 1.02, waist * 0.45);
    to(above + upper * between(0.7, 1.1), between(0.06, 0.2));
  }
}
