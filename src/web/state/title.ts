import { effect } from "@preact/signals";
import { percent } from "../ui/format.ts";
import { phase, progress } from "./subject.ts";

const TITLE = document.title;

/** How far training is, for those who are in another tab. */
effect(() => {
  const now = progress.value;
  const title =
    now && (phase.value === "training" || phase.value === "paused")
      ? `${phase.value === "paused" ? "Paused, epoch" : "Epoch"} ${now.epoch + 1}/${now.epochs}, ${percent(now.accuracy)} · wasmgrad`
      : TITLE;
  if (document.title !== title) document.title = title;
});
