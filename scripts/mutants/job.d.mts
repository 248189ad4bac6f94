export interface Mutant {
  readonly file: string;
  readonly first: number;
  readonly last: number;
  readonly line: number;
  readonly mutator: string;
  readonly replacement: string;
}
type Command = readonly [command: string, args: readonly string[]];
export interface Group {
  readonly build?: Command;
  readonly emit?: Command;
  readonly stages: readonly (readonly string[])[];
}
export class Job {
  check(group: Group): Promise<void>;
  try(group: Group, mutant: Mutant): Promise<"killed" | "timeout" | "survived" | "invalid">;
  end(): void;
}
