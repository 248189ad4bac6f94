// Fills of parameters that few models have, loaded where there is one: see browser/host/given.ts.
import { DRAW_SCRATCH } from "../engine/abi.ts";
import type { Engine } from "../engine/engine.ts";
import { ModelError } from "./errors.ts";
import type { Parameter } from "./graph.ts";
import type { FurtherFill } from "./initializers.ts";

/** What draws are made from: see assembly/random.ts. */
export interface Draws {
  readonly out: number;
  readonly n: number;
  readonly key0: number;
  readonly key1: number;
  readonly step: number;
  readonly stream: number;
  readonly grain: number;
}

/** Fills a parameter of n numbers at `draws.out`. Throws ModelError on a shape that the initializer is not for. */
export function fillFurther(
  engine: Engine,
  fill: FurtherFill,
  { name, shape }: Parameter,
  draws: Draws,
): void {
  const { out, n, grain } = draws;
  const tasks = Math.ceil(n / grain);
  const { initializer } = fill;
  const { type } = initializer;
  if (type === "randomUniform") {
    const { minValue: low = -0.05, maxValue: high = 0.05 } = initializer;
    engine.call("randomUniform", { ...draws, low, high }, tasks, DRAW_SCRATCH);
    return;
  }
  if (type === "randomNormal" || type === "truncatedNormal") {
    const { mean = 0, stddev = 0.05 } = initializer;
    const truncated = Number(type === "truncatedNormal");
    engine.call("randomNormal", { ...draws, mean, stddev, truncated }, tasks, DRAW_SCRATCH);
    return;
  }
  const { gain = 1 } = initializer;
  const refuse = (expected: string) => {
    const at = name.lastIndexOf("/");
    return new ModelError(
      `${name.slice(at + 1)} of shape [${shape.join(", ")}] cannot start as ${type}: ${expected}`,
      name.slice(0, at),
    );
  };
  const cols = shape.at(-1)!;
  if (type === "identity") {
    if (shape.length !== 2) throw refuse("expected two axes, as a dense kernel has");
    const data = engine.f32(out, n).fill(0);
    for (let i = 0; i < Math.min(cols, shape[0]!); i++) data[i * cols + i] = gain;
    return;
  }
  if (shape.length < 2) throw refuse("expected two axes or more, as kernels have");
  engine.call("randomNormal", { ...draws, mean: 0, stddev: 1, truncated: 0 }, tasks, DRAW_SCRATCH);
  orthogonalize(engine, out, n / cols, cols, gain);
}

/**
 * Makes the columns of [rows, cols], or the rows where there are fewer, orthogonal and of length gain: by Gram and Schmidt's steps,
 * each twice, in double precision by + - * / and a square root that rounds correctly, so that all machines agree. Signs are those of a
 * decomposition whose diagonal is positive, as in Keras (Saxe et al. 2014).
 */
function orthogonalize(engine: Engine, out: number, rows: number, cols: number, gain: number): void {
  const data = engine.f32(out, rows * cols);
  const [count, length] = rows < cols ? [rows, cols] : [cols, rows];
  const at = (vector: number, i: number) => (rows < cols ? vector * cols + i : i * cols + vector);
  const vectors = Array.from({ length: count }, (_, k) =>
    Float64Array.from({ length }, (_, i) => data[at(k, i)]!),
  );
  vectors.forEach((vector, k) => {
    for (let pass = 0; pass < 2; pass++)
      for (const other of vectors.slice(0, k)) {
        let product = 0;
        for (let i = 0; i < length; i++) product += vector[i]! * other[i]!;
        for (let i = 0; i < length; i++) vector[i]! -= product * other[i]!;
      }
    let squares = 0;
    for (const x of vector) squares += x * x;
    const norm = engine.squareRoot(squares);
    for (let i = 0; i < length; i++) {
      vector[i]! /= norm;
      data[at(k, i)] = gain * vector[i]!;
    }
  });
}
