import type { OpKind, OpOf } from "../graph.ts";
import type { Planner } from "../planner.ts";

/** How one kind of op becomes kernel calls. */
export interface OpImplementation<K extends OpKind> {
  /** Emits the calls that compute op.output from op.inputs. */
  forward(planner: Planner, op: OpOf<K>): void;
  /** Emits the calls that compute the gradients of op.inputs and op.parameters from that of op.output. */
  backward(planner: Planner, op: OpOf<K>): void;
  /** Whether backward reads the input, or the output: then no other op may overwrite it. */
  readsInput(op: OpOf<K>): boolean;
  readsOutput(op: OpOf<K>): boolean;
}
