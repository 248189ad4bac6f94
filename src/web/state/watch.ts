import type { Callbacks, Logs } from "../../train/callbacks.ts";
import { lookAtTestImages } from "./glance.ts";
import { announce } from "./notices.ts";
import { curve, curveVersion, epochs, phase, progress, type Subject, subject, weights } from "./subject.ts";

/** Milliseconds between two looks at the weights while training. */
const WEIGHTS_EVERY = 1000;

/** Turns what fit() reports into what the page shows. */
export function watch(current: Subject): Callbacks {
  let samples = 0;
  let last = 0;
  const show = (logs: Logs, epoch: number, seen: number, imagesPerSecond: number) => {
    progress.value = {
      epoch,
      epochs: last,
      seen,
      samples,
      imagesPerSecond,
      loss: logs.loss,
      accuracy: logs.accuracy ?? Number.NaN,
    };
  };
  return {
    onTrainBegin: (info) => {
      samples = info.samples;
      last = info.epochs;
    },
    onBatchEnd: (info, logs) => {
      if (subject.value?.trainer !== current.trainer) return;
      show(logs, info.epoch, info.seen, info.imagesPerSecond);
      curve.current.add(info, logs, samples);
      curveVersion.value++;
    },
    onEpochEnd: (info, logs) => {
      if (subject.value?.trainer !== current.trainer) return;
      show(logs, info.epoch, samples, info.imagesPerSecond);
      epochs.value = [...epochs.value, { ...info, ...logs }];
      curveVersion.value++;
      const accuracy = logs.val_accuracy ?? logs.accuracy;
      announce(
        `Epoch ${info.epoch + 1} of ${last}: ${logs.val_accuracy === undefined ? "" : "validation "}accuracy ${((accuracy ?? 0) * 100).toFixed(1)} %`,
      );
    },
  };
}

/** Fetches weights and some answers now and then, so that the model is seen to learn. Returns what ends it. */
export function watchWeights(current: Subject): () => void {
  let ended = false;
  let asked = false;
  const timer = setInterval(async () => {
    if (asked || phase.value !== "training" || document.hidden) return;
    asked = true;
    try {
      const tensors = await current.trainer.getWeights();
      if (!ended && subject.value?.trainer === current.trainer) weights.value = tensors;
      if (!ended) await lookAtTestImages(current);
    } catch {
      // fit() rejects as well then, and says why.
    } finally {
      asked = false;
    }
  }, WEIGHTS_EVERY);
  return () => {
    ended = true;
    clearInterval(timer);
  };
}
