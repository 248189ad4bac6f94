import type { Backend, EngineOptions } from "../engine/engine.ts";

/** What runs the kernels, as the command line asks for it. */
export interface EngineFlags {
  readonly backend: Backend | "auto";
  /** Default: all cores. */
  readonly threads?: number;
  /** Bytes. Default: what the engine has. */
  readonly maxMemory?: number;
}

/** The same as options of Model.compile(). */
export function engineOptions({ backend, threads, maxMemory }: EngineFlags): EngineOptions {
  return {
    backend,
    ...(threads !== undefined && { threads }),
    ...(maxMemory !== undefined && { maxMemory }),
  };
}
