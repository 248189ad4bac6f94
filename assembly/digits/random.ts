// SplitMix64 (Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators"): a counter and a
// mixing function, so a stream starts at any (seed, index) at no cost and uses only integer arithmetic.

const GOLDEN: u64 = 0x9e3779b97f4a7c15;
let state: u64 = 0;

// @ts-ignore: decorator
@inline
function mix(z: u64): u64 {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/** Starts the stream of (seed, index, purpose); what follows depends on these three numbers alone. */
export function reseed(seed: u32, index: u32, purpose: u32): void {
  state = mix(((<u64>seed << 32) | index) + GOLDEN) ^ mix(<u64>purpose + 1);
}

function next(): u64 {
  state += GOLDEN;
  return mix(state);
}

/** Uniform in [0, 1), a multiple of 2^-24, hence exact. */
export function unit(): f64 {
  return <f64>(<u32>(next() >> 40)) * <f64>(1.0 / 16777216.0);
}

/** Uniform in [low, high). */
export function between(low: f64, high: f64): f64 {
  return low + (high - low) * unit();
}

/** Uniform integer in [0, n). */
export function below(n: i32): i32 {
  return <i32>(((next() >> 32) * <u64>n) >> 32);
}

export function chance(probability: f64): bool {
  return unit() < probability;
}

/** Bell-shaped around `mean`: the sum of four uniforms, so it never strays further than 3.46 `deviation`. */
export function near(mean: f64, deviation: f64): f64 {
  const bits = next();
  const sum = <i32>(bits & 0xffff) + <i32>((bits >> 16) & 0xffff) + <i32>((bits >> 32) & 0xffff) + <i32>(bits >> 48);
  // Each uniform has variance 1/12, the four of them 1/3: sqrt(3) makes it 1.
  return mean + deviation * 1.7320508 * (<f64>(sum - 131070) * <f64>(1.0 / 65536.0));
}
