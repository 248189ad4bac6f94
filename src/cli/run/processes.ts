import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** A process, so that others can tell whether it still runs. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When it took what it owns: ISO 8601. */
  readonly since: string;
  /** Tells apart two locks of one process. */
  readonly token: string;
  /** Linux only: the machine, as two can have one host name; its last start; the space that pid counts in; the process's start. */
  readonly machine?: string | undefined;
  readonly boot?: string | undefined;
  readonly space?: string | undefined;
  readonly started?: string | undefined;
}

/** What locks need to know of processes; tests bring their own. */
export interface Processes {
  self(): Owner;
  /** "unknown": it is on another machine or in another container. */
  look(owner: Owner): "runs" | "dead" | "unknown";
  wait(ms: number): Promise<void>;
  /** Has `work` done when this process ends by itself; the function returned takes that back. */
  atExit(work: () => void): () => void;
}

export const PROCESSES: Processes = {
  self: () => ({
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    token: randomUUID(),
    machine: text("/etc/machine-id"),
    boot: text("/proc/sys/kernel/random/boot_id"),
    space: link("/proc/self/ns/pid"),
    started: statusOf(process.pid)?.started,
  }),
  look: (owner) => judge(owner, PROCESSES.self(), processState),
  wait: async (ms) => {
    await sleep(ms);
  },
  atExit: (work) => {
    process.once("exit", work);
    return () => process.off("exit", work);
  },
};

/** What of the process of that number can be seen; undefined: there is none. */
export type ProcessState = { readonly ended: boolean; readonly started: string | undefined } | undefined;

/** Whether `owner` still runs, as far as `self`, who asks, can tell. */
export function judge(
  owner: Owner,
  self: Owner,
  stateOf: (pid: number) => ProcessState,
): "runs" | "dead" | "unknown" {
  const differs = (key: "machine" | "boot" | "space" | "started", other: string | undefined) =>
    owner[key] !== undefined && other !== undefined && owner[key] !== other;
  if (owner.host !== self.host || differs("machine", self.machine)) return "unknown";
  // The machine was started anew since. Without its id it may be another one of the same name.
  if (differs("boot", self.boot)) return owner.machine && self.machine ? "dead" : "unknown";
  if (differs("space", self.space)) return "unknown";
  const state = stateOf(owner.pid);
  // Another process may have got the number.
  return state === undefined || state.ended || differs("started", state.started) ? "dead" : "runs";
}

function processState(pid: number): ProcessState {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return undefined;
  }
  return statusOf(pid) ?? { ended: false, started: undefined };
}

/** From Linux's /proc; undefined elsewhere. */
function statusOf(
  pid: number,
): { readonly ended: boolean; readonly started: string | undefined } | undefined {
  const line = text(`/proc/${pid}/stat`);
  if (line === undefined) return undefined;
  // The program's name, in brackets, may hold brackets and spaces. After it: state, and as the 20th the start, in ticks.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  // A process whose parent has not asked for its exit status is there in name only.
  return { ended: fields[0] === "Z" || fields[0] === "X", started: fields[19] };
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
