// What errors of the engine say. Pages that train load it when there is one: see src/browser/in-words.ts.

/** 1536 as "1.5 KiB"; 4e16, which is no size of anything, as "4.0e+16 bytes". */
export function formatBytes(bytes: number): string {
  if (bytes >= 2 ** 50) return `${bytes.toExponential(1)} bytes`;
  const unit = Math.floor(Math.log2(Math.max(1, bytes)) / 10);
  const size = bytes / 2 ** (10 * unit);
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${["bytes", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}

const SMALLER = "use a smaller batch or model";

/** All arguments are such that JSON holds them. */
export const engineWords = {
  overLimit(what: string, needed: number, limit: number): string {
    return `${what} takes ${formatBytes(needed)} of memory, more than the ${formatBytes(limit)} that it may have`;
  },

  beyondReach(most: number): string {
    return `${SMALLER}; WebAssembly reaches no more than ${formatBytes(most)}`;
  },

  /** What to do where `line` would allow as much memory as is needed. */
  allowing(line: string): string {
    return `${SMALLER}, or allow more: ${line}`;
  },

  smallerOr(way: string): string {
    return `${SMALLER}, or ${way}`;
  },

  addressesRefused(): string {
    return "the system refuses a WebAssembly memory its addresses";
  },

  /** `given`: how much the system gives. */
  refusal(what: string, needed: number, limit: number, given: string): string {
    return `${what} takes ${formatBytes(needed)} of memory and may have ${formatBytes(limit)}, but the system gives ${given}`;
  },

  addressesOnly(bytes: number): string {
    return `addresses for ${formatBytes(bytes)} only`;
  },

  noMoreThan(bytes: number): string {
    return `no more than ${formatBytes(bytes)}`;
  },

  moreAddresses(advice: string): string {
    return `get more addresses: ${advice}`;
  },

  endOthers(): string {
    return "end other programs that take memory";
  },

  /** `message`: what it threw, where it threw. */
  threadFailed(message: string | null): string {
    return message === null
      ? "a kernel thread failed or made no progress for a minute; compile the model again to go on"
      : `a kernel thread failed: ${message}`;
  },
};
