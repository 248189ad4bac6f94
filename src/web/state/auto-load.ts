import { effect } from "@preact/signals";
import { atHand, ensureDataset } from "./dataset.ts";
import { NUMBERS, numberProblem } from "./settings.ts";
import { settings } from "./setup.ts";
import { phase } from "./subject.ts";

/** Milliseconds that a number may be typed for. */
const PATIENCE = 300;

/** What costs no download is loaded as soon as it is chosen: its images show, and training starts at once. */
let timer: ReturnType<typeof setTimeout> | undefined;
let first = true;
effect(() => {
  const { dataset, images } = settings.value;
  clearTimeout(timer);
  if (phase.value !== "idle" || !atHand(dataset) || numberProblem(NUMBERS.images, images)) return;
  timer = setTimeout(() => void ensureDataset(dataset, images).catch(() => {}), first ? 0 : PATIENCE);
  first = false;
});
