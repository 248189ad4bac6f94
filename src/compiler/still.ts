import { type Graph, isTrained, type Op, type OpKind, type OpOf, onlyReader, type Value } from "./graph.ts";

const moving = new WeakMap<Graph, ReadonlySet<Value>>();

/** Values that hang on parameters that training changes: those that have gradients. */
function movingValues(graph: Graph): ReadonlySet<Value> {
  let found = moving.get(graph);
  if (!found) {
    const values = new Set<Value>();
    for (const { parameters, inputs, output } of graph.ops)
      if (parameters.some(isTrained) || inputs.some((value) => values.has(value))) values.add(output);
    found = values;
    moving.set(graph, found);
  }
  return found;
}

/** Whether no gradient passes an op in training. */
export function isQuiet(graph: Graph, { output }: Op): boolean {
  return !movingValues(graph).has(output);
}

/** Whether a normalization uses its moving statistics in training, too, and nothing before it is trained: then no gradient passes it. */
export function isStill(graph: Graph, { attributes, output }: OpOf<"batchNorm">): boolean {
  return attributes.frozen && !movingValues(graph).has(output);
}

/** Whether ops of a kind give the same for the same inputs at every step of a training, and do nothing else. */
const SAME: { readonly [K in OpKind]: boolean | ((attributes: OpOf<K>["attributes"]) => boolean) } = {
  conv2d: true,
  convPool: true,
  dense: true,
  pool2d: true,
  globalAveragePool2d: true,
  activation: true,
  softmax: true,
  reshape: true,
  add: true,
  multiply: true,
  depthwiseConv2d: true,
  conv2dTranspose: true,
  groupedConv2d: true,
  groupNorm: true,
  concatenate: true,
  unary: true,
  binary: true,
  resample2d: true,
  permute: true,
  batchNorm: ({ frozen }) => frozen,
  dropout: ({ rate }) => rate === 0,
  channelDropout: ({ rate }) => rate === 0,
  gaussian: ({ stddev }) => stddev === 0,
  randomAffine: false,
  randomCrop: false,
  randomColor: false,
  randomErasing: false,
  mixImages: false,
  // What it adds to the loss would be lost with it.
  activityPenalty: false,
};

function isSame({ kind, attributes }: Op): boolean {
  const same = SAME[kind];
  return typeof same === "function" ? (same as (given: unknown) => boolean)(attributes) : same;
}

/** Whether answers fold a normalization that is trained into a convolution: parted from each other, they would round otherwise. */
function isFolded(graph: Graph, { kind, output }: Op): boolean {
  const next = kind === "conv2d" || kind === "depthwiseConv2d" ? onlyReader(graph, output) : undefined;
  return next?.kind === "batchNorm" && !next.attributes.frozen;
}

/** A graph in two: what gives the same numbers for an image at every step of a training, and what is left. */
export interface Halves {
  /** Gives the values that the rest takes. */
  readonly still: Graph;
  /** Takes them in place of the inputs. */
  readonly rest: Graph;
}

/**
 * Parts a graph where training begins to change something; undefined where there is nothing before that which costs anything, as no frozen layer
 * with weights; and where what comes after takes an input itself.
 */
export function halves(graph: Graph): Halves | undefined {
  const trained = movingValues(graph);
  const inputs = new Set(graph.inputs);
  const still = new Set(inputs);
  const first = graph.ops.filter((op) => {
    const kept =
      isSame(op) &&
      !trained.has(op.output) &&
      !isFolded(graph, op) &&
      op.inputs.every((value) => still.has(value));
    if (kept) still.add(op.output);
    return kept;
  });
  const weighs = first.some(({ parameters }) => parameters.some(({ role }) => role === "weight"));
  if (!weighs || graph.outputs.some((value) => still.has(value))) return undefined;
  const ops = graph.ops.filter(({ output }) => !still.has(output));
  const between = new Set(ops.flatMap((op) => op.inputs.filter((value) => still.has(value))));
  if ([...between].some((value) => inputs.has(value))) return undefined;
  const values = [...between];
  return { still: { ...graph, ops: first, outputs: values }, rest: { ...graph, ops, inputs: values } };
}
