import { PANEL, wholePanels } from "../../engine/abi.ts";

// How the products of convolutions with filters of one cell are shared out: see assembly/pointwise.ts. M outputs of all images, C
// channels, N columns. It follows from sizes alone, never from the number of threads.

/** Outputs in a task. */
const ROWS = 128;
/** Fewer outputs than that leave columns to share out, too. */
const FEW = 1024;

/** Columns in one of eight tasks, or fewer. */
const eighth = (N: number) => PANEL * Math.ceil(N / (8 * PANEL));

function blocks(M: number, N: number, rows: number, cols: number) {
  const parts = Math.ceil(M / rows);
  return { parts, block: { rows, cols }, tasks: parts * Math.ceil(N / cols) };
}

/** The tasks of the outputs, and of the input gradient. */
export const pointwiseBlocks = (M: number, N: number) =>
  blocks(M, N, ROWS, M < FEW ? eighth(N) : wholePanels(N));

/**
 * Those of the filter gradient: outputs are shared out into at most 16 parts, whose sums are added up, where outputs are many
 * beside the filter's numbers, else columns are. The parts take less than half of the memory of x and dy.
 */
export function pointwiseParts(M: number, C: number, N: number) {
  const rows = 64 * Math.ceil(Math.max(256, (2 * C * N) / (C + N), M / 16) / 64);
  return rows > M / 3 ? blocks(M, N, M, eighth(N)) : blocks(M, N, rows, wholePanels(N));
}
