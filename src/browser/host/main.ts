// The worker script. scripts/build-browser.mjs bundles it, with all it imports, into dist/browser/worker.js, and embeds
// the same text for the default blob: worker.
import type { ToWorker } from "../protocol.ts";
import { serve } from "./calls.ts";
import { DataHost } from "./data.ts";
import { scope } from "./scope.ts";
import { runThread } from "./thread.ts";
import { TrainingHost } from "./training.ts";

/** The first message says what this worker is to be. */
scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (!("role" in data)) return;
  if (data.role === "thread") void runThread(data);
  else if (data.role === "trainer") serve(new TrainingHost());
  else serve(new DataHost() as object);
};
