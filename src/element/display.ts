import type { Trainer } from "../browser/types.ts";
import { DATASETS, GENERATED } from "../browser.ts";
import { takeOfEach } from "../data/split.ts";
import type { Dataset } from "../data/types.ts";
import type { BatchInfo, EpochInfo, Logs } from "../train/callbacks.ts";
import type { Model } from "../train/model.ts";
import type { CompleteDetail, ReadyDetail } from "./events.ts";
import { buildModel } from "./model.ts";
import type { Settings } from "./settings.ts";
import { SHOWN } from "./strip.ts";
import { count, lossText, percent, type View } from "./view.ts";

/** Milliseconds between two drawings of the curves. */
const DRAW_EVERY = 100;

/** Points of an epoch's curve, at most: fewer images a point would be noise. */
const POINTS = 40;

/** Seen images of an epoch, and sums of their figures. */
interface Sums {
  readonly seen: number;
  readonly loss: number;
  readonly accuracy: number;
}
const NOTHING: Sums = { seen: 0, loss: 0, accuracy: 0 };

/** What a run has when its training begins. */
interface ReadyParts {
  readonly dataset: Dataset;
  readonly model: Model;
}

/** Puts the course of a training into the view's words, figures and curves. */
export class Display {
  readonly #view: View;
  readonly #settings: Settings;
  #ready: ReadyDetail | undefined;
  /** Where the last point of the curves ends: they show the mean since then, not the epoch's mean so far. */
  #last = NOTHING;
  #drawn = 0;
  #began = 0;

  constructor(view: View, settings: Settings) {
    this.#view = view;
    this.#settings = settings;
    view.clear(settings.epochs);
  }

  /** What the settings say, before anything is loaded. Throws ModelError where a model does not fit. */
  describe(data: Dataset | undefined, model?: Model): void {
    const { dataset, model: source, optimizer, batchSize, learningRate, seed } = this.#settings;
    const known = DATASETS[dataset];
    const title = data?.name ?? (dataset === GENERATED ? "Generated digits" : known?.title) ?? dataset;
    const shape = data?.train.shape ?? known?.shape ?? ([28, 28, 1] as const);
    const classes = (data ?? known)?.classNames.length ?? 10;
    const built = model ?? (source.kind === "url" ? undefined : buildModel(source, { shape, classes }));
    const name = source.kind === "name" ? source.name : (built?.name ?? "a model file");
    const size = built && `${plural(built.rows.length, "layer")} · ${count(built.countParams())} parameters`;
    this.#view.titles(title, size ? `${name} · ${size}` : name);
    const rate = learningRate === undefined ? "" : ` ${learningRate}`;
    const engine =
      this.#ready && `${this.#ready.info.backend} · ${plural(this.#ready.info.threads, "thread")} · `;
    this.#view.facts(`${engine ?? ""}${optimizer}${rate} · batch ${batchSize} · seed ${seed}`);
  }

  idle(): void {
    this.#view.progress(0, `${plural(this.#settings.epochs, "epoch")} to train`);
  }

  loading(text: string, share?: number): void {
    this.#view.progress(share, `${text} …`);
    this.#view.announce(`${text}.`);
  }

  /** @param data the page's own dataset, where it gave one */
  ready(detail: ReadyDetail, data: Dataset | undefined, { dataset, model }: ReadyParts): void {
    const { info } = detail;
    this.#ready = detail;
    this.#began = performance.now();
    this.describe(data, model);
    if (info.notice) this.#view.notice(info.notice);
    const { test, classNames } = dataset;
    this.#view.strip.show(data ? takeOfEach(test, Math.min(SHOWN, test.count)) : test, classNames);
    this.#view.progress(0, `Epoch 1 of ${this.#settings.epochs}`);
    this.#view.announce(`Training has started on ${plural(info.threads, "thread")}.`);
  }

  batch({ epoch, seen, imagesPerSecond }: BatchInfo, logs: Logs): void {
    const view = this.#view;
    const { epochs } = this.#settings;
    const images = this.#ready!.trainImages;
    const accuracy = logs.accuracy ?? Number.NaN;
    const sums: Sums = { seen, loss: logs.loss * seen, accuracy: accuracy * seen };
    const before = seen > this.#last.seen ? this.#last : NOTHING;
    const since = seen - before.seen;
    if (since >= images / POINTS) {
      const x = epoch + (seen + before.seen) / 2 / images;
      view.loss.addTraining({ x, y: (sums.loss - before.loss) / since });
      view.accuracy.addTraining({ x, y: (sums.accuracy - before.accuracy) / since });
      this.#last = sums;
    }
    if (seen === images) this.#last = NOTHING;
    const now = performance.now();
    if (now - this.#drawn < DRAW_EVERY && seen < images) return;
    this.#drawn = now;
    this.#draw();
    view.figure("accuracy", "Train accuracy", share(logs.accuracy));
    view.figure("loss", "Train loss", lossText(logs.loss));
    view.figure("speed", "Speed", `${count(imagesPerSecond)}/s`);
    const left = ((epochs - epoch) * images - seen) / imagesPerSecond;
    view.progress((epoch + seen / images) / epochs, `Epoch ${epoch + 1} of ${epochs}`, timeLeft(left));
  }

  epoch({ epoch }: EpochInfo, logs: Logs): void {
    const view = this.#view;
    const x = epoch + 1;
    if (logs.val_loss !== undefined) view.loss.addValidation({ x, y: logs.val_loss });
    if (logs.val_accuracy !== undefined) view.accuracy.addValidation({ x, y: logs.val_accuracy });
    this.#draw();
    const shown = share(logs.val_accuracy ?? logs.accuracy) ?? "";
    const words = logs.val_accuracy === undefined ? "accuracy" : "validation accuracy";
    const of = logs.val_loss === undefined ? "" : "validation ";
    view.accuracy.describe(of + shown);
    view.loss.describe(of + lossText(logs.val_loss ?? logs.loss));
    view.announce(`Epoch ${x} of ${this.#settings.epochs}: ${words} ${shown}.`);
  }

  testing(): void {
    this.#view.progress(1, "Testing …");
  }

  complete({ history, test, stopped }: CompleteDetail): void {
    const view = this.#view;
    const { epochs } = this.#settings;
    const done = history.epoch.length;
    const images = count(this.#ready!.testImages);
    const accuracy = share(test.accuracy, 2);
    view.figure("accuracy", "Test accuracy", accuracy);
    view.figure("loss", "Test loss", lossText(test.loss));
    view.figure("speed", "Speed", `${count(history.trainedSamples / history.trainSeconds)}/s`);
    const seconds = (performance.now() - this.#began) / 1000;
    view.progress(
      stopped ? history.trainedSamples / (epochs * this.#ready!.trainImages) : 1,
      `${stopped ? `Stopped after ${plural(done, "epoch")} of ${epochs}` : `${plural(done, "epoch")}`}, tested on ${images} images`,
      `${seconds < 10 ? seconds.toFixed(1) : count(seconds)} s in all`,
    );
    view.announce(`${stopped ? "Stopped" : "Done"}. Test accuracy ${accuracy} on ${images} images.`);
  }

  /** Asks what the test images in the view are taken for. Whatever fails here, the training will say. */
  async predict(trainer: Trainer): Promise<void> {
    const { strip } = this.#view;
    const { images } = strip;
    if (!images) return;
    try {
      const probabilities = await trainer.predict(images);
      if (strip.images === images) strip.predictions(probabilities);
    } catch {}
  }

  #draw(): void {
    this.#view.loss.draw();
    this.#view.accuracy.draw();
  }
}

const plural = (n: number, word: string) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const share = (value: number | undefined, digits?: number) =>
  value === undefined ? undefined : percent(value, digits);

function timeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.ceil(seconds)} s left`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
}
