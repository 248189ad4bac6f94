import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** Two bowls open to the left; the upper one round or with a flat top, between them a point, a bend or a small loop. */
export function three(): void {
  const upper = between(0.08, 0.38);
  const lower = between(0.1, 0.46);
  const waist = between(0.32, 0.6);
  const notch = near(-0.03, 0.12);

  if (chance(0.25)) {
    // Flat top, then a slope back to the waist.
    start(-between(0.15, 0.4), near(0.04, 0.04));
    if (chance(0.4)) to(0, near(0.01, 0.02));
    corner(upper, near(0, 0.035));
    if (chance(0.3)) to((upper + notch) * 0.55, waist * 0.5);
  } else {
    if (chance(0.15)) {
      start(-between(0.05, 0.2), between(0.14, 0.22));
      to(-between(0.22, 0.3), between(0.12, 0.18));
    } else {
      start(-between(0.12, 0.4), between(0.03, 0.26));
    }
    to(-between(0.08, 0.16), 0.02);
    to(0.05, 0);
    to(upper * 0.93, between(0.05, 0.12));
    to(upper, waist * 0.45);
    to(upper * 0.6, waist * 0.8);
  }

  const middle = between(0, 1);
  if (middle < 0.42) {
    corner(notch, waist);
  } else if (middle < 0.7) {
    to(notch, waist);
    to(notch + 0.06, waist + 0.03);
  } else {
    const loop = between(0.02, 0.1);
    to(notch, waist + 0.01);
    to(notch - loop * 1.4, waist + loop * 0.4);
    to(notch - loop, waist + loop);
    to(notch + 0.03, waist + 0.02);
  }

  to(lower * 0.75, waist + near(0.08, 0.02));
  to(lower, waist * 0.45 + 0.5);
  to(lower * 0.75, 0.91);
  to(between(-0.08, 0.08), 1);
  const end = between(0, 1);
  if (end < 0.65) {
    to(-between(0.14, 0.24), 0.97);
    to(-between(0.24, 0.46), between(0.72, 0.97));
  } else if (end < 0.82) {
    to(-between(0.2, 0.5), between(0.9, 1.03));
  } else if (end < 0.9) {
    to(-between(0.1, 0.2), between(0.93, 1));
  }
}
