import type { Backend, EngineOptions } from "../engine/engine.ts";

/** What runs the kernels, as the command line asks for it. */
export interface EngineFlags {
  readonly backend: Backend | "auto";
  /** Default: all cores. */
  readonly threads?: number;
}

/** The same as options of Sequential.compile(). */
export function engineOptions({ backend, threads }: EngineFlags): EngineOptions {
  return { backend, ...(threads !== undefined && { threads }) };
}
