import type { Dataset } from "../../data/types.ts";
import { type DataRequest, loadInWorker } from "../../data/web.ts";
import type { Answer, Caller } from "./calls.ts";

/** Milliseconds between reports of progress. */
const REPORT_MS = 50;

/** Loads datasets for a page. */
export class DataHost {
  async load(request: DataRequest, { signal, report }: Caller): Promise<Answer<Dataset>> {
    let reported = 0;
    const value = await loadInWorker(request, {
      signal,
      onNotice: (notice) => report({ notice }),
      onProgress(progress) {
        const now = performance.now();
        if (now - reported < REPORT_MS && progress.received !== progress.total && progress.received > 0)
          return;
        reported = now;
        report({ progress });
      },
    });
    const { train, test } = value;
    const buffers = [train.images, train.labels, test.images, test.labels].map(({ buffer }) => buffer);
    return { value, transfer: [...new Set(buffers)] as ArrayBuffer[] };
  }
}
