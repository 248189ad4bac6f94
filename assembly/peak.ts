import { LANES, Pair, WIDE, madd, splat, vadd, vstore } from "./simd";

// Sums that do not wait for one another: how many it takes depends on the machine.
// @host
// @ts-ignore: decorator
@inline
export const FEW_CHAINS: i32 = 8;
// @host
// @ts-ignore: decorator
@inline
export const SOME_CHAINS: i32 = 10;
// @host
// @ts-ignore: decorator
@inline
export const MANY_CHAINS: i32 = 12;
/** Scratch of peak: a pair of vectors. */
// @host
export const PEAK_SCRATCH: i32 = 8 * LANES;

/** What the machine's arithmetic can do at most in this build's instructions: the yardstick of every GFLOP/s. */
@unmanaged
export class PeakArgs {
  n: i32; // rounds, at least 1; each is `chains` multiplications and as many additions of whole vectors
  chains: i32; // FEW_CHAINS, SOME_CHAINS or MANY_CHAINS
  x: f32; // every chain is a = a * x + y: with x < 1 it settles at y / (1 - x)
  y: f32;
}

/** One task is n rounds. Scratch: PEAK_SCRATCH. */
export function peak(args: PeakArgs, task: i32, scratch: usize): void {
  if (WIDE) peakOf<Pair>(args, scratch);
  else if (ASC_FEATURE_SIMD) peakOf<v128>(args, scratch);
  else peakOf<f32>(args, scratch);
}

// @ts-ignore: decorator
@inline
function peakOf<V>(args: PeakArgs, scratch: usize): void {
  const n = args.n, x = splat<V>(args.x), y = splat<V>(args.y);
  if (args.chains == FEW_CHAINS) vstore<V>(scratch, rounds<V>(n, FEW_CHAINS, x, y));
  else if (args.chains == SOME_CHAINS) vstore<V>(scratch, rounds<V>(n, SOME_CHAINS, x, y));
  else vstore<V>(scratch, rounds<V>(n, MANY_CHAINS, x, y));
}

/** Nothing in the loop touches memory: 12 chains, x and y are 14 of the 15 vector registers that V8 has. */
// @ts-ignore: decorator
@inline
function rounds<V>(n: i32, chains: i32, x: V, y: V): V {
  // No two start alike, or else a compiler could make one of them.
  let a = x, b = vadd<V>(a, y), c = vadd<V>(b, y), d = vadd<V>(c, y), e = vadd<V>(d, y), f = vadd<V>(e, y);
  let g = vadd<V>(f, y), h = vadd<V>(g, y), i = vadd<V>(h, y), j = vadd<V>(i, y), k = vadd<V>(j, y), l = vadd<V>(k, y);
  do {
    a = madd<V>(a, x, y);
    b = madd<V>(b, x, y);
    c = madd<V>(c, x, y);
    d = madd<V>(d, x, y);
    e = madd<V>(e, x, y);
    f = madd<V>(f, x, y);
    g = madd<V>(g, x, y);
    h = madd<V>(h, x, y);
    if (chains > FEW_CHAINS) {
      i = madd<V>(i, x, y);
      j = madd<V>(j, x, y);
    }
    if (chains > SOME_CHAINS) {
      k = madd<V>(k, x, y);
      l = madd<V>(l, x, y);
    }
  } while (--n);
  const left = vadd<V>(vadd<V>(vadd<V>(a, b), vadd<V>(c, d)), vadd<V>(e, f));
  const right = vadd<V>(vadd<V>(vadd<V>(g, h), vadd<V>(i, j)), vadd<V>(k, l));
  return vadd<V>(left, right);
}
