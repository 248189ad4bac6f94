import { elements, type OpOf } from "../graph.ts";
import type { OpImplementation, Planner } from "../planner.ts";
import { chunks, GRAIN } from "../tasks.ts";

/** Where each input lies in the rows of the output: what is before the axis, batch included, are rows. */
function parts(p: Planner, { inputs, output, attributes: { axis } }: OpOf<"concatenate">) {
  const rows = p.batch * elements(output.shape.slice(0, axis));
  const width = elements(output.shape.slice(axis));
  let at = 0;
  return inputs.map((value) => {
    const cols = elements(value.shape.slice(axis));
    const part = { value, rows, cols, width, at };
    at += cols;
    return part;
  });
}

/** Rows in one task. */
const grainOf = (cols: number) => Math.max(1, Math.floor(GRAIN / cols));

export const concatenate: OpImplementation<"concatenate"> = {
  readsInput: () => false,
  readsOutput: () => false,

  forward(p, op) {
    const out = p.value(op.output);
    for (const { value, rows, cols, width, at } of parts(p, op)) {
      const grain = grainOf(cols);
      p.call(
        "copyColumns",
        { out, x: p.value(value), rows, cols, outCols: width, at, xCols: cols, from: 0, grain },
        { tasks: chunks(rows, grain) },
      );
    }
  },

  backward(p, op) {
    const x = p.outputGradient(op);
    for (const { value, rows, cols, width, at } of parts(p, op)) {
      if (!p.needsGradient(value)) continue;
      const grain = grainOf(cols);
      p.call(
        "copyColumns",
        { out: p.gradient(value), x, rows, cols, outCols: cols, at: 0, xCols: width, from: at, grain },
        { tasks: chunks(rows, grain) },
      );
    }
  },
};
