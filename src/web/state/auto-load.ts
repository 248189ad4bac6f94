import { effect } from "@preact/signals";
import { cancelLoading, ensureDataset, isAtHand, isGenerated, loading } from "./dataset.ts";
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
  if (phase.value !== "idle" || numberProblem(NUMBERS.images, images)) return;
  const under = loading.peek();
  if (under && isGenerated(under.name) && under.name !== dataset) cancelLoading();
  const load = async () => {
    if ((await isAtHand(dataset)) && settings.value.dataset === dataset) await ensureDataset(dataset, images);
  };
  timer = setTimeout(() => void load().catch(() => {}), first ? 0 : PATIENCE);
  first = false;
});
