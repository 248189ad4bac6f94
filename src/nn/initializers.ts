/** How a parameter starts. Names and formulas as in Keras. */
export type Initializer =
  | "zeros"
  | "ones"
  | "glorotUniform"
  | "glorotNormal"
  | "heUniform"
  | "heNormal"
  | "lecunUniform"
  | "lecunNormal";

export const INITIALIZERS: readonly Initializer[] = [
  "zeros",
  "ones",
  "glorotUniform",
  "glorotNormal",
  "heUniform",
  "heNormal",
  "lecunUniform",
  "lecunNormal",
];

/** What to fill a tensor with: a constant, or draws of this variance. */
export type Fill =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform" | "truncatedNormal"; readonly variance: number };

/**
 * The draws for a kernel of this shape, `[..., fanIn, fanOut]` with the leading axes a receptive field.
 * Uniform: in +-sqrt(3 variance). Normal: truncated at two standard deviations, as Keras draws it.
 * Sources: Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998.
 */
export function fillOf(initializer: Initializer, shape: readonly number[]): Fill {
  if (initializer === "zeros") return { kind: "constant", value: 0 };
  if (initializer === "ones") return { kind: "constant", value: 1 };
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const fanIn = field * (shape.at(-2) ?? 1);
  const fanOut = field * (shape.at(-1) ?? 1);
  const kind = initializer.endsWith("Uniform") ? "uniform" : "truncatedNormal";
  if (initializer.startsWith("glorot")) return { kind, variance: 2 / (fanIn + fanOut) };
  if (initializer.startsWith("he")) return { kind, variance: 2 / fanIn };
  return { kind, variance: 1 / fanIn };
}
