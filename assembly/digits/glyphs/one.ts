import { corner, start, to } from "../pen";
import { between, chance, near } from "../random";

/** A stroke, sometimes with a flag at its top, rarely with a foot. */
export function one(): void {
  const lean = near(0, 0.1);
  const flag = chance(0.28);
  if (flag) {
    start(lean - between(0.04, 0.32), between(0.05, 0.3));
    if (chance(0.4)) to(lean - 0.06, 0.07);
    corner(lean, 0);
  } else {
    start(lean, 0);
  }
  to(near(lean * 0.5, 0.025), 0.5);
  to(0, 1);
  if (chance(flag ? 0.5 : 0.03)) {
    start(-between(0.12, 0.42), near(1, 0.03));
    if (chance(0.3)) to(0, near(1, 0.03));
    to(between(0.1, 0.42), near(1, 0.03));
  }
}
