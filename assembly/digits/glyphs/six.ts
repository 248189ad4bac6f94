import { start, to } from "../pen";
import { between, chance, near } from "../random";

/** A stem that curves or falls straight into a bowl, which closes on the stem, crosses it, curls inside or stays open. */
export function six(): void {
  const left = -between(0.12, 0.42);
  const right = between(0.1, 0.46);
  const top = between(0.43, 0.72);
  const tip = near(0.06, 0.14);
  // How far the stem bulges to the left of the straight line from its tip to the bowl.
  const sag = between(-0.02, 0.12);
  const centre = (left + right) * 0.5;
  const middle = (top + 1) * 0.5;

  if (chance(0.12)) {
    start(tip + between(0.06, 0.14), between(0.03, 0.12));
    to(tip, 0);
  } else start(tip, 0);
  to(tip * 0.55 + left * 0.45 - sag, 0.28);
  to(tip * 0.15 + left * 0.85 - sag * 0.7, 0.54);
  to(left, middle + 0.04);
  to(left * 0.6 + centre * 0.4, 0.96);
  to(centre, 1);
  to(right * 0.8, 0.93);
  to(right, middle);
  to(right * 0.7 + centre * 0.2, top + 0.04);
  to(centre, top);

  const style = between(0, 1);
  if (style < 0.22) {
    // A spiral: the bowl is small and to the right, and ends on the bottom of the outer curve or above it.
    const inner = left + (right - left) * between(0.25, 0.6);
    to(inner + 0.03, top + 0.1);
    to(inner, middle + 0.04);
    if (chance(0.6)) to(inner + near(0.04, 0.03), between(0.88, 1));
  } else if (style < 0.6) {
    to(left * 0.75, top + 0.09);
    to(left * 0.98, middle + near(0, 0.03));
  } else if (style < 0.76) {
    to(left, top + 0.12);
    to(left - between(0.02, 0.2), middle);
  } else if (style < 0.9) {
    to(centre * 0.7 + left * 0.3, top + 0.07);
    to(left * 0.5, middle - 0.02);
    if (chance(0.4)) to(left * 0.3, middle + 0.12);
  } else {
    if (chance(0.6)) to(left * 0.4, top + 0.06);
  }
}
