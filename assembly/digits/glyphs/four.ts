import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** Open (an L and a stem), closed (a triangle and a stem), or in one stroke without lifting the pen. */
export function four(): void {
  const bar = between(0.42, 0.8);
  const left = -between(0.18, 0.46);
  const stem = between(0.08, 0.28);
  const past = stem + between(-0.04, 0.32);
  const foot = near(stem - 0.02, 0.05);
  const style = between(0, 1);

  if (style < 0.5) {
    // Open: left leg and bar, then the stem.
    start(left + between(-0.02, 0.2), between(-0.02, 0.12));
    if (chance(0.5)) to(left + 0.05, bar * 0.55);
    if (chance(0.65)) corner(left, bar);
    else {
      to(left, bar - 0.08);
      to(left + 0.08, bar + 0.01);
    }
    to(past, bar + near(-0.03, 0.06));
    start(stem + near(0.03, 0.04), between(-0.06, 0.4));
    to(stem, 0.5);
    to(foot, 1);
  } else if (style < 0.7) {
    // Closed: down the slope from the stem's top, along the bar, then the stem.
    const top = near(stem, 0.04);
    start(top, near(0, 0.02));
    if (chance(0.4)) to((top + left) * 0.5 - 0.03, bar * 0.5);
    corner(left, bar);
    to(past, bar + near(-0.01, 0.03));
    start(top + near(0, 0.03), near(0, 0.04));
    to(stem, 0.5);
    to(foot, 1);
  } else if (style < 0.88) {
    // One stroke: down, right, up to the stem's top, and down over it.
    start(min(left + between(0, 0.2), stem - 0.28), between(-0.02, 0.1));
    if (chance(0.6)) corner(left, bar);
    else {
      to(left, bar - 0.1);
      to((left + stem) * 0.5, bar + 0.03);
    }
    to(stem - 0.04, bar - between(0.02, 0.12));
    corner(stem + near(0.06, 0.03), between(-0.02, 0.2));
    to(stem, 0.5);
    to(foot, 1);
  } else {
    // A cup on a stem.
    start(min(left + between(0, 0.08), stem - 0.3), between(0, 0.1));
    to(left, bar - 0.18);
    to(left + 0.1, bar - 0.01);
    to((left + stem) * 0.5 + 0.05, bar);
    to(stem, bar - 0.1);
    start(stem + near(0.05, 0.03), between(-0.04, 0.1));
    to(stem, 0.5);
    to(foot, 1);
  }
}
