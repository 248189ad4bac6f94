import { readFileSync } from "node:fs";
import os from "node:os";

/** The machine, runtime and version of wasmgrad that numbers belong to. `load` tells whether others were using it. */
export function machine() {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return {
    wasmgrad: version,
    cpu: os.cpus()[0]?.model.trim() ?? os.arch(),
    vectors: vectors(),
    cores: os.availableParallelism(),
    os: `${os.type()} ${os.arch()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    load: Number(os.loadavg()[0].toFixed(2)),
  };
}

export function machineLine({ cpu, vectors, cores, os, node, date, load }) {
  return `${cpu}${vectors ? ` (${vectors})` : ""}, ${cores} cores, ${os}, Node ${node}, ${date}, load ${load} at the start`;
}

/** The widest vectors that native code finds: WebAssembly has 128 bits on all machines. */
function vectors() {
  try {
    const flags = readFileSync("/proc/cpuinfo", "utf8").match(/^flags\s*:(.*)$/m)?.[1] ?? "";
    return [
      ["avx512f", "AVX-512"],
      ["avx2", "AVX2"],
    ].find(([flag]) => flags.includes(` ${flag} `))?.[1];
  } catch {
    return undefined;
  }
}

/** Seconds of CPU time that all processes of the machine have used so far, on all its cores. */
export function machineCpuSeconds() {
  return os
    .cpus()
    .reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}
