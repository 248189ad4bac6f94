/** What to fill a tensor with: a constant, or draws of this variance. */
export type Fill =
  | { readonly kind: "constant"; readonly value: Constant["value"] }
  | { readonly kind: "uniform" | "truncatedNormal"; readonly variance: number };

/** How a parameter starts that has so many inputs and outputs. */
type Definition = (fanIn: number, fanOut: number) => Fill;

const constant = (value: number): Definition => {
  return () => ({ kind: "constant", value });
};
const glorot = (fanIn: number, fanOut: number) => 2 / (fanIn + fanOut);
const he = (fanIn: number) => 2 / fanIn;
const lecun = (fanIn: number) => 1 / fanIn;
type Variance = (fanIn: number, fanOut: number) => number;
const uniform = (variance: Variance): Definition => {
  return (...fans) => ({ kind: "uniform", variance: variance(...fans) });
};
const normal = (variance: Variance): Definition => {
  return (...fans) => ({ kind: "truncatedNormal", variance: variance(...fans) });
};

/**
 * Every initializer, by Keras's names and formulas. Uniform: in +-sqrt(3 variance). Normal: truncated at two standard
 * deviations, as Keras draws it. Sources: Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998.
 */
const DEFINITIONS = {
  zeros: /* @__PURE__ */ constant(0),
  ones: /* @__PURE__ */ constant(1),
  glorotUniform: /* @__PURE__ */ uniform(glorot),
  glorotNormal: /* @__PURE__ */ normal(glorot),
  heUniform: /* @__PURE__ */ uniform(he),
  heNormal: /* @__PURE__ */ normal(he),
  lecunUniform: /* @__PURE__ */ uniform(lecun),
  lecunNormal: /* @__PURE__ */ normal(lecun),
} satisfies Record<string, Definition>;

/** All numbers the same; or, where a layer is given one for each, those. */
export interface Constant {
  readonly type: "constant";
  readonly value: number | readonly number[];
}

/** How a parameter starts. */
export type Initializer = keyof typeof DEFINITIONS | Constant;
export const INITIALIZERS = /* @__PURE__ */ Object.keys(DEFINITIONS) as readonly (keyof typeof DEFINITIONS)[];

/** The fill of a kernel of this shape, `[..., fanIn, fanOut]` with the leading axes a receptive field. */
export function fillOf(initializer: Initializer, shape: readonly number[]): Fill {
  if (typeof initializer !== "string") return { kind: "constant", value: initializer.value };
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  return DEFINITIONS[initializer](field * (shape.at(-2) ?? 1), field * (shape.at(-1) ?? 1));
}
