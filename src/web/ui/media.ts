import { type ReadonlySignal, signal } from "@preact/signals";

/** Whether a media query holds, as a signal. */
export function matches(query: string): ReadonlySignal<boolean> {
  const media = matchMedia(query);
  const value = signal(media.matches);
  media.addEventListener("change", () => {
    value.value = media.matches;
  });
  return value;
}
