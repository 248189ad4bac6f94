import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** A loop and a tail: the loop closes on the tail or not; the tail is straight, curved, or hooked to the left. */
export function nine(): void {
  const left = -between(0.12, 0.46);
  const right = between(0.08, 0.3);
  const bottom = chance(0.7) ? between(0.26, 0.52) : between(0.5, 0.76);
  const centre = (left + right) * 0.5;

  if (chance(0.25)) {
    // The loop begins with an arm that reaches over the tail.
    start(right + between(0, 0.26), near(0.02, 0.05));
    to(centre + 0.06, near(0.01, 0.02));
  } else {
    start(right * between(0.3, 1.05), between(0.02, 0.16));
    to(centre + 0.04, 0);
  }
  if (chance(0.12)) {
    // The loop is a flat triangle.
    corner(left, bottom * between(0.5, 0.95));
  } else {
    to(left * 0.75, 0.06);
    to(left, bottom * 0.52);
    to(left * 0.7, bottom * 0.9);
    to(centre, bottom);
  }
  to(right * 0.6, bottom * 0.85);
  const top = between(-0.02, 0.34);
  const turn = between(0, 1);
  if (turn < 0.6) corner(right + near(0.02, 0.04), top);
  else if (turn < 0.8) {
    to(right, top + 0.08);
    to(right + 0.02, top);
    to(right + 0.03, top + 0.1);
  } else {
    // The tail is a stroke of its own, down the right of the loop.
    to(right * 0.95, bottom * 0.6);
    start(right + near(0.01, 0.03), between(-0.06, 0.2));
  }

  const style = between(0, 1);
  if (style < 0.84) {
    const foot = near(0.05, 0.14);
    to(right * 0.65 + foot * 0.35 + near(0, 0.03), 0.5);
    to(foot, 1);
  } else {
    to(right, 0.5);
    to(right - 0.04, 0.8);
    to(between(-0.12, 0.1), 1);
    if (chance(0.7)) to(-between(0.12, 0.36), between(0.84, 1));
  }
}
