import { InterruptedError, STOP_SIGNALS, type StopSignal } from "./errors.ts";

/** npm passes on the Ctrl-C that the terminal has sent already: two signals this close are one key press. */
const SAME_PRESS_MS = 500;

/**
 * Runs `work` with a signal that SIGINT (Ctrl-C), SIGTERM or SIGHUP (the terminal was closed) aborts, with an
 * InterruptedError as its reason. A second one ends the process at once, with no half-written file left behind; but not
 * SIGHUP, of which a shell and the system each send one, and which no one repeats out of impatience.
 *
 * @param onStop told of the first signal
 */
export async function withInterrupt<T>(
  onStop: (() => void) | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let stoppedAt: number | undefined;
  const handle = (name: StopSignal) => {
    const now = performance.now();
    const interrupted = new InterruptedError(name);
    if (stoppedAt === undefined) {
      stoppedAt = now;
      onStop?.();
      controller.abort(interrupted);
    } else if (name !== "SIGHUP" && now - stoppedAt > SAME_PRESS_MS) {
      // Gives a terminal back its line wrapping, which a progress bar turns off.
      if (process.stderr.isTTY) process.stderr.write("\u001b[?7h\n");
      process.exit(interrupted.exitCode);
    }
  };
  for (const name of STOP_SIGNALS) process.on(name, handle);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of STOP_SIGNALS) process.off(name, handle);
  }
}
