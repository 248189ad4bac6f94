import { flatten, takePen } from "./pen";
import { between } from "./random";
import { draw } from "./raster";
import { warp } from "./warp";
import { zero } from "./glyphs/zero";
import { one } from "./glyphs/one";
import { two } from "./glyphs/two";
import { three } from "./glyphs/three";
import { four } from "./glyphs/four";
import { five } from "./glyphs/five";
import { six } from "./glyphs/six";
import { seven } from "./glyphs/seven";
import { eight } from "./glyphs/eight";
import { nine } from "./glyphs/nine";

/** Usual slant of each digit, x per y: writers lean a 0 or a 1 further to the right than a 3 or a 9. */
const HABIT: StaticArray<f64> = [0.2, 0.22, 0.12, 0.08, 0.16, 0.2, 0.06, 0.06, 0.16, 0.04];

/** Writes one handwritten `digit` with the random numbers at hand into the 28 x 28 bytes at `out`. */
export function drawDigit(digit: i32, out: usize): void {
  takePen(between(0.005, 0.035));
  switch (digit) {
    case 0: zero(); break;
    case 1: one(); break;
    case 2: two(); break;
    case 3: three(); break;
    case 4: four(); break;
    case 5: five(); break;
    case 6: six(); break;
    case 7: seven(); break;
    case 8: eight(); break;
    case 9: nine(); break;
  }
  flatten();
  warp(unchecked(HABIT[digit]));
  draw(out, digit != 1);
}
