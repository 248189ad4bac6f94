import { checkOptions } from "../options/check.ts";
import type { DatasetInfo, Role } from "./dataset-info.ts";
import { DataError, reasonOf } from "./errors.ts";
import { concat } from "./gzip.ts";
import type { DownloadOptions, FetchLike } from "./load-options.ts";
import { DOWNLOAD } from "./options.ts";
import { maxDownloadBytes, verifyFile } from "./verify.ts";

export interface DownloadedFile {
  /** The file as it came, normally gzipped: what a cache should keep. */
  readonly raw: Uint8Array;
  /** Its unpacked, verified IDX bytes. */
  readonly idx: Uint8Array;
}

/** A mirror slower than this for as long is given up: a byte now and then would hold a program for ever. */
const LEAST_BYTES_A_SECOND = 4096;
const PACE_SECONDS = 30;

/** Once through all mirrors, then once more through those whose failure may pass. */
const ROUNDS = 2;

/** A failure that may be gone a second later: network errors, stalls, 408, 429, 5xx. */
class PassingError extends Error {}

/**
 * Downloads one file of a dataset from the first mirror that delivers it with the right checksum.
 * Nothing is stored; needs nothing but `fetch`, so it runs in browsers (with mirrors that send CORS headers).
 *
 * Throws DataError `download` with every mirror's reason; or the signal's reason if aborted.
 */
export async function downloadFile(
  info: DatasetInfo,
  role: Role,
  options: DownloadOptions = {},
): Promise<DownloadedFile> {
  checkOptions(DOWNLOAD, options);
  const mirrors = options.mirrors ?? info.mirrors.map((mirror) => mirror.url);
  return fromMirrors(info.title, info.files[role].name, mirrors, options, (url) =>
    downloadFrom(url, info, role, options),
  );
}

/**
 * What `get` makes of a file at the first mirror where it succeeds.
 * Throws DataError `download` with every mirror's reason; or the signal's reason if aborted.
 */
export async function fromMirrors<T>(
  title: string,
  name: string,
  all: readonly string[],
  { signal, retryDelayMs = 1_000 }: DownloadOptions,
  get: (url: string) => Promise<T>,
): Promise<T> {
  let mirrors = all;
  const failures: Error[] = [];
  for (let round = 0; round < ROUNDS && mirrors.length > 0; round++) {
    if (round > 0) await pause(retryDelayMs, signal);
    const again: string[] = [];
    for (const mirror of mirrors) {
      const url = `${mirror.replace(/\/*$/, "")}/${name}`;
      try {
        return await get(url);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof PassingError) again.push(mirror);
        const reason = reasonOf(error);
        failures.push(new Error(reason.startsWith(url) ? reason : `${url}: ${reason}`, { cause: error }));
      }
    }
    mirrors = again;
  }
  // Mirrors are tried twice: what went wrong the same way both times is said once.
  const messages = [...new Set(failures.map((failure) => failure.message))];
  const reasons = messages.map((message) => `\n  - ${message}`).join("") || " there is none to try.";
  throw new DataError("download", `${title}: no mirror delivered ${name}:${reasons}`, {
    cause: new AggregateError(failures),
  });
}

async function downloadFrom(
  url: string,
  info: DatasetInfo,
  role: Role,
  options: DownloadOptions,
): Promise<DownloadedFile> {
  const raw = await fetchCapped(url, info.files[role].name, maxDownloadBytes(info, role), options);
  const { idx, verified } = await verifyFile(info, role, raw, url);
  if (!verified)
    throw new Error("came unpacked, and only the .gz file's SHA-256 is known, so it can't be verified");
  return { raw, idx };
}

/** A file's bytes, no more than `maxBytes`. Throws Error, one that may pass among them; the signal's reason. */
export async function fetchCapped(
  url: string,
  file: string,
  maxBytes: number,
  options: DownloadOptions,
): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  const { onProgress } = options;
  const watch = watchdog(options.stallTimeoutMs ?? 30_000, options.signal);
  try {
    // The files are compressed already; coding them again would only hide their length. (Browsers ignore this.)
    const headers = { "accept-encoding": "identity" };
    const fetching: FetchLike = options.fetch ?? ((input, init) => fetch(input, init));
    const response = await watch.guard(fetching(url, { signal: watch.signal, headers }));
    if (!response.ok) throw httpError(response);
    const total = announcedBytes(response);
    if (total !== undefined && total > maxBytes) throw tooLarge(total, maxBytes);

    const chunks: Uint8Array[] = [];
    let received = 0;
    const report = () => onProgress?.({ file, received, ...(total === undefined ? {} : { total }) });
    report();
    const keepPace = pace();
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await watch.guard(reader.read());
      if (done) break;
      chunks.push(value);
      received += value.length;
      if (received > maxBytes) throw tooLarge(received, maxBytes);
      keepPace(value.length);
      report();
    }
    if (total !== undefined && received !== total) {
      throw new PassingError(`the body ended after ${received} of ${total} bytes`);
    }
    return concat(chunks, received);
  } finally {
    // Also ends the connection of a response that was not read to its end.
    watch.stop();
  }
}

/** Told of the bytes that come; throws PassingError at the end of a stretch of time in which there were too few. */
function pace(): (bytes: number) => void {
  let began = performance.now();
  let bytes = 0;
  return (more) => {
    bytes += more;
    const seconds = (performance.now() - began) / 1000;
    if (seconds < PACE_SECONDS) return;
    const rate = Math.floor(bytes / seconds);
    if (rate < LEAST_BYTES_A_SECOND)
      throw new PassingError(
        `too slow: ${rate} bytes a second for ${Math.round(seconds)} s, expected at least ${LEAST_BYTES_A_SECOND}`,
      );
    began = performance.now();
    bytes = 0;
  };
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** Awaits a step of the transfer; rejects on abort or when the step takes longer than the timeout. */
  guard<T>(step: Promise<T>): Promise<T>;
  stop(): void;
}

/** Raced, not only signalled, as an injected `fetch` need not heed its signal. */
function watchdog(stallTimeoutMs: number, outer: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  outer?.addEventListener("abort", onAbort, { once: true });
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason), { once: true });
  });
  ended.catch(() => {});
  return {
    signal: controller.signal,
    async guard(step) {
      const stalled = new PassingError(`stalled: nothing came for ${stallTimeoutMs} ms`);
      const timer = setTimeout(() => controller.abort(stalled), stallTimeoutMs);
      try {
        return await Promise.race([step, ended]);
      } catch (error) {
        // A step that loses the race may still fail later, which is then nobody's business.
        step.catch(() => {});
        if (controller.signal.aborted) throw controller.signal.reason;
        throw new PassingError(reasonOf(error), { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    stop() {
      outer?.removeEventListener("abort", onAbort);
      controller.abort(new Error("finished"));
    },
  };
}

function httpError({ status, statusText }: Response): Error {
  const message = `HTTP ${status} ${statusText}`.trim();
  return status >= 500 || status === 408 || status === 429 ? new PassingError(message) : new Error(message);
}

function tooLarge(bytes: number, maxBytes: number): Error {
  return new Error(`sends ${bytes} bytes or more; the file can't have more than ${maxBytes}`);
}

/** The body's length, unless the transfer is compressed: the header then counts other bytes than arrive. */
function announcedBytes(response: Response): number | undefined {
  const coding = response.headers.get("content-encoding");
  const length = response.headers.get("content-length");
  if (length === null || !/^\d+$/.test(length) || (coding !== null && coding !== "identity"))
    return undefined;
  return Number(length);
}

/** Throws the signal's reason if aborted meanwhile. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
