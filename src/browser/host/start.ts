import type { ToWorker } from "../protocol.ts";
import { scope } from "./scope.ts";

/** What a worker does once it is told to be this. */
export type Start = (role: never) => void;

/** Waits for the first message, which says what this worker is to be. */
export function startAs(roles: Readonly<Record<string, Start>>): void {
  scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if ("role" in data) roles[data.role]?.(data as never);
  };
}
