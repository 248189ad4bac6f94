import { InterruptedError } from "./errors.ts";
import { discardPendingWrites } from "./files.ts";

/** npm passes on the Ctrl-C that the terminal has sent already: two signals this close are one key press. */
const SAME_PRESS_MS = 500;

/**
 * Runs `work` with a signal that SIGINT (Ctrl-C) or SIGTERM aborts, with an InterruptedError as its reason.
 * A second one ends the process at once, with no half-written file left behind.
 *
 * @param onStop told of the first signal
 */
export async function withInterrupt<T>(
  onStop: (() => void) | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let stoppedAt: number | undefined;
  const handle = (name: "SIGINT" | "SIGTERM") => {
    const now = performance.now();
    const interrupted = new InterruptedError(name);
    if (stoppedAt === undefined) {
      stoppedAt = now;
      onStop?.();
      controller.abort(interrupted);
    } else if (now - stoppedAt > SAME_PRESS_MS) {
      discardPendingWrites();
      // Gives a terminal back its line wrapping, which a progress bar turns off.
      if (process.stderr.isTTY) process.stderr.write("\u001b[?7h\n");
      process.exit(interrupted.exitCode);
    }
  };
  process.on("SIGINT", handle).on("SIGTERM", handle);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", handle).off("SIGTERM", handle);
  }
}
