import type { Page } from "puppeteer-core";

/** What browsers call a long task. */
export const LONG_TASK_MS = 50;

/** Name of the mark by which a page's process is known: the browser has pages of its own, which work in others. */
const MARK = "the page that is looked at";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of the processor. */
  readonly tdur?: number;
}

/**
 * Milliseconds that each task of the thread of a page in Chromium worked while `work` ran, longest first. Time on the
 * processor, not on the clock as in the browser's own records of long tasks: on a machine that is busy any task waits for
 * its turn, and that says nothing of the page.
 */
export async function taskTimes(page: Page, work: () => Promise<unknown>): Promise<number[]> {
  await page.tracing.start({ categories: ["disabled-by-default-devtools.timeline", "blink.user_timing"] });
  await page.evaluate((mark) => void performance.mark(mark), MARK);
  await work();
  // What answers is still in its task: one task more, and it is in the trace.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await page.tracing.stop())) as {
    traceEvents: TraceEvent[];
  };
  const mark = traceEvents.find(({ name }) => name === MARK);
  if (!mark) throw new Error("the page's mark is not in the trace");
  return traceEvents
    .filter(({ name, pid, tid }) => name === "RunTask" && pid === mark.pid && tid === mark.tid)
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a);
}
