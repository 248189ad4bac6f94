import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** A hook over the top, a slope to the lower left, then a base: behind a sharp corner, rounded, or out of a loop. */
export function two(): void {
  const head = between(0.12, 0.4);
  const hook = between(0.08, 0.42);
  const base = between(0.82, 1);
  const left = -between(0.2, 0.46);
  const right = between(0.08, 0.78);
  // How high the top bowl turns back, and how far to the left it has come halfway down.
  const turn = between(0.2, 0.36);
  const deep = between(0.2, 0.8);

  if (chance(0.2)) {
    // The hook starts with a curl inwards.
    start(-head * between(0.4, 0.9), hook + near(0, 0.04));
    to(-head * 0.7, hook + 0.08);
    to(-head, hook * 0.8);
  } else {
    start(-head * between(0.8, 1.1), hook);
  }
  to(-head * 0.65, hook * 0.35);
  to(near(0, 0.04), 0);
  to(head * 0.7, turn * 0.25);
  to(head, turn);
  to(head * deep, turn + between(0.18, 0.32));

  const style = between(0, 1);
  if (style < 0.4) {
    if (chance(0.5)) to((left + head) * 0.35 + near(0, 0.03), near(0.72, 0.04));
    corner(left, base);
    if (chance(0.6)) to((left + right) * 0.5, base + near(-0.02, 0.05));
    to(right, base + near(0.02, 0.08));
  } else if (style < 0.88) {
    // The loop: an ellipse at the lower left, small and flat or half as high as the digit; the slope enters it on the
    // right, runs around it clockwise and leaves across its own beginning.
    const rx = between(0.07, 0.28);
    const ry = chance(0.4) ? between(0.03, 0.09) : between(0.08, 0.22);
    const cx = left + rx;
    const cy = base - ry;
    to(cx + rx * between(0.7, 1.1), cy - ry * between(-0.1, 0.6));
    to(cx + rx * 0.1, base);
    to(cx - rx * 0.9, cy + ry * 0.25);
    to(cx - rx * 0.15, cy - ry);
    to(cx + rx * between(0.8, 1.2), cy - ry * between(-0.5, 0.5));
    if (chance(0.03)) return;
    const end = max(chance(0.3) ? cx + rx + 0.14 : right, cx + rx + 0.08);
    if (chance(0.5)) to((cx + rx + end) * 0.5 + 0.04, base + near(0, 0.04));
    to(end, base + near(0, 0.09));
  } else {
    to(left * 0.5, base - 0.16);
    to(left, base - between(0.01, 0.04));
    to(left * 0.4, base + near(0.01, 0.025));
    to(right, base + near(0, 0.07));
  }
}
