import type { PlanResult } from "./compile-plan.ts";

/** What a step tells of one output of the model: views of the engine's memory, good until the next step. */
export type OutputResult = PlanResult;

/** What a step on a batch tells. */
export interface StepResult {
  /** Mean loss over the batch; of several outputs the weighted sum; penalties of weights and activations included. What divergence is judged by. */
  readonly loss: number;
  /** By output of the model. */
  readonly outputs: readonly OutputResult[];
}
