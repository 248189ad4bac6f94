import { expect } from "vitest";
import type { Parameter } from "../../src/compiler/graph.ts";
import type { Samples } from "../../src/train/samples.ts";
import type { Session } from "../../src/train/session.ts";

/** Copies of the gradients, by parameter. */
export function gradientsOf(session: Session): (readonly [Parameter, Float32Array])[] {
  return [...session.gradients()].map(({ parameter, data }) => [parameter, data.slice()] as const);
}

/**
 * Holds every parameter's gradient, as the last step left it, to the slope of the loss along it. There the slope is the
 * gradient's length, and f32's rounding the smallest share of it. Layers that draw numbers draw those of that step.
 */
export function expectSlopes(session: Session, samples: Samples, rows: Uint32Array): void {
  const weights = new Map([...session.weights()].map(({ parameter, data }) => [parameter, data]));
  const { optimizer } = session;
  const step = optimizer.step - 1;
  for (const [parameter, gradient] of gradientsOf(session)) {
    const data = weights.get(parameter)!;
    const length = Math.hypot(...gradient);
    expect(length, parameter.name).toBeGreaterThan(1e-4);
    const before = data.slice();
    const at = (t: number) => {
      for (let k = 0; k < data.length; k++) data[k] = before[k]! + (t * gradient[k]!) / length;
      optimizer.step = step;
      return session.trainStep(samples, rows).loss;
    };
    const h = 2e-3;
    const slope = (8 * (at(h / 2) - at(-h / 2)) - (at(h) - at(-h))) / (6 * h);
    data.set(before);
    expect(Math.abs(slope - length) / length, `${parameter.name}: ${slope}, ${length}`).toBeLessThan(0.02);
  }
}
