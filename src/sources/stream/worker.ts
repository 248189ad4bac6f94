// A thread that reads images: its script.
import { parentPort } from "node:worker_threads";
import { DataError } from "../../data/errors.ts";
import type { Failure, Job, Look, LookJob } from "./job.ts";
import { perform } from "./perform.ts";

const port = parentPort!;
port.on("message", async ({ id, job, into }: { id: number; job: Job | LookJob; into: Uint8Array }) => {
  let failure: Failure | undefined;
  let looks: Look[] | undefined;
  try {
    looks = await perform(job, into);
  } catch (error) {
    failure = {
      code: error instanceof DataError ? error.code : undefined,
      message: error instanceof Error ? error.message : String(error),
    };
  }
  port.postMessage({ id, failure, looks });
});
