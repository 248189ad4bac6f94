import type { Trainer } from "../browser/types.ts";
import { createOptimizer, createTrainer, GENERATED, loadDataset, take } from "../browser.ts";
import { takeOfEach } from "../data/split.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { pictureTraits } from "../picture/centred.ts";
import type { BatchInfo, Callbacks, EpochInfo, Logs, TrainInfo } from "../train/callbacks.ts";
import type { Model } from "../train/model.ts";
import type { CompleteDetail, ReadyDetail } from "./events.ts";
import { buildModel, resolveSource } from "./model.ts";
import type { Settings } from "./settings.ts";

/** Whom a run tells what happens. Nothing comes after the run was given up. */
export interface RunListener {
  onLoading(text: string, share?: number): void;
  onNotice(text: string): void;
  onWarning(text: string): void;
  onReady(run: Run, detail: ReadyDetail): void;
  onBatch(run: Run, info: BatchInfo, logs: Logs): void;
  onEpoch(run: Run, info: EpochInfo, logs: Logs): void;
  onTesting(): void;
}

/** One training, from its data to its test accuracy, on a trainer of its own. */
export class Run {
  readonly settings: Settings;
  /** Whether the data are the page's own. */
  own = false;
  dataset: Dataset | undefined;
  model: Model | undefined;
  trainer: Trainer | undefined;
  train: TrainInfo | undefined;
  readonly #listener: RunListener;
  readonly #abort = new AbortController();

  constructor(settings: Settings, listener: RunListener) {
    this.settings = settings;
    this.#listener = listener;
  }

  /** Whether the run was given up: what it still waits for does not matter any more. */
  get over(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Resolves to what complete says; to undefined where stop() came before the first step. */
  async start(given: Dataset | undefined): Promise<CompleteDetail | undefined> {
    const { settings } = this;
    const { signal } = this.#abort;
    const [source, dataset] = await Promise.all([
      resolveSource(settings.model, signal),
      given ? plainData(given) : this.#load(signal),
    ]);
    if (this.over) return undefined;
    const { train, test } = settings;
    this.own = given !== undefined;
    // A page's own images may well be sorted by class.
    const some = this.own ? takeOfEach : take;
    const upTo = (wanted: number | undefined, set: ImageSet) =>
      wanted === undefined || wanted >= set.count ? set : some(set, wanted);
    this.dataset = { ...dataset, train: upTo(train, dataset.train), test: upTo(test, dataset.test) };
    const [height, width, channels] = dataset.train.shape;
    this.model = buildModel(source, { shape: [height, width, channels], classes: dataset.classNames.length });
    this.#listener.onLoading("Starting the engine");
    const { optimizer, learningRate, loss, seed, threads, backend, workerUrl } = settings;
    const trainer = await createTrainer(this.model, {
      optimizer: createOptimizer(optimizer, learningRate === undefined ? {} : { learningRate }),
      loss,
      metrics: ["accuracy"],
      seed,
      backend,
      ...(threads !== undefined && { threads }),
      ...(workerUrl !== undefined && { workerUrl: new URL(workerUrl, document.baseURI) }),
    });
    if (this.over) {
      trainer.dispose();
      return undefined;
    }
    this.trainer = trainer;
    return this.#fit(trainer, this.dataset);
  }

  /** Ends the run after the step under way; before the first one, at once. */
  stop(): void {
    if (this.train) this.trainer?.stop();
    else this.dispose();
  }

  /** Gives the run up and ends its workers. */
  dispose(): void {
    this.#abort.abort();
    this.trainer?.dispose();
  }

  /** The trained model as the bytes of a model.safetensors. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    const { name, classNames, train } = this.dataset!;
    return this.trainer!.save({
      classNames,
      dataset: name,
      loss: this.settings.loss,
      ...pictureTraits(train),
    });
  }

  async #load(signal: AbortSignal): Promise<Dataset> {
    const { dataset, train, test, workerUrl } = this.settings;
    this.#listener.onLoading(dataset === GENERATED ? "Drawing digits" : `Loading ${dataset}`);
    const loaded = await loadDataset(dataset, {
      signal,
      ...(train !== undefined && { train }),
      ...(test !== undefined && { test }),
      ...(workerUrl !== undefined && { workerUrl: new URL(workerUrl, document.baseURI) }),
      onNotice: (text) => {
        if (!this.over) this.#listener.onNotice(text);
      },
      onProgress: ({ file, received, total }) => {
        if (!this.over)
          this.#listener.onLoading(`Loading ${dataset}: ${file}`, total ? received / total : undefined);
      },
    });
    return loaded;
  }

  async #fit(trainer: Trainer, dataset: Dataset): Promise<CompleteDetail | undefined> {
    const { epochs, batchSize, validationSplit } = this.settings;
    const listener = this.#listener;
    const callbacks: Callbacks = {
      onTrainBegin: (info) => {
        if (this.over) return;
        this.train = info;
        listener.onReady(this, {
          info: trainer.info,
          parameters: trainer.model.countParams(),
          trainImages: info.samples,
          validationImages: info.validationSamples,
          testImages: dataset.test.count,
        });
      },
      onWarning: (text) => {
        if (!this.over) listener.onWarning(text);
      },
      onBatchEnd: (info, logs) => {
        if (!this.over) listener.onBatch(this, info, logs);
      },
      onEpochEnd: (info, logs) => {
        if (!this.over) listener.onEpoch(this, info, logs);
      },
    };
    const history = await trainer.fit(dataset.train, {
      epochs,
      batchSize,
      ...(validationSplit > 0 && {
        validationSplit,
        validationFrom: this.own ? ("stratified" as const) : ("last" as const),
        restoreBestWeights: "val_accuracy" as const,
      }),
      callbacks,
    });
    if (this.over) return undefined;
    listener.onTesting();
    const test = await trainer.evaluate(dataset.test);
    return this.over ? undefined : { history, test, stopped: history.stopped };
  }
}

/** A dataset of the page's own without what a framework wraps around its parts to see them change: no worker takes that. */
function plainData({ name, classNames, train, test }: Dataset): Dataset {
  const plain = ({ images, labels, count, shape }: ImageSet): ImageSet => ({
    images,
    labels,
    count,
    shape: [...shape] as unknown as ImageSet["shape"],
  });
  return { name, classNames: [...classNames], train: plain(train), test: plain(test) };
}
