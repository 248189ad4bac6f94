import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** A bar, a neck and a bowl: bar first in one stroke, or added last, touching or not; or a flowing S-like form. */
export function five(): void {
  const neck = -between(0.06, 0.32);
  const shoulder = between(0.26, 0.54);
  const bowl = between(0.14, 0.42);
  const barEnd = between(0.08, 0.68);
  const rise = near(-0.03, 0.07);
  const lean = near(0.05, 0.06);
  const style = between(0, 1);

  if (style < 0.35) {
    // The bar is the first part of the one stroke.
    start(barEnd, rise - between(-0.02, 0.12));
    if (chance(0.4)) to((barEnd + neck) * 0.5, near(0.02, 0.03));
    corner(neck + lean, 0.02);
    corner(neck, shoulder);
  } else if (style < 0.52) {
    // Flowing: no corner at the neck.
    start(barEnd, rise + between(0, 0.1));
    to(barEnd * 0.3, 0);
    to(neck + 0.05, 0.1);
    to(neck, shoulder * 0.7);
    to(neck + 0.1, shoulder);
  } else {
    // Neck and bowl first, the bar comes last.
    const gap = chance(0.35) ? between(0.02, 0.18) : between(-0.06, 0.02);
    start(neck + lean + gap, rise + near(0.01, 0.03));
    if (chance(0.4)) to((barEnd + neck) * 0.5, near(0, 0.03));
    to(barEnd, rise - between(-0.03, 0.18));
    start(neck + lean, near(0.02, 0.04));
    if (chance(0.7)) corner(neck, shoulder);
    else to(neck, shoulder - 0.03);
  }

  to(bowl * 0.15, shoulder - between(-0.05, 0.1));
  to(bowl * 0.8, shoulder + near(0.08, 0.02));
  to(bowl, shoulder * 0.45 + 0.5);
  to(bowl * 0.7, 0.92);
  to(between(-0.1, 0.06), 1);
  const end = between(0, 1);
  if (end < 0.65) {
    to(-between(0.14, 0.24), 0.96);
    to(-between(0.2, 0.42), between(0.6, 0.95));
  } else if (end < 0.88) {
    to(-between(0.2, 0.5), between(0.9, 1.02));
  }
}
