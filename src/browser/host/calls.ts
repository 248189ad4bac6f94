import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { toPlain } from "../errors.ts";
import type { Note, Report, ToWorker } from "../protocol.ts";
import type { EpochWeights } from "../types.ts";
import { scope } from "./scope.ts";

/** What a method knows of the call that it serves. */
export interface Caller {
  /** Aborted when the page aborts the call. */
  readonly signal: AbortSignal;
  /** Tells the page something. */
  report(report: Report): void;
  /** Tells the page something and waits until it is done with it. Throws where the page's callback did. */
  ask(report: Report, weights?: EpochWeights): Promise<void>;
}

/** A result with the buffers in it that are handed over, not copied. */
export interface Answer<T> {
  readonly value: T;
  readonly transfer: Transferable[];
}

/** A method of a role of the worker, named as in the protocol. */
type Served = (argument: unknown, caller: Caller) => unknown;

/** Serves a page's calls and notes for as long as the worker lives. `host`: the role's methods, by the protocol's names. */
export function serve(host: object & { note?(note: Note): void }): void {
  const aborts = new Map<number, AbortController>();
  const asked = new Map<number, { resolve(): void; reject(error: Error): void }>();
  let asks = 0;

  const callerOf = (id: number, signal: AbortSignal): Caller => ({
    signal,
    report: (report) => scope.postMessage({ id, report }),
    ask: (report, weights) =>
      new Promise((resolve, reject) => {
        const call = ++asks;
        asked.set(call, { resolve, reject });
        scope.postMessage({ id, report, call, ...(weights && { weights }) }, buffersOf(weights?.tensors));
      }),
  });

  const take = (note: Note) => {
    if (note.note === "abort") aborts.get(note.id)?.abort();
    else if (note.note === "called") {
      const waiting = asked.get(note.call);
      asked.delete(note.call);
      if (note.failed) waiting?.reject(new Error("callback"));
      else waiting?.resolve();
    } else host.note?.(note);
  };

  scope.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
    if ("note" in data) return take(data);
    if (!("method" in data)) return;
    const { id, method, argument } = data;
    const abort = new AbortController();
    aborts.set(id, abort);
    try {
      const served = (host as unknown as Record<string, Served>)[method]!;
      const result = await served.call(host, argument, callerOf(id, abort.signal));
      if (isAnswer(result)) scope.postMessage({ id, value: result.value }, result.transfer);
      else scope.postMessage({ id, value: result });
    } catch (error) {
      scope.postMessage({ id, error: toPlain(error) });
    } finally {
      aborts.delete(id);
    }
  };
}

/** The buffers of tensors of which nobody here has a use any more. */
export function buffersOf(tensors: readonly NamedTensor[] = []): ArrayBuffer[] {
  return tensors.map(({ data }) => data.buffer as ArrayBuffer);
}

function isAnswer(result: unknown): result is Answer<unknown> {
  return typeof result === "object" && result !== null && "transfer" in result && "value" in result;
}
