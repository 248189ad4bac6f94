import { writeAtomic } from "../data/cache.ts";
import { createReport, type Reported, type ReportOptions } from "../train/report.ts";

/**
 * Node: createReport() into a file, with the folders that it needs. One that is there is replaced at once, or not at all.
 * Throws as createReport() does, before anything is written; the file system's error.
 */
export async function writeReport(path: string, reported: Reported, options: ReportOptions): Promise<void> {
  const html = await createReport(reported, options);
  await writeAtomic(path, new TextEncoder().encode(html));
}
