import type { Target } from "./run.d.mts";

export const root: string;
export const targets: readonly Target[];
export const GOALS: Readonly<Record<"wasm" | "cli" | "package" | "page", readonly string[]>>;
