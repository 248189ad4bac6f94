import type { Job, Look, LookJob } from "./job.ts";

/** Reads images to `into`; or looks at them. Throws DataError, which names the file. */
export async function perform(job: Job | LookJob, into: Uint8Array): Promise<Look[] | undefined> {
  // Decoders are loaded by those that read pictures alone: threads of others start at once.
  if (job.kind === "rows") return void (await import("./read-rows.ts")).readRows(job, into);
  const { look, readPictures } = await import("./read-pictures.ts");
  if (job.kind === "look") return look(job);
  return void (await readPictures(job, into));
}
