// Nodes of constants alone: what exporters compute sizes and weights by. ONNX's operators, as far as those use them.
import { elements } from "../../compiler/graph.ts";
import { denseStrides, eachPlace, transposed } from "../places.ts";
import type { Attributes } from "./attributes.ts";
import { type Constant, isFloat } from "./tensors.ts";

export interface Folding {
  readonly attributes: Attributes;
  readonly opset: number;
  /** Counts numbers that are made, before they are. Throws above what a file may ask for. */
  spend(count: number): void;
}
/** Undefined where it is a form that is not known here. */
type Fold = (inputs: readonly (Constant | undefined)[], folding: Folding) => Constant | undefined;

export const wholes = (values: readonly number[]): Constant => ({
  shape: [values.length],
  data: Float64Array.from(values),
  whole: true,
});

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Axis counted from the end where it is below 0; undefined where there is none. */
export function axisIn(axis: number, rank: number): number | undefined {
  const at = axis < 0 ? axis + rank : axis;
  return Number.isInteger(at) && at >= 0 && at < rank ? at : undefined;
}

/** Axes that are an attribute up to an operator set, an input from it on. */
export function axesOf(
  given: Constant | undefined,
  attributes: Attributes,
  rank: number,
): number[] | undefined {
  const axes = given ? [...given.data] : attributes.ints("axes");
  const found = axes?.map((axis) => axisIn(axis, rank));
  return found?.every((axis) => axis !== undefined) ? (found as number[]) : undefined;
}

const like = ({ whole }: Constant, shape: readonly number[], data: Constant["data"]): Constant => ({
  shape,
  data,
  whole,
});
const empty = ({ whole }: Constant, count: number) =>
  whole ? new Float64Array(count) : new Float32Array(count);

/** The shape that two broadcast to, as NumPy has it; undefined where they do not. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const size = (shape: readonly number[], i: number) => shape[shape.length - rank + i] ?? 1;
  const shape = Array.from({ length: rank }, (_, i) => (size(a, i) === 1 ? size(b, i) : size(a, i)));
  return shape.every((n, i) => [size(a, i), size(b, i)].every((m) => m === 1 || m === n)) ? shape : undefined;
}

/** Where in a constant the number lies that is at a place of a shape that it broadcasts to. */
function placesIn({ shape: own }: Constant, shape: readonly number[]): (place: number) => number {
  const steps: [size: number, step: number][] = [];
  let step = 1;
  for (let i = 1; i <= shape.length; i++) {
    const size = own.at(-i) ?? 1;
    steps.push([shape.at(-i)!, size === 1 ? 0 : step]);
    step *= size;
  }
  return (place) => {
    let [left, at] = [place, 0];
    for (const [size, step] of steps) {
      at += (left % size) * step;
      left = Math.floor(left / size);
    }
    return at;
  };
}

/** A function of numbers that lie at one place of what all broadcast to. */
function mapped(
  inputs: readonly (Constant | undefined)[],
  { spend }: Folding,
  of: (values: number[], whole: boolean) => number,
  whole?: boolean,
): Constant | undefined {
  const all = inputs.filter((input) => input !== undefined);
  let shape: number[] | undefined = [];
  for (const input of all) shape = shape && broadcast(shape, input.shape);
  if (!shape?.every((size) => Number.isSafeInteger(size) && size >= 0) || all.length === 0) return undefined;
  const kind = whole ?? all.every((input) => input.whole);
  const count = elements(shape);
  spend(count);
  const data = kind ? new Float64Array(count) : new Float32Array(count);
  const places = all.map((input) => placesIn(input, shape));
  for (let i = 0; i < count; i++)
    data[i] = of(
      all.map((input, j) => input.data[places[j]!(i)]!),
      kind,
    );
  return { shape, data, whole: kind };
}

const each =
  (of: (x: number) => number): Fold =>
  (inputs, folding) =>
    mapped(inputs.slice(0, 1), folding, ([x]) => of(x!));
const both =
  (of: (x: number, y: number, whole: boolean) => number, whole?: boolean): Fold =>
  (inputs, folding) =>
    mapped(inputs, folding, ([x, y], kind) => of(x!, y!, kind), whole);
const several =
  (of: (x: number, y: number) => number): Fold =>
  (inputs, folding) =>
    mapped(inputs, folding, (values) => values.reduce(of));
const truth = (of: (x: number, y: number) => boolean): Fold => both((x, y) => Number(of(x, y)), true);

function reshaped(x: Constant, shape: readonly number[] | undefined): Constant | undefined {
  return shape && elements(shape) === x.data.length ? like(x, shape, x.data) : undefined;
}

/** The shape that a node gives another; undefined where it does not fit. */
type Reshaping = (
  from: readonly number[],
  given: Constant | undefined,
  attributes: Attributes,
) => number[] | undefined;

/** The sizes that a Reshape asks for: 0 for those that stay, -1 for what is left. */
const reshapeTo: Reshaping = (from, given, attributes) => {
  const wanted = given ? [...given.data] : attributes.ints("shape");
  if (!wanted) return undefined;
  const allowZero = attributes.int("allowzero", 0) === 1;
  const sizes = wanted.map((size, i) => (size === 0 && !allowZero ? (from[i] ?? 0) : size));
  const known = elements(sizes.filter((size) => size !== -1));
  const shape = sizes.map((size) => (size === -1 ? elements(from) / known : size));
  return elements(shape) === elements(from) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)
    ? shape
    : undefined;
};

/** With axes of size 1 where they are asked for. */
const unsqueezed: Reshaping = (from, given, attributes) => {
  const count = given ? given.data.length : (attributes.ints("axes")?.length ?? 0);
  const axes = axesOf(given, attributes, from.length + count);
  if (!axes || new Set(axes).size !== count) return undefined;
  const left = [...from];
  return Array.from({ length: from.length + count }, (_, i) => (axes.includes(i) ? 1 : left.shift()!));
};

/** Without those axes of size 1. */
const squeezed: Reshaping = (from, given, attributes) => {
  const axes =
    given || attributes.has("axes")
      ? axesOf(given, attributes, from.length)
      : upTo(from.length).filter((i) => from[i] === 1);
  if (!axes?.every((axis) => from[axis] === 1)) return undefined;
  return from.filter((_, i) => !axes.includes(i));
};

/** With the axes before one, and those from it on, as one each. */
const flattened: Reshaping = (from, _given, attributes) => {
  const axis = attributes.int("axis", 1);
  const at = axis < 0 ? axis + from.length : axis;
  return [elements(from.slice(0, at)), elements(from.slice(at))];
};

/** Operators that change a shape alone, of constants and of the model's values alike. */
export const RESHAPING: Readonly<Record<string, Reshaping>> = {
  Reshape: reshapeTo,
  Flatten: flattened,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
};

/** A part of it: along each axis the places that are given. */
function picked(x: Constant, places: readonly (readonly number[])[], { spend }: Folding): Constant {
  const shape = places.map(({ length }) => length);
  const count = elements(shape);
  spend(count);
  const data = empty(x, count);
  const strides = denseStrides(x.shape);
  eachPlace(
    places.map((list, axis) => list.map((place) => place * strides[axis]!)),
    (i, place) => {
      data[i] = x.data[place]!;
    },
  );
  return like(x, shape, data);
}

/** The ranges that a Slice asks for, by axis: from, to, in steps; undefined where it does not fit. */
export function slicesOf(
  shape: readonly number[],
  [, starts, ends, axes, steps]: readonly (Constant | undefined)[],
  attributes: Attributes,
):
  | { readonly axis: number; readonly start: number; readonly count: number; readonly step: number }[]
  | undefined {
  const from = starts ? [...starts.data] : attributes.ints("starts");
  const to = ends ? [...ends.data] : attributes.ints("ends");
  if (!from || !to || from.length !== to.length) return undefined;
  const at = axesOf(axes, attributes, shape.length) ?? upTo(from.length);
  if (at.length !== from.length || at.some((axis) => axis >= shape.length)) return undefined;
  return at.map((axis, i) => {
    const size = shape[axis]!;
    const step = steps?.data[i] ?? 1;
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const within = (n: number) => Math.min(Math.max(n < 0 ? n + size : n, low), high);
    const start = step > 0 ? within(from[i]!) : Math.min(within(from[i]!), size - 1);
    const end = within(to[i]!);
    return { axis, start, step, count: step === 0 ? 0 : Math.max(0, Math.ceil((end - start) / step)) };
  });
}

/** Inputs that an operator needs, where that is more than one. */
const NEEDED: Readonly<Record<string, number>> = {
  Gather: 2,
  Range: 3,
  Expand: 2,
  Where: 3,
  ...Object.fromEntries(
    "Add Sub Mul Div Mod Pow Equal Greater Less GreaterOrEqual LessOrEqual And Or"
      .split(" ")
      .map((name) => [name, 2]),
  ),
};

export const canFold = (opType: string) => Object.hasOwn(FOLDS, opType);

/** What a node of constants alone gives; undefined where that is not known here. */
export function fold(
  opType: string,
  inputs: readonly (Constant | undefined)[],
  folding: Folding,
): Constant | undefined {
  const needed = Object.hasOwn(NEEDED, opType) ? NEEDED[opType]! : 1;
  for (let i = 0; i < needed; i++) if (!inputs[i]) return undefined;
  return canFold(opType) ? FOLDS[opType]!(inputs, folding) : undefined;
}

/** By operator. */
const FOLDS: Readonly<Record<string, Fold>> = {
  ...Object.fromEntries(
    Object.entries(RESHAPING).map(([opType, to]): [string, Fold] => [
      opType,
      ([x, given], { attributes }) => reshaped(x!, to(x!.shape, given, attributes)),
    ]),
  ),
  Identity: ([x]) => x,
  Dropout: ([x]) => x,
  Cast([x], { attributes, spend }) {
    const type = attributes.int("to", 1);
    spend(x!.data.length);
    return isFloat(type)
      ? { shape: x!.shape, data: Float32Array.from(x!.data), whole: false }
      : {
          shape: x!.shape,
          data: Float64Array.from(x!.data, type === 9 ? (v) => Number(v !== 0) : Math.trunc),
          whole: true,
        };
  },
  Shape([x], { attributes }) {
    const rank = x!.shape.length;
    return wholes(x!.shape.slice(attributes.int("start", 0), attributes.int("end", rank)));
  },
  Size: ([x]) => ({ shape: [], data: Float64Array.of(x!.data.length), whole: true }),
  Gather([x, indices], { attributes, ...folding }) {
    const axis = axisIn(attributes.int("axis", 0), x!.shape.length);
    if (axis === undefined) return undefined;
    const places = [...indices!.data].map((i) => axisIn(i, x!.shape[axis]!));
    if (places.includes(undefined)) return undefined;
    const all = x!.shape.map((n, i) => (i === axis ? (places as number[]) : upTo(n)));
    const found = picked(x!, all, { attributes, ...folding });
    return like(x!, [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], found.data);
  },
  Concat(inputs, { attributes, spend }) {
    const [first] = inputs as [Constant];
    const axis = axisIn(attributes.int("axis", 1), first.shape.length);
    const fits = ({ shape }: Constant) =>
      shape.length === first.shape.length && shape.every((n, i) => i === axis || n === first.shape[i]);
    if (axis === undefined || !inputs.every((input) => input && fits(input))) return undefined;
    const all = inputs as readonly Constant[];
    const shape = first.shape.with(
      axis,
      all.reduce((sum, input) => sum + input.shape[axis]!, 0),
    );
    spend(elements(shape));
    const data = empty(first, elements(shape));
    const rows = elements(shape.slice(0, axis));
    const parts = all.map((input) => input.data.length / rows || 0);
    let at = 0;
    for (let row = 0; row < rows; row++)
      for (const [i, input] of all.entries()) {
        data.set(input.data.subarray(row * parts[i]!, (row + 1) * parts[i]!), at);
        at += parts[i]!;
      }
    return like(first, shape, data);
  },
  Slice(inputs, { attributes, ...folding }) {
    const [x] = inputs as [Constant];
    const slices = slicesOf(x.shape, inputs, attributes);
    if (!slices || slices.some(({ step }) => !Number.isInteger(step) || step === 0)) return undefined;
    const places = x.shape.map((n, axis) => {
      const slice = slices.find((one) => one.axis === axis);
      return slice ? upTo(slice.count).map((i) => slice.start + i * slice.step) : upTo(n);
    });
    return picked(x, places, { attributes, ...folding });
  },
  Transpose([x], { attributes, spend }) {
    const rank = x!.shape.length;
    const perm = attributes.ints("perm") ?? upTo(rank).reverse();
    if (perm.length !== rank || !upTo(rank).every((axis) => perm.includes(axis))) return undefined;
    spend(x!.data.length);
    const shape = perm.map((axis) => x!.shape[axis]!);
    return like(x!, shape, transposed(x!.data, x!.shape, perm));
  },
  Expand([x, given], folding) {
    const shape = broadcast(x!.shape, [...given!.data]);
    return shape && mapped([x, { shape, data: new Float64Array(), whole: x!.whole }], folding, ([v]) => v!);
  },
  Range([start, limit, delta], { spend }) {
    const [from, to, step] = [start!.data[0]!, limit!.data[0]!, delta!.data[0]!];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!Number.isSafeInteger(count)) return undefined;
    spend(count);
    const values = Float64Array.from({ length: count }, (_, i) => from + i * step);
    return { shape: [count], data: start!.whole ? values : Float32Array.from(values), whole: start!.whole };
  },
  ReduceProd([x, given], { attributes }) {
    const axes = axesOf(given, attributes, x!.shape.length);
    if (axes && axes.length < x!.shape.length) return undefined;
    const shape = attributes.int("keepdims", 1) ? x!.shape.map(() => 1) : [];
    return like(x!, shape, empty(x!, 1).fill(elements([...x!.data])));
  },
  Add: both((x, y) => x + y),
  Sub: both((x, y) => x - y),
  Mul: both((x, y) => x * y),
  Div: both((x, y, whole) => (whole ? Math.trunc(x / y) : x / y)),
  Mod: both((x, y) => x - y * Math.floor(x / y)),
  Pow: ([x, y], folding) => mapped([x, y], folding, ([a, b]) => a! ** b!, x!.whole),
  Max: several(Math.max),
  Min: several(Math.min),
  Neg: each((x) => -x),
  Abs: each(Math.abs),
  Sqrt: each(Math.sqrt),
  Reciprocal: each((x) => 1 / x),
  Exp: each(Math.exp),
  Log: each(Math.log),
  Floor: each(Math.floor),
  Ceil: each(Math.ceil),
  Equal: truth((x, y) => x === y),
  Greater: truth((x, y) => x > y),
  Less: truth((x, y) => x < y),
  GreaterOrEqual: truth((x, y) => x >= y),
  LessOrEqual: truth((x, y) => x <= y),
  And: truth((x, y) => x !== 0 && y !== 0),
  Or: truth((x, y) => x !== 0 || y !== 0),
  Not: each((x) => Number(x === 0)),
  Where: (inputs, folding) =>
    mapped(inputs, folding, ([c, x, y]) => (c ? x! : y!), inputs[1]!.whole && inputs[2]!.whole),
};
