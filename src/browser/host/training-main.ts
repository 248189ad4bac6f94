// Embedded for the blob: worker that trains, and its kernel threads. See scripts/build-browser.mjs.
import { serve } from "./calls.ts";
import { startAs } from "./start.ts";
import { runThread } from "./thread.ts";
import { TrainingHost } from "./training.ts";

startAs({ trainer: () => serve(new TrainingHost()), thread: runThread });
