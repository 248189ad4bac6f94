// What training sees of pictures, for who sets it up: nothing that trains imports it.

import { ModelError } from "../compiler/errors.ts";
import { fuse } from "../compiler/fuse.ts";
import {
  cut,
  elements,
  formatShape,
  type Graph,
  type Op,
  type Shape,
  type Value,
} from "../compiler/graph.ts";
import { IMPLEMENTATIONS } from "../compiler/ops/index.ts";
import { Plan } from "../compiler/plan.ts";
import { Planner } from "../compiler/planner.ts";
import type { Preprocessing } from "../compiler/preprocessing.ts";
import { sgd } from "../optim/sgd.ts";
import { counted } from "../options/counted.ts";
import { emitInput } from "./compile-plan.ts";
import { preprocessingOf } from "./compiled-options.ts";
import type { Model } from "./model.ts";
import { isBytes, type Pixels } from "./samples.ts";
import { Session, type SessionOptions } from "./session.ts";

/** Ops that draw, and so make another picture of a picture at each step. */
const VARYING: ReadonlySet<string> = new Set<Op["kind"]>([
  "randomAffine",
  "randomCrop",
  "randomColor",
  "randomErasing",
  "mixImages",
  "gaussian",
  "dropout",
  "channelDropout",
]);
/** Ops behind which a picture is one still, on another scale. */
const SCALING: ReadonlySet<string> = new Set<Op["kind"]>(["unary", "binary", "batchNorm"]);
/** And those behind which it is one, in other places. */
const MOVING: ReadonlySet<string> = new Set<Op["kind"]>(["resample2d", "reshape", "permute"]);

interface OpenOptions extends Partial<Pick<SessionOptions, "backend" | "threads" | "wasm" | "maxMemory">> {
  /** The training's. Default 1. */
  readonly seed?: number | undefined;
  /** How bytes become numbers. Default: as the model's file says, else 0 to 1. */
  readonly preprocessing?: Partial<Preprocessing> | undefined;
}

export interface PreviewOptions extends OpenOptions {
  /** Which of the training's steps, from 0, draws. Default 0. */
  readonly step?: number | undefined;
}

/** Pictures as a step of training sees them. */
export interface AugmentationPreview {
  /** Names of the layers that vary them, in the order in which they do. */
  readonly layers: readonly string[];
  /** Whether they mix pictures of a batch with each other. */
  readonly mixes: boolean;
  /** Of one picture, `[height, width, channels]`: another than before where a layer crops. */
  readonly shape: Shape;
  /** What the layer behind gets, `[pictures, ...shape]`. */
  readonly values: Float32Array<ArrayBuffer>;
  /** The same to look at: 0 to 255, where layers change the scale from the least of the values to the greatest. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** A model's augmentation, ready for any number of batches. */
export interface OpenPreview {
  /**
   * What a step of training, numbered from 0, sees of these pictures as its batch, `[pictures, ...inputShape]`. Throws RangeError on images
   * that are no whole number of the model's.
   */
  see(images: Pixels, step: number): AugmentationPreview;
  /** Ends its threads. */
  dispose(): void;
}

/**
 * What training would see of pictures, by its own kernels: the bits that a step of that number, with that seed, makes of these
 * pictures as its batch, `images` `[pictures, ...inputShape]`. undefined: no layer of the model varies pictures before they are
 * turned into something else.
 *
 * Throws ModelError on a model of several inputs, RangeError on images that are no whole number of the model's.
 */
export async function previewAugmentation(
  model: Pick<Model, "graph" | "loaded">,
  images: Pixels,
  { step = 0, ...options }: PreviewOptions = {},
): Promise<AugmentationPreview | undefined> {
  const preview = await openPreview(model, options);
  try {
    return preview?.see(images, step);
  } finally {
    preview?.dispose();
  }
}

/** As previewAugmentation(), for several batches. Throws ModelError on a model of several inputs. */
export async function openPreview(
  model: Pick<Model, "graph" | "loaded">,
  options: OpenOptions = {},
): Promise<OpenPreview | undefined> {
  const { seed = 1, backend = "auto", threads = 1, wasm, maxMemory } = options;
  const [input, ...others] = model.graph.inputs as readonly [Value, ...Value[]];
  if (others.length > 0)
    throw new ModelError(
      `the model has ${counted(others.length + 1, "input")}, expected one: what is varied are pictures of a dataset`,
    );
  const found = varied(model.graph);
  if (!found) return undefined;
  const preprocessing = preprocessingOf(model.loaded, options.preprocessing);
  const { graph, ops } = found;
  const session = await Session.create(graph, {
    ...{ backend, threads, wasm, maxMemory, seed, preprocessing },
    optimizer: sgd(),
    outputs: [],
  });
  const { engine } = session;
  const [last] = session.graph.outputs as readonly [Value];
  if (model.loaded) session.setWeights(model.loaded.tensors);
  const compile = (batch: number, bytes: boolean) => {
    const at = new Map([...session.weights()].map(({ parameter, data }) => [parameter, data.byteOffset]));
    const value = (parameter: (typeof graph.parameters)[number]) => at.get(parameter)!;
    const pointers = {
      value,
      // Nothing here asks for one.
      gradient: value,
      seed: [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const,
      step: session.optimizer.stepPointer,
    };
    // Without outputs: what is looked at has no targets, which layers that move images would ask for.
    const p = new Planner({ ...session.graph, outputs: [] }, batch, true, pointers, IMPLEMENTATIONS);
    const host = emitInput(p, input, bytes ? "bytes" : "floats", { preprocessing });
    for (const op of session.graph.ops) p.forward(op);
    const output = p.value(last).read();
    return { plan: new Plan(engine, p), host, output };
  };
  const plans = new Map<string, ReturnType<typeof compile>>();
  return {
    see(images, step) {
      const batch = images.length / elements(input.shape);
      if (!Number.isInteger(batch) || batch === 0)
        throw new RangeError(
          `got ${counted(images.length, "number")}, expected those of one or more pictures of shape ${formatShape(input.shape)}, ${elements(input.shape)} each`,
        );
      const bytes = isBytes(images);
      const key = `${batch} ${bytes}`;
      const compiled = plans.get(key) ?? compile(batch, bytes);
      plans.set(key, compiled);
      const { plan, host, output } = compiled;
      session.optimizer.step = step;
      plan.activate();
      const pointer = plan.pointer(host);
      (bytes ? engine.u8(pointer, images.length) : engine.f32(pointer, images.length)).set(images);
      plan.run();
      const values = engine.f32(plan.pointer(output), batch * elements(last.shape)).slice();
      return {
        layers: [...new Set(ops.filter(({ kind }) => VARYING.has(kind)).map(({ layer }) => layer))],
        mixes: ops.some(mixes),
        shape: last.shape,
        values,
        pixels: pixelsOf(values, ops.some(({ kind }) => SCALING.has(kind)) ? undefined : preprocessing),
      };
    },
    dispose: () => session.dispose(),
  };
}

const mixes = ({ kind }: Op) => kind === "mixImages";

/** Whether a preview of the model mixes pictures of a batch with each other: then it takes several, not one again and again. */
export function mixesPictures({ graph }: Pick<Model, "graph">): boolean {
  return varied(graph)?.ops.some(mixes) ?? false;
}

/** The part of a graph that ends with the last op that varies pictures, while they are some. */
function varied(whole: Graph): { readonly graph: Graph; readonly ops: readonly Op[] } | undefined {
  const pictures = new Set(whole.inputs);
  for (const op of whole.ops)
    if (
      (VARYING.has(op.kind) || SCALING.has(op.kind) || MOVING.has(op.kind)) &&
      op.inputs.every((value) => pictures.has(value))
    )
      pictures.add(op.output);
  const last = whole.ops.findLast(
    ({ kind, output }) => VARYING.has(kind) && pictures.has(output) && output.shape.length === 3,
  );
  if (!last) return undefined;
  const { ops, ...graph } = cut(whole, [last.output]);
  const used = new Set(ops.flatMap(({ parameters }) => parameters));
  // Those behind are of no use here. Each is drawn by its number, so those before stay.
  const parameters = whole.parameters.slice(0, 1 + whole.parameters.findLastIndex((one) => used.has(one)));
  return { graph: fuse({ ...graph, ops, parameters }), ops };
}

/** Numbers as bytes: as they were before they were prepared; undefined: from the least to the greatest. */
function pixelsOf(values: Float32Array, preprocessing: Preprocessing | undefined): Uint8Array<ArrayBuffer> {
  let { scale, offset } = preprocessing ?? { scale: 1 / 255, offset: 0 };
  if (!preprocessing) {
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (const value of values) {
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
    offset = least;
    scale = (greatest - least) / 255 || 1;
  }
  // A clamped array rounds, and keeps within 0 to 255.
  return new Uint8Array(Uint8ClampedArray.from(values, (value) => (value - offset) / scale).buffer);
}
