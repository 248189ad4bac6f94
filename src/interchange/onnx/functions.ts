// What exporters write activations as, a few nodes each, in forms that differ: they are told by what they compute.

/** A function of one number. */
type Scalar = (x: number) => number;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const hardSigmoid = (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1);
const elu = (x: number) => (x > 0 ? x : Math.expm1(x));
const SELU = [1.0507009873554805, 1.6732632423543772] as const;

/** The error function, to 1e-15: its series near 0, its continued fraction beyond. */
function erf(x: number): number {
  const t = Math.abs(x);
  if (t > 6) return Math.sign(x);
  if (t < 2.5) {
    let [term, sum] = [t, t];
    for (let n = 1; n < 60; n++) {
      term *= -(t * t) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (t + fraction);
  return Math.sign(x) * (1 - Math.exp(-t * t) / (t + fraction) / Math.sqrt(Math.PI));
}

const gelu = (x: number) => (x * (1 + erf(x * Math.SQRT1_2))) / 2;
const geluApproximate = (x: number) =>
  (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2;
const mish = (x: number) => x * Math.tanh(softplus(x));

/** Activations here by what they compute. */
const ACTIVATIONS: Readonly<Record<string, Scalar>> = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  sigmoid,
  tanh: Math.tanh,
  silu: (x) => x * sigmoid(x),
  gelu,
  geluApproximate,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  elu,
  selu: (x) => SELU[0] * (x > 0 ? x : SELU[1] * Math.expm1(x)),
  hardSigmoid,
  hardSilu: (x) => x * hardSigmoid(x),
  exponential: Math.exp,
  mish,
};

/** Where functions are looked at. */
export const POINTS: readonly number[] = [
  ...Array.from({ length: 33 }, (_, i) => (i - 16) / 2 + 0.07),
  -1e4,
  -100,
  -40,
  -20,
  0,
  20,
  40,
  100,
  1e4,
];

/** The activation that gives these values at POINTS, to what f32 tells apart; undefined where there is none. */
export function recognised(values: readonly number[]): string | undefined {
  return Object.keys(ACTIVATIONS).find((name) =>
    POINTS.every((x, i) => {
      const [wanted, got] = [ACTIVATIONS[name]!(x), values[i]!];
      // Beyond what f32 can hold, as log(1 + exp(x)) is for x > 88, nobody looks.
      if (Math.abs(x) >= 40 && !Number.isFinite(got)) return true;
      return Math.abs(got - wanted) <= 2e-6 * (1 + Math.abs(wanted));
    }),
  );
}

/** A node's attributes, as far as functions need them. */
interface Numbers {
  float(name: string, otherwise: number): number;
  text(name: string, otherwise: string): string;
}

/** What nodes of one and more numbers compute, by operator. */
export const FUNCTIONS: Readonly<Record<string, (values: readonly number[], attributes: Numbers) => number>> =
  {
    Identity: ([x]) => x!,
    Relu: ([x]) => Math.max(x!, 0),
    Sigmoid: ([x]) => sigmoid(x!),
    Tanh: ([x]) => Math.tanh(x!),
    Erf: ([x]) => erf(x!),
    Softplus: ([x]) => softplus(x!),
    Softsign: ([x]) => x! / (1 + Math.abs(x!)),
    Exp: ([x]) => Math.exp(x!),
    Log: ([x]) => Math.log(x!),
    Sqrt: ([x]) => Math.sqrt(x!),
    Neg: ([x]) => -x!,
    Abs: ([x]) => Math.abs(x!),
    Reciprocal: ([x]) => 1 / x!,
    Elu: ([x], a) => (x! > 0 ? x! : a.float("alpha", 1) * Math.expm1(x!)),
    Celu: ([x], a) => (x! > 0 ? x! : a.float("alpha", 1) * Math.expm1(x! / a.float("alpha", 1))),
    Selu: ([x], a) => a.float("gamma", SELU[0]) * (x! > 0 ? x! : a.float("alpha", SELU[1]) * Math.expm1(x!)),
    LeakyRelu: ([x], a) => (x! >= 0 ? x! : a.float("alpha", 0.01) * x!),
    ThresholdedRelu: ([x], a) => (x! > a.float("alpha", 1) ? x! : 0),
    HardSigmoid: ([x], a) => Math.min(Math.max(a.float("alpha", 0.2) * x! + a.float("beta", 0.5), 0), 1),
    HardSwish: ([x]) => x! * hardSigmoid(x!),
    Mish: ([x]) => mish(x!),
    Gelu: ([x], a) => (a.text("approximate", "none") === "tanh" ? geluApproximate(x!) : gelu(x!)),
    Clip: ([x, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY]) =>
      Math.min(Math.max(x!, low), high),
    Add: ([x, y]) => x! + y!,
    Sub: ([x, y]) => x! - y!,
    Mul: ([x, y]) => x! * y!,
    Div: ([x, y]) => x! / y!,
    Pow: ([x, y]) => x! ** y!,
    Max: (values) => Math.max(...values),
    Min: (values) => Math.min(...values),
    Sum: (values) => values.reduce((a, b) => a + b),
    Greater: ([x, y]) => Number(x! > y!),
    Less: ([x, y]) => Number(x! < y!),
    GreaterOrEqual: ([x, y]) => Number(x! >= y!),
    LessOrEqual: ([x, y]) => Number(x! <= y!),
    Where: ([c, x, y]) => (c ? x! : y!),
  };
