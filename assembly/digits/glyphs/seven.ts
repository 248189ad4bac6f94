import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** A bar, with or without a tick before it, and a stem, straight or bent; crossed now and then. */
export function seven(): void {
  const left = -between(0.2, 0.62);
  const right = between(0.17, 0.44);
  const foot = near(-0.08, 0.13);
  const barTilt = near(0, 0.05);

  if (chance(0.4)) {
    start(left + near(-0.01, 0.05), between(0.06, 0.34));
    if (chance(0.5)) corner(left, 0.02 + barTilt);
    else to(left, 0.04 + barTilt);
  } else {
    start(left, 0.02 + barTilt);
  }
  if (chance(0.55)) to((left + right) * 0.5, near(0.03, 0.045));
  const turn = between(0, 1);
  if (turn < 0.58) corner(right, -barTilt);
  else if (turn < 0.82) {
    to(right - 0.06, 0.01 - barTilt);
    to(right, between(0.06, 0.14));
  } else {
    // Almost an arch: the stem leaves the bar in a wide curve.
    to(right * 0.7, 0.03 - barTilt);
    to(right, between(0.14, 0.32));
  }
  const bend = near(0.02, 0.045);
  to(right * 0.6 + foot * 0.4 - bend, 0.36);
  to(right * 0.25 + foot * 0.75 - bend, 0.68);
  to(foot, 1);
  if (chance(0.2)) {
    const y = between(0.36, 0.64);
    const x = right * 0.5 + foot * 0.5 - bend;
    const tilt = near(-0.02, 0.06);
    start(x - between(0.1, 0.34), y - tilt);
    to(x + between(0.1, 0.34), y + tilt);
  }
}
