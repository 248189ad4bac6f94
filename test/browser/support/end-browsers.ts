import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** A folder for this run's browsers: the profile of each, and while it runs a file called by its process, ID.pid. */
    browsers: string;
  }
}

const PROCESS = /^(\d+)\.pid$/;

/**
 * Ends the browsers that a run's tests have started. Their own process cannot: vitest gives it half a second, and then kills it; a
 * Firefox that is asked to close takes longer, and would stay.
 */
export default async function endBrowsers(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "wasmgrad-browsers-"));
  project.provide("browsers", folder);
  return async () => {
    const ids = (await readdir(folder)).flatMap((name) => PROCESS.exec(name)?.[1] ?? []).map(Number);
    for (const id of ids) killGroup(id);
    // They go a moment later, and write until then.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}

/** A browser leads a group of its processes. */
function killGroup(id: number): void {
  try {
    process.kill(-id, "SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
