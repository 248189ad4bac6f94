import { signal } from "@preact/signals";
import type { BenchmarkProgress } from "../../bench/types.ts";
import { WORKER_URL } from "../worker-url.ts";
import { announce, dismiss, fault } from "./notices.ts";

/** What is measured so far; undefined before the first start. */
export const benchmark = signal<BenchmarkProgress | undefined>(undefined);
export const benchmarking = signal(false);

let controller: AbortController | undefined;

/** Measures every build and number of threads in this browser, for some tens of seconds. */
export async function startBenchmark(): Promise<void> {
  if (benchmarking.value) return;
  benchmarking.value = true;
  benchmark.value = undefined;
  controller = new AbortController();
  dismiss("benchmark");
  announce("The benchmark runs");
  try {
    const { runBenchmark } = await import("../../bench/index.ts");
    await runBenchmark({
      workerUrl: WORKER_URL,
      signal: controller.signal,
      onProgress: (progress) => {
        benchmark.value = progress;
      },
    });
    announce("The benchmark has ended");
  } catch (error) {
    if (!controller.signal.aborted) fault("benchmark", error);
  } finally {
    benchmarking.value = false;
  }
}

/** After the measurement under way; what is measured stays. */
export function stopBenchmark(): void {
  controller?.abort();
}
