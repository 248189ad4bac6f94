// dist/browser/worker.js: every role in one file, for pages that pass workerUrl. See scripts/build-browser.mjs.
import { serve } from "./calls.ts";
import { DataHost } from "./data.ts";
import { startAs } from "./start.ts";
import { runThread } from "./thread.ts";
import { TrainingHost } from "./training.ts";

startAs({
  trainer: () => serve(new TrainingHost()),
  data: () => serve(new DataHost()),
  thread: runThread,
});
