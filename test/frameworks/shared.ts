// What the applications have in common: a model, a dataset of their own, and a record of what they were told.
import type { EpochDetail, ErrorDetail, TrainerElementState, TrainerProperties } from "wasmgrad/element";

export const MODEL = [
  { type: "flatten" },
  { type: "dense", units: 16, activation: "relu" },
  { type: "dense", units: 2, activation: "softmax" },
] satisfies TrainerProperties["model"];

/** Two classes of 4x4 images: bright on the left, and on the right. */
export const OWN: Exclude<TrainerProperties["data"], string> = {
  name: "halves",
  classNames: ["left", "right"],
  train: halves(64),
  test: halves(20),
};

function halves(count: number) {
  const images = Uint8Array.from({ length: 16 * count }, (_, i) =>
    i % 4 < 2 === (Math.floor(i / 16) % 2 === 0) ? 200 : 20,
  );
  const shape = [4, 4, 1] as const;
  return { images, labels: Uint8Array.from({ length: count }, (_, i) => i % 2), count, shape };
}

interface Told {
  readonly types: string[];
  readonly epochs: number[];
  readonly errors: string[];
}

declare global {
  interface Window {
    told: Told;
  }
}
window.told = { types: [], epochs: [], errors: [] };

export function saw(event: Event): void {
  window.told.types.push(event.type);
}

export function sawEpoch(event: CustomEvent<EpochDetail>): void {
  saw(event);
  window.told.epochs.push(event.detail.epoch);
}

export function sawError({ detail }: CustomEvent<ErrorDetail>): void {
  window.told.errors.push(detail.message);
}

/** What the button says of a trainer. */
export function label(state: TrainerElementState | undefined): string {
  return state === "done" ? "again" : "start";
}
