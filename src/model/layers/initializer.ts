import {
  type Constant,
  FURTHER_INITIALIZERS,
  INITIALIZERS,
  type Initializer,
  type ToldInitializer,
} from "../../compiler/initializers.ts";
import { checkOptions } from "../../options/check.ts";
import { isOptions, type Kind, needed, type OptionsOf, some } from "../../options/kinds.ts";

/** Whether it is a number of which a tensor can be full. */
const isValue = (value: unknown) => typeof value === "number" && Number.isFinite(Math.fround(value));

/** Whether it is what constant() gives, or a model file says in its place. */
export function isConstant(value: unknown): value is Constant {
  return (
    isOptions(value) && value.type === "constant" && isValue(value.value) && Object.keys(value).length === 2
  );
}

/** Whether it is what an initializer with numbers of its own gives. */
function isTold(value: unknown): value is ToldInitializer {
  if (!isOptions(value)) return false;
  const { type, ...numbers } = value;
  const known: readonly string[] | undefined = FURTHER_INITIALIZERS[type as ToldInitializer["type"]];
  return (
    known !== undefined &&
    Object.entries(numbers).every(([key, number]) => known.includes(key) && isValue(number))
  );
}

/** How a layer's parameters start. */
export const initializer: Kind<Initializer> = {
  ...some(
    `one of ${INITIALIZERS.join(", ")}, constant({ value }) or { type, ... }`,
    (value) => INITIALIZERS.includes(value as never) || isConstant(value) || isTold(value),
  ),
  names: INITIALIZERS,
};

const table = () => ({
  /** The number that all are: finite as f32. */
  value: needed(some<number>("a finite number, below 3.4e38", isValue, 0.1)),
});

export interface ConstantOptions extends OptionsOf<ReturnType<typeof table>> {}

/**
 * An initializer that makes every number `value`: Keras's Constant. Throws RangeError on a value that is no number, or too
 * large for f32.
 *
 *     dense({ units: 10, biasInitializer: constant({ value: 0.1 }) });
 */
export function constant(options: ConstantOptions): Constant {
  checkOptions({ call: "constant(*)", table }, options);
  return { type: "constant", value: options.value };
}
