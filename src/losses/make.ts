import type { OptionsOf } from "../options/kinds.ts";
import type { LossData, LossName } from "./names.ts";
import {
  type binaryFocalTable,
  type categoricalFocalTable,
  checkLossOptions,
  type crossentropyTable,
  type huberTable,
} from "./options.ts";

export interface CrossentropyOptions extends OptionsOf<ReturnType<typeof crossentropyTable>> {}
export interface CategoricalFocalOptions extends OptionsOf<ReturnType<typeof categoricalFocalTable>> {}
export interface BinaryFocalOptions extends OptionsOf<ReturnType<typeof binaryFocalTable>> {}
export interface HuberOptions extends OptionsOf<ReturnType<typeof huberTable>> {}

/** A loss with options is plain data: what JSON keeps of it. */
function made<N extends LossName>(name: N, options: Omit<LossData, "name">): LossData & { readonly name: N } {
  checkLossOptions(name, options);
  return { ...options, name };
}

/** The categorical crossentropy, for compile(). Throws RangeError on an option out of range, as all here do. */
export const categoricalCrossentropy = (options: CrossentropyOptions = {}) =>
  made("categoricalCrossentropy", options);
/** The same. */
export const sparseCategoricalCrossentropy = (options: CrossentropyOptions = {}) =>
  made("sparseCategoricalCrossentropy", options);
/** The binary crossentropy. */
export const binaryCrossentropy = (options: CrossentropyOptions = {}) => made("binaryCrossentropy", options);
/** The categorical focal crossentropy: of classes, most of which are soon learnt. */
export const categoricalFocalCrossentropy = (options: CategoricalFocalOptions = {}) =>
  made("categoricalFocalCrossentropy", options);
/** The binary focal crossentropy: of units, most of which are soon right. */
export const binaryFocalCrossentropy = (options: BinaryFocalOptions = {}) =>
  made("binaryFocalCrossentropy", options);
/** The Huber loss: of numbers, some of which are far off. */
export const huber = (options: HuberOptions = {}) => made("huber", options);
