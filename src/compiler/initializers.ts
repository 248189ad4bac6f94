/** What to fill a tensor with: a constant, or draws of this variance. */
export type Fill =
  | { readonly kind: "constant"; readonly value: Constant["value"] }
  | VarianceFill
  | FurtherFill;

export interface VarianceFill {
  readonly kind: "uniform" | "truncatedNormal";
  readonly variance: number;
}

/** What extra.ts fills, which pages load where there is one. */
export interface FurtherFill {
  readonly kind: "further";
  readonly initializer: ToldInitializer;
}

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
  return (fanIn, fanOut) => ({ kind: "uniform", variance: variance(fanIn, fanOut) });
};
const normal = (variance: Variance): Definition => {
  return (fanIn, fanOut) => ({ kind: "truncatedNormal", variance: variance(fanIn, fanOut) });
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

/** Those that extra.ts fills, and the numbers that they can be told. */
export const FURTHER_INITIALIZERS = {
  randomUniform: ["minValue", "maxValue"],
  randomNormal: ["mean", "stddev"],
  truncatedNormal: ["mean", "stddev"],
  orthogonal: ["gain"],
  identity: ["gain"],
} as const;
type Told = typeof FURTHER_INITIALIZERS;
/** An initializer with numbers of its own: `{ type: "truncatedNormal", stddev: 0.02 }`. */
export type ToldInitializer = {
  readonly [K in keyof Told]: { readonly type: K } & { readonly [N in Told[K][number]]?: number | undefined };
}[keyof Told];

type Name = keyof typeof DEFINITIONS | keyof Told;
/** How a parameter starts. */
export type Initializer = Name | ToldInitializer | Constant;
export const INITIALIZERS = /* @__PURE__ */ Object.keys({
  ...DEFINITIONS,
  ...FURTHER_INITIALIZERS,
}) as readonly Name[];

/** The fill of a kernel of this shape, `[..., fanIn, fanOut]` with the leading axes a receptive field. */
export function fillOf(initializer: Initializer, shape: readonly number[]): Fill {
  const own = typeof initializer === "string" ? { type: initializer } : initializer;
  if (own.type === "constant") return { kind: "constant", value: (own as Constant).value };
  if (own.type in FURTHER_INITIALIZERS) return { kind: "further", initializer: own as ToldInitializer };
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const fanIn = field * (shape.at(-2) ?? 1);
  return DEFINITIONS[own.type as keyof typeof DEFINITIONS](fanIn, field * (shape.at(-1) ?? 1));
}
