import { oneOf, optional, text } from "../../options/kinds.ts";
import { nearest } from "../../options/names.ts";
import { show } from "../../options/show.ts";
import type { TrainInfo } from "../history.ts";

export type Mode = "auto" | "min" | "max";

/** Options of callbacks that watch a figure. */
export const MONITOR = {
  /** The figure to watch. Default "val_loss". */
  monitor: optional({ ...text, example: "val_loss" }, "val_loss"),
  /** Whether the figure is better smaller ("min") or larger ("max"). Default "auto": smaller where its name ends in loss or error. */
  mode: optional(oneOf<Mode>(["auto", "min", "max"]), "auto"),
};

/** 1 where the larger figure is the better one, else -1. */
export function direction(monitor: string, mode: Mode): 1 | -1 {
  return mode === "max" || (mode === "auto" && !/(loss|error)$/i.test(monitor)) ? 1 : -1;
}

/** Throws RangeError unless the training reports the figure. */
export function requireFigure(callback: string, monitor: string, { figures }: TrainInfo): void {
  if (figures.includes(monitor)) return;
  const near = nearest(monitor, figures);
  const advice = near
    ? `did you mean ${show(near)}?`
    : monitor.startsWith("val_")
      ? "give fit() validationSplit or validationData"
      : "ask for it in compile({ metrics })";
  throw new RangeError(
    `${callback}: monitor is ${show(monitor)}, but the training reports ${figures.join(", ")}: ${advice}`,
  );
}
