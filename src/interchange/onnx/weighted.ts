// Nodes of matrices and kernels: convolutions and dense layers.
import { transposed } from "../places.ts";
import { type Call, type Flow, type Importer, inOrder, Lacking } from "./importer.ts";
import { constantAt, f32, flowOf, IMAGE, named, numbers, vector } from "./operands.ts";
import { asImages, padded, pairOf } from "./windows.ts";

export function conv(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1);
  const rank = flow.shape.length;
  const [filters, perGroup, ...kernel] = weights?.shape ?? [];
  const group = attributes.int("group", 1);
  if (!weights || kernel.length !== rank - 2 || perGroup! * group !== flow.shape[1] || filters! % group !== 0)
    throw new Lacking(
      node,
      `of a kernel of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  const bias = constantAt(call, 2) && numbers(call, 2, filters!);
  return asImages(
    importer,
    call,
    flow,
    (image, windows) => {
      const all = windows(kernel);
      const [h, w] = pairOf(all, "kernel") as [number, number];
      const { image: around, padding } = padded(importer, call, importer.arranged(node, image, IMAGE), all);
      const options = {
        kernelSize: [h, w],
        strides: pairOf(all, "stride"),
        dilationRate: pairOf(all, "dilation"),
        padding,
        useBias: bias !== undefined,
      };
      const own = bias && { bias: vector(bias) };
      const depthwise = group > 1 && perGroup === 1;
      const multiplier = filters! / group;
      const entry = depthwise
        ? importer.layer(
            node,
            "depthwiseConv2d",
            { ...options, depthMultiplier: multiplier },
            [around],
            {
              kernel: {
                shape: [h, w, group, multiplier],
                data: transposed(f32(weights), [group, multiplier, h, w], [2, 3, 0, 1]),
              },
              ...own,
            },
            named(call),
          )
        : importer.layer(
            node,
            "conv2d",
            { filters: filters!, ...options, ...(group > 1 && { groups: group }) },
            [around],
            {
              kernel: {
                shape: [h, w, perGroup!, filters!],
                data: transposed(f32(weights), [filters!, perGroup!, h, w], [2, 3, 1, 0]),
              },
              ...own,
            },
            named(call),
          );
      return { entry, order: IMAGE };
    },
    kernel,
  );
}

export function convTranspose(importer: Importer, call: Call): Flow {
  const { node } = call;
  const given = flowOf(call);
  // A sequence [N, C, steps] is an image of one row.
  const row = given.shape.length === 3;
  const flow = row ? importer.reshaped(call, given, given.shape.toSpliced(2, 0, 1), "") : given;
  const weights = constantAt(call, 1);
  const shape = row ? weights?.shape.toSpliced(2, 0, 1) : weights?.shape;
  const [channels] = shape ?? [];
  if (!weights || shape?.length !== 4 || flow.shape.length !== 4 || channels !== flow.shape[1])
    throw new Lacking(
      node,
      `of a kernel of shape [${weights?.shape.join(", ")}] on [${given.shape.join(", ")}]`,
    );
  const made = transposedConv(importer, call, flow, f32(weights), shape, row);
  return row ? importer.reshaped(call, made, made.shape.toSpliced(2, 1), node.output[0]) : made;
}

/** The layers of a transposed convolution of an image; `row`: of one row, of which the attributes know nothing. */
function transposedConv(
  importer: Importer,
  call: Call,
  flow: Flow,
  weights: Float32Array,
  [channels, filters, ...kernel]: readonly number[],
  row: boolean,
): Flow {
  const { node, attributes } = call;
  if (attributes.int("group", 1) !== 1) throw new Lacking(node, "of several groups", "one group");
  const bias = constantAt(call, 2) && numbers(call, 2, filters!);
  const one = (name: string, still: number) => {
    const list = attributes.ints(name);
    return list && (row ? [still, ...list.slice(-1)] : list.slice(-2));
  };
  const [strides, dilations] = [one("strides", 1) ?? [1, 1], one("dilations", 1) ?? [1, 1]];
  const extra = one("output_padding", 0) ?? [0, 0];
  const wanted = one("output_shape", 1);
  const auto = attributes.text("auto_pad", "NOTSET");
  const pads = attributes.ints("pads");
  const given = auto === "VALID" ? undefined : row && pads ? [0, pads[0]!, 0, pads[1]!] : pads;
  const sides = kernel.map((k, i) => {
    const [size, stride] = [flow.shape[i + 2]!, strides[i]!];
    const extent = (k - 1) * dilations[i]! + 1;
    const full = (size - 1) * stride + extent;
    const length = wanted?.[i] ?? (auto.startsWith("SAME") ? size * stride : undefined);
    let [before, after] = [given?.[i] ?? 0, given?.[i + 2] ?? 0];
    let beyond = extra[i] ?? 0;
    if (length !== undefined) {
      const total = full + beyond - length;
      if (total < 0) beyond -= total;
      const half = Math.max(0, total);
      before = auto === "SAME_UPPER" ? Math.floor(half / 2) : Math.ceil(half / 2);
      after = half - before;
    }
    if (!(beyond >= 0) || beyond >= stride || !(before >= 0 && after >= 0))
      throw new Lacking(node, "with padding of its output of strides and more");
    const out = full + beyond - before - after;
    const total = Math.max(0, full - out);
    return {
      before,
      after,
      beyond,
      cropped:
        out === size * stride &&
        before === Math.floor(total / 2) &&
        before + after - beyond === full - out &&
        (beyond === 0 || total === 0),
      whole: before === 0 && after === 0 && beyond === Math.max(stride - extent, 0),
    };
  });
  const same = sides.every(({ cropped }) => cropped);
  const whole = sides.every(({ whole }) => whole);
  const made = importer.layer(
    node,
    "conv2dTranspose",
    {
      filters: filters!,
      kernelSize: kernel,
      strides,
      dilationRate: dilations,
      useBias: bias !== undefined,
      padding: same && !whole ? "same" : "valid",
      ...(!same && !whole && { outputPadding: sides.map(({ beyond }) => beyond) }),
    },
    [importer.arranged(node, flow, IMAGE)],
    {
      kernel: {
        shape: [...kernel, filters!, channels!],
        data: transposed(weights, [channels!, filters!, ...kernel], [2, 3, 1, 0]),
      },
      ...(bias && { bias: vector(bias) }),
    },
    named(call),
  );
  const cropping = sides.map(({ before, after }) => [before, after]);
  const entry =
    same || cropping.flat().every((n) => n === 0)
      ? made
      : importer.layer(node, "cropping2d", { cropping }, [made]);
  return importer.made(row ? "" : node.output[0]!, { entry, order: IMAGE });
}

/** A matrix of weights, behind a value's last axis. */
function dense(
  importer: Importer,
  call: Call,
  flow: Flow,
  matrix: Float32Array<ArrayBuffer>,
  units: number,
  bias?: Float32Array,
): Flow {
  const { node } = call;
  const rank = flow.shape.length;
  const inputs = flow.shape[rank - 1]!;
  const real = flow.real();
  const last = real.order.at(-1) === rank - 1;
  const { rows } = real;
  const order = last ? real.order : inOrder(rank);
  const entry = last ? real.entry : importer.arranged(node, flow, order);
  // Rows in the order in which they were flattened here.
  const data = rows ? transposed(matrix, [...rows.dims, units], [...rows.order, rows.dims.length]) : matrix;
  const made = importer.layer(
    node,
    "dense",
    { units, useBias: bias !== undefined },
    [entry],
    { kernel: { shape: [inputs, units], data }, ...(bias && { bias: vector(bias) }) },
    named(call),
  );
  return importer.made(node.output[0]!, { entry: made, order });
}

export function gemm(importer: Importer, call: Call): Flow {
  const { node, attributes } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1);
  const turned = attributes.int("transB", 0) === 1;
  const [first, second] = weights?.shape ?? [];
  const [inputs, units] = turned ? [second, first] : [first, second];
  if (weights?.shape.length !== 2 || flow.shape.length !== 2 || inputs !== flow.shape[1])
    throw new Lacking(
      node,
      `of weights of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  if (attributes.int("transA", 0)) throw new Lacking(node, "with transA");
  const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
  const matrix = turned ? transposed(f32(weights), weights.shape, [1, 0]) : f32(weights);
  const given = constantAt(call, 2);
  const bias =
    given &&
    (given.data.length === 1 ? new Float32Array(units!).fill(given.data[0]!) : numbers(call, 2, units!));
  const scaled = (data: Float32Array<ArrayBuffer>, by: number) => (by === 1 ? data : data.map((x) => x * by));
  return dense(importer, call, flow, scaled(matrix, alpha), units!, bias && scaled(bias, beta));
}

export function matMul(importer: Importer, call: Call): Flow {
  const { node } = call;
  const flow = flowOf(call);
  const weights = constantAt(call, 1, "matrices");
  const [inputs, units] = weights?.shape.slice(-2) ?? [];
  if (
    !weights ||
    weights.shape.length < 2 ||
    inputs! * units! !== weights.data.length ||
    inputs !== flow.shape.at(-1)
  )
    throw new Lacking(
      node,
      `of weights of shape [${weights?.shape.join(", ")}] on [${flow.shape.join(", ")}]`,
    );
  return dense(importer, call, flow, f32(weights), units!);
}
