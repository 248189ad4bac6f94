import type { Planner } from "../../compiler/planner.ts";
import { Tensor } from "../../compiler/tensor.ts";

/**
 * Moves the calls that depend on weights alone (filters that are packed, transformed, folded with what normalizes) before all
 * others, and keeps what they write: they need to run once, and the others for each batch. How many they are.
 */
export function prepareWeights({ calls, tensors }: Pick<Planner, "calls" | "tensors">): number {
  const tensorsOf = ({ args }: (typeof calls)[number]) =>
    Object.values(args).filter((arg): arg is Tensor => arg instanceof Tensor);
  const constant = new Set<Tensor>();
  const prepared: typeof calls = [];
  const others: typeof calls = [];
  calls.forEach((call, index) => {
    const own = tensorsOf(call);
    // What is filled is added to later.
    const once =
      call.kernel !== "fill" && own.every((tensor) => tensor.first === index || constant.has(tensor));
    if (once) for (const tensor of own) constant.add(tensor);
    (once ? prepared : others).push(call);
  });
  calls.splice(0, calls.length, ...prepared, ...others);
  // Lifetimes are those of the new order; what the host writes and reads stays so.
  for (const tensor of tensors) {
    if (tensor.first >= 0) tensor.first = Number.POSITIVE_INFINITY;
    if (tensor.last < Number.POSITIVE_INFINITY) tensor.last = Number.NEGATIVE_INFINITY;
  }
  calls.forEach((call, index) => {
    for (const tensor of tensorsOf(call)) {
      tensor.first = Math.min(tensor.first, index);
      tensor.last = constant.has(tensor) ? Number.POSITIVE_INFINITY : Math.max(tensor.last, index);
    }
  });
  return prepared.length;
}
