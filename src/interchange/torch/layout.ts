// How values lie in PyTorch: channels first. What is flattened there comes in another order, which the weights of the layers
// behind it are in, too.
import { type Call, type Calls, flattenedOrder } from "./calls.ts";

/** Where here's numbers of a list stand in PyTorch's; undefined: at the same places. */
export type Order = Int32Array | undefined;

/** How a value of several axes is held: its channels first, or as it is here. */
export type Held = "first" | "same";

export interface Layout {
  /** Of values of several axes. */
  held(reference: string): Held;
  /** Of lists of numbers. */
  order(reference: string): Order;
  /** Whether what this call flattens, or unflattens, is in PyTorch's own order, as the weights around it are. */
  absorbs(reference: string): boolean;
  /** In which order a dense layer gives its outputs. */
  outputOrder(name: string): Order;
}

/** Layers that do the same with each number of a list, or hold a number for each. */
const TRANSPARENT = [
  "activation",
  "relu",
  "leakyRelu",
  "elu",
  "prelu",
  "softmax",
  "dropout",
  "gaussianNoise",
  "gaussianDropout",
  "rescaling",
  "normalization",
  "batchNormalization",
  "layerNormalization",
];
/** Those among them that have numbers for each. */
const PER_NUMBER = ["prelu", "normalization", "batchNormalization", "layerNormalization"];
/** Of several lists in one order. */
const MERGES = ["add", "subtract", "multiply", "average", "maximum", "minimum"];
/** Layers that leave an image as it is held. */
const HOLDS = [
  "activation",
  "relu",
  "leakyRelu",
  "elu",
  "dropout",
  "gaussianNoise",
  "gaussianDropout",
  "rescaling",
];

const isSame = (a: Order, b: Order) => a === b || (!!a && !!b && a.join() === b.join());
const isFlattening = ({ type, inputs, output }: Call) =>
  (type === "flatten" || type === "reshape") && output.length === 1 && inputs[0]!.length > 1;
const isUnflattening = ({ type, inputs, output }: Call) =>
  type === "reshape" && output.length > 1 && inputs[0]!.length === 1;

export function layoutOf(model: Calls): Layout {
  const { calls } = model;
  const held = heldOf(model);
  const makers = new Map(calls.map((call) => [call.reference, call]));
  const shared = new Set(calls.filter(({ again }) => again).map(({ name }) => name));
  const absorbed = new Set(
    calls.filter((call) => isFlattening(call) || isUnflattening(call)).map(({ reference }) => reference),
  );
  for (;;) {
    const found = settle(model, held, makers, shared, absorbed);
    if (found) {
      const { orders, outputs } = found;
      return {
        held: (reference) => held.get(reference) ?? "first",
        order: (reference) => orders.get(reference),
        absorbs: (reference) => absorbed.has(reference),
        outputOrder: (name) => outputs.get(name)?.order,
      };
    }
  }
}

function heldOf({ calls }: Calls): Map<string, Held> {
  const held = new Map<string, Held>();
  for (const call of calls) {
    const before = held.get(call.from[0]!) ?? "first";
    if (call.output.length < 2) continue;
    const holds = HOLDS.includes(call.type) && call.options.activation !== "softmax";
    held.set(call.reference, call.type === "permute" ? permuted(call, before) : holds ? before : "first");
  }
  return held;
}

/** Channels brought to the front are as PyTorch has them anyway. */
function permuted({ options }: Call, before: Held): Held {
  const dims = options.dims as readonly number[];
  const n = dims.length;
  return before === "first" && dims.every((axis, i) => axis === (i === 0 ? n : i)) ? "same" : "first";
}

interface Output {
  readonly order: Order;
  /** The call that unflattens it. */
  readonly because: string;
}

/** Orders of all lists; undefined where one comes to who needs here's order: then who gave it absorbs no more. */
function settle(
  { calls, outputs: ends }: Calls,
  held: ReadonlyMap<string, Held>,
  makers: ReadonlyMap<string, Call>,
  shared: ReadonlySet<string>,
  absorbed: Set<string>,
): { orders: Map<string, Order>; outputs: Map<string, Output> } | undefined {
  const outputs = new Map<string, Output>();
  for (const call of calls) {
    if (!isUnflattening(call) || !absorbed.has(call.reference)) continue;
    let maker = makers.get(call.from[0]!);
    while (maker && TRANSPARENT.includes(maker.type)) maker = makers.get(maker.from[0]!);
    const order = flattenedOrder(call.output);
    if (order && maker?.type === "dense" && maker.output.length === 1 && !outputs.has(maker.name))
      outputs.set(maker.name, { order, because: call.reference });
  }
  const orders = new Map<string, Order>();
  /** Which calls an order comes from. */
  const sources = new Map<string, readonly string[]>();
  const refuse = (references: readonly string[]): undefined => {
    for (const reference of references)
      for (const source of sources.get(reference) ?? []) absorbed.delete(source);
  };
  const set = (reference: string, order: Order, from: readonly string[]) => {
    if (!order) return;
    orders.set(reference, order);
    sources.set(reference, from);
  };
  for (const call of calls) {
    const { type, name, reference, from } = call;
    const given = from.map((value) => orders.get(value));
    const [order] = given;
    const passed = from.flatMap((value) => sources.get(value) ?? []);
    const all = given.every((one) => isSame(one, order));
    if (type === "dense" && call.output.length === 1) {
      const own = outputs.get(name);
      if ((order || own) && shared.has(name)) {
        if (own) absorbed.delete(own.because);
        return refuse(from);
      }
      set(reference, own?.order, own ? [own.because] : []);
    } else if (isFlattening(call)) {
      const flat = absorbed.has(reference) && (held.get(from[0]!) ?? "first") === "first";
      set(reference, flat ? flattenedOrder(call.inputs[0]!) : undefined, [reference]);
    } else if (isUnflattening(call)) {
      if (absorbed.has(reference) && !isSame(order, flattenedOrder(call.output))) {
        absorbed.delete(reference);
        return undefined;
      }
      if (!absorbed.has(reference) && order) return refuse(from);
    } else if (call.output.length === 1 && type === "concatenate") {
      set(reference, joined(call, given), passed);
    } else if (order === undefined && all) {
      // As here.
    } else if (
      (TRANSPARENT.includes(type) && !(PER_NUMBER.includes(type) && shared.has(name))) ||
      (type === "flatten" && call.output.length === 1) ||
      (MERGES.includes(type) && all && call.inputs.every((shape) => shape.join() === call.output.join()))
    )
      set(reference, order, passed);
    else return refuse(from);
  }
  const wrong = ends.filter((reference) => orders.get(reference));
  return wrong.length > 0 ? refuse(wrong) : { orders, outputs };
}

/** Lists one behind the other, each in its order. */
function joined({ inputs }: Call, orders: readonly Order[]): Order {
  if (orders.every((order) => !order)) return undefined;
  let start = 0;
  const all = orders.flatMap((order, i) => {
    const n = inputs[i]![0]!;
    const own = Array.from({ length: n }, (_, at) => start + (order ? order[at]! : at));
    start += n;
    return own;
  });
  return Int32Array.from(all);
}
