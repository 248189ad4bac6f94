/** Counts right answers in y[rows, cols] against targets t[rows, cols]; overwrites out. One task. */
@unmanaged
export class CountCorrectArgs {
  out: usize; // i32[1]
  y: usize;
  t: usize;
  rows: i32;
  cols: i32; // 1: right where (y > 0.5) == (t > 0.5), as Keras's binary accuracy; else where the argmaxes agree
}

/** Plain f32 in every build: a few thousand values a step, and branches that a row's order decides. */
export function countCorrect(args: CountCorrectArgs, task: i32, scratch: usize): void {
  const cols = args.cols;
  const rowBytes = <usize>cols << 2;
  let y = args.y, t = args.t, count = 0;
  for (let r = 0; r < args.rows; r++, y += rowBytes, t += rowBytes) {
    if (cols == 1) {
      const p = load<f32>(y);
      if (p == p && (p > 0.5) == (load<f32>(t) > 0.5)) count++;
    } else {
      const best = argmax(y, cols);
      if (best >= 0 && best == argmax(t, cols)) count++;
    }
  }
  store<i32>(args.out, count);
}

/** Index of the greatest of x[n], the first of equals; -1 where one is NaN, so that such a row counts as wrong. */
function argmax(x: usize, n: i32): i32 {
  let best = load<f32>(x), at = best == best ? 0 : -1;
  for (let i = 1; i < n; i++) {
    const v = load<f32>(x + (<usize>i << 2));
    if (v != v) return -1;
    if (v > best) {
      best = v;
      at = i;
    }
  }
  return at;
}
