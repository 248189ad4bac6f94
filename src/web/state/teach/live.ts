import { effect, signal, untracked } from "@preact/signals";
import { camera, frame } from "./camera.ts";
import { type Taught, taught } from "./learn.ts";
import type { Colours } from "./pictures.ts";

/** The picture that is asked about while the camera is off: the last one that was given. */
export const trial = signal<Colours | undefined>(undefined);

export interface Answer {
  readonly classNames: readonly string[];
  readonly outputs: Float32Array;
}

/** What is answered for what the camera sees, or for the picture. */
export const answer = signal<Answer | undefined>(undefined);

/** Counts questions: what is answered later than the next is asked, or when nothing is looked at any more, is not shown. */
let question = 0;

async function ask({ classNames, ...one }: Taught, picture: Colours): Promise<void> {
  const own = ++question;
  const outputs = await one.ask(picture).catch(() => undefined);
  if (own === question) answer.value = outputs && { classNames, outputs };
}

let watching = false;

/** Milliseconds from one question to the next: what trains needs the processor, too. */
const EVERY_MS = 60;

/** While the camera is on: one question after the other, each of what is seen then. */
async function watch(): Promise<void> {
  if (watching) return;
  watching = true;
  try {
    while (camera.value === "on") {
      const began = performance.now();
      const now = taught.value;
      const picture = now && frame();
      if (picture) await ask(now, picture);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS - (performance.now() - began)));
    }
  } finally {
    watching = false;
  }
}

effect(() => {
  const [now, picture] = [taught.value, trial.value];
  // A model that another has taken the place of answers no more.
  question++;
  if (camera.value === "on") {
    untracked(() => void watch());
    return;
  }
  untracked(() => {
    if (!now || !picture) answer.value = undefined;
    else void ask(now, picture);
  });
});
