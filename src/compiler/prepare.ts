import { Plan, type PlanHost } from "./plan.ts";
import type { Planner } from "./planner.ts";
import { Tensor } from "./tensor.ts";

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

/** A plan of answers that runs the calls of weights alone once, until its arena is another plan's, or weights may have changed. */
export class PreparedPlan extends Plan {
  readonly #host: PlanHost;
  readonly #prepared: number;
  #next = 0;

  constructor(host: PlanHost, planner: Planner) {
    // What is compared with targets may stop in between, and trainings change weights.
    const asked = planner.calls.every(({ phase }) => phase === "input" || phase === "forward");
    const prepared = asked ? prepareWeights(planner) : 0;
    super(host, planner);
    this.#host = host;
    this.#prepared = prepared;
  }

  override activate(): void {
    if (this.#host.arenaOwner !== this) this.#next = 0;
    super.activate();
  }

  override run(first = this.#next, last = this.calls.length): void {
    super.run(first, last);
    if (last === this.calls.length) this.#next = this.#prepared;
  }
}
