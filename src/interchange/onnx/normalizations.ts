import { elements } from "../../compiler/graph.ts";
import { along, straight } from "./elementwise.ts";
import { axisIn } from "./fold.ts";
import { type Call, type Entry, type Flow, type Importer, inOrder, Lacking, type Real } from "./importer.ts";
import { channelLast, constantAt, flowOf, named, numbers, vector } from "./operands.ts";

export function batchNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes, opset } = call;
  const flow = flowOf(call);
  const channels = flow.shape[1]!;
  if (opset >= 14 && attributes.int("training_mode", 0))
    throw new Lacking(node, "in training_mode", "the mode of evaluation");
  const [gamma, beta, movingMean, movingVariance] = [1, 2, 3, 4].map((i) => numbers(call, i, channels));
  const { order, entry, rows } = channelLast(importer, call, flow);
  const own = (data: Float32Array | undefined) => vector(along(data!, { rows }));
  const made = importer.layer(
    node,
    "batchNormalization",
    { epsilon: attributes.float("epsilon", 1e-5), momentum: attributes.float("momentum", 0.9) },
    [entry],
    { gamma: own(gamma), beta: own(beta), movingMean: own(movingMean), movingVariance: own(movingVariance) },
    named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order, rows });
}

export function instanceNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const channels = flow.shape[1]!;
  const epsilon = attributes.float("epsilon", 1e-5);
  const [gamma, beta] = [numbers(call, 1, channels), numbers(call, 2, channels)];
  const plain = gamma.every((x) => x === 1) && beta.every((x) => x === 0);
  const { reshaped } = flow;
  const make = (): Real => {
    const { order, entry } = channelLast(importer, call, flow);
    const options = { groups: -1, epsilon };
    return {
      order,
      entry: importer.layer(node, "groupNormalization", options, [entry], {
        gamma: vector(gamma),
        beta: vector(beta),
      }),
    };
  };
  // Of channels that were brought together in groups, and are taken apart again: group normalization.
  const grouped =
    plain && reshaped && flow.shape.length === 3 && reshaped.shape[1]! % channels === 0
      ? { of: reshaped, epsilon }
      : undefined;
  return importer.flow(node.output[0]!, flow.shape, [flow], make, { grouped });
}

/** Normalization of groups, whose scale and offset may follow. */
export function groups(
  importer: Importer,
  call: Call,
  flow: Flow,
  count: number,
  epsilon: number,
  weights?: Entry["weights"],
): Flow {
  const { node } = call;
  return importer.flow(node.output[0]!, flow.shape, [flow], () => {
    const { order, entry } = channelLast(importer, call, flow);
    const learnt = weights !== undefined;
    const options = { groups: count, epsilon, scale: learnt, center: learnt };
    return { order, entry: importer.layer(node, "groupNormalization", options, [entry], weights) };
  });
}

export function groupNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes, opset } = call;
  const flow = flowOf(call);
  const [channels, count] = [flow.shape[1]!, attributes.int("num_groups", 1)];
  const each = opset >= 21 ? channels : count;
  const repeated = (data: Float32Array) =>
    vector(Float32Array.from({ length: channels }, (_, i) => data[Math.floor((i * each) / channels)]!));
  const [gamma, beta] = [numbers(call, 1, each), numbers(call, 2, each)];
  if (channels > 2 ** 24 || !(count >= 1))
    throw new Lacking(node, `of ${count} groups of ${channels} channels`);
  return groups(importer, call, flow, count, attributes.float("epsilon", 1e-5), {
    gamma: repeated(gamma),
    beta: repeated(beta),
  });
}

export function layerNormalization(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const rank = flow.shape.length;
  const axis = axisIn(attributes.int("axis", -1), rank);
  if (!axis) throw new Lacking(node, "along the batch");
  const shape = flow.shape.slice(axis);
  const count = elements(shape);
  const scale = constantAt(call, 1);
  const gamma = numbers(call, 1, count);
  const beta = constantAt(call, 2) && numbers(call, 2, count);
  const center = beta !== undefined;
  const epsilon = attributes.float("epsilon", 1e-5);
  const entry = straight(importer, call, flow);
  const axes = shape.map((_, i) => axis + i);
  const made = importer.layer(
    node,
    "layerNormalization",
    { epsilon, center, ...(axes.length > 1 && { axis: axes }) },
    [entry],
    { gamma: { shape, data: gamma }, ...(beta && { beta: { shape, data: beta } }) },
    scale && named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order: inOrder(rank) });
}
