// Embedded for the blob: worker that loads datasets. See scripts/build-browser.mjs.
import { serve } from "./calls.ts";
import { DataHost } from "./data.ts";
import { startAs } from "./start.ts";

startAs({ data: () => serve(new DataHost()) });
