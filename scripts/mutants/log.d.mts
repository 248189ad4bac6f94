import type { Mutant } from "./job.mjs";

export interface State {
  readonly source: string;
  readonly tests: string;
}
export interface Outcome extends Mutant, State {
  readonly group: string;
  readonly outcome: "killed" | "timeout" | "survived" | "invalid";
}
export function stateOf(root?: string): (mutant: Pick<Mutant, "file">) => State;
export function outcomesIn(lines: readonly string[]): {
  get(mutant: Mutant & State): Outcome | undefined;
};
