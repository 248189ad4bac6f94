// What keeps weights small: as plain data, which a model's file holds.

/** A penalty of l1 * sum |x| + l2 * sum x^2. */
export interface Regularizer {
  readonly l1?: number | undefined;
  readonly l2?: number | undefined;
}

/** The first axes, over which norms are taken. */
type Axis = { readonly axis?: number | readonly number[] | undefined };

/** What weights are kept to after each update. */
export type Constraint =
  | { readonly type: "nonNeg" }
  | ({ readonly type: "maxNorm"; readonly maxValue?: number | undefined } & Axis)
  | ({
      readonly type: "minMaxNorm";
      readonly minValue?: number | undefined;
      readonly maxValue?: number | undefined;
      readonly rate?: number | undefined;
    } & Axis)
  | ({ readonly type: "unitNorm" } & Axis);

/** What a parameter is limited by. */
export interface WeightLimits {
  readonly regularizer?: Regularizer | undefined;
  readonly constraint?: Constraint | undefined;
}
