export interface Target {
  readonly name: string;
  readonly label: string;
  readonly quiet?: boolean;
  readonly inputs: readonly string[];
  readonly except?: (path: string) => boolean;
  readonly salt?: string;
  readonly folder?: string;
  readonly needs?: readonly string[];
  readonly build: (staging: string) => readonly [command: string, args: readonly string[]];
}

export class BuildError extends Error {}

export function bringUpToDate(options: {
  readonly root: string;
  readonly targets: readonly Target[];
  readonly goals: readonly string[];
  readonly say: (line: string) => void;
}): Promise<string[]>;
