import { pagePlatform } from "../browser/run.ts";
import type { Trainer } from "../browser/types.ts";
import { GENERATED, type RunResult } from "../browser.ts";
import type { Dataset, ImageSet } from "../data/types.ts";
import { runOn } from "../run/run.ts";
import type { ReadyRun } from "../run/types.ts";
import type { BatchInfo, EpochInfo, History, Logs, TrainInfo } from "../train/callbacks.ts";
import type { Model } from "../train/model.ts";
import type { CompleteDetail, ReadyDetail } from "./events.ts";
import { runOptions, type Settings } from "./settings.ts";

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
  train: TrainInfo | undefined;
  readonly #listener: RunListener;
  readonly #stop = new AbortController();
  #ready: ReadyRun<Trainer> | undefined;
  #over = false;

  constructor(settings: Settings, listener: RunListener) {
    this.settings = settings;
    this.#listener = listener;
  }

  /** Whether the run was given up: what it still waits for does not matter any more. */
  get over(): boolean {
    return this.#over;
  }

  get dataset(): Dataset | undefined {
    return this.#ready?.dataset;
  }

  get model(): Model | undefined {
    return this.trainer?.model;
  }

  get trainer(): Trainer | undefined {
    return this.#ready?.learner;
  }

  /** Resolves to what complete says; to undefined where stop() came before the first step. */
  async start(given: Dataset | undefined): Promise<CompleteDetail | undefined> {
    const listener = this.#listener;
    const { dataset, workerUrl } = this.settings;
    const { signal } = this.#stop;
    /** Nobody is told of a run that was given up. */
    const told = <A extends unknown[]>(tell: (...what: A) => void) => {
      return (...what: A) => {
        if (!this.#over) tell(...what);
      };
    };
    const url = workerUrl === undefined ? undefined : new URL(workerUrl, document.baseURI);
    try {
      const { ended, failure, test, result } = await runOn(
        pagePlatform(url),
        runOptions(this.settings, given !== undefined),
        {
          signal,
          dataset: given && plainData(given),
          onLoading: told((what, share) =>
            listener.onLoading(dataset === GENERATED ? "Drawing digits" : `Loading ${what}`, share),
          ),
          onNotice: told((text) => listener.onNotice(text)),
          onBuilt: told(() => listener.onLoading("Starting the engine")),
          onReady: (ready) => {
            this.#ready = ready;
          },
          callbacks: {
            onWarning: told((text) => listener.onWarning(text)),
            onTrainBegin: told((info) => this.#begin(info)),
            onBatchEnd: told((info, logs) => listener.onBatch(this, info, logs)),
            onEpochEnd: told((info, logs) => listener.onEpoch(this, info, logs)),
          },
          onTrained: told(({ ended }) => {
            if (!(ended instanceof Error)) listener.onTesting();
          }),
        },
      );
      if (failure) throw failure;
      return this.#over ? undefined : detailOf(ended as History, test!, result);
    } catch (error) {
      if (error !== signal.reason) throw error;
      this.dispose();
      return undefined;
    }
  }

  /** Ends the run after the step under way; before the first one, at once. */
  stop(): void {
    this.#stop.abort();
  }

  /** Gives the run up and ends its workers. */
  dispose(): void {
    this.#over = true;
    this.#stop.abort();
    this.trainer?.dispose();
  }

  /** The trained model as the bytes of a model.safetensors. */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.trainer!.save(this.#ready!.metadata);
  }

  #begin(info: TrainInfo): void {
    const { dataset, learner } = this.#ready!;
    this.train = info;
    this.#listener.onReady(this, {
      info: learner.info,
      parameters: learner.model.countParams(),
      trainImages: info.samples,
      validationImages: info.validationSamples,
      testImages: dataset.test.count,
    });
  }
}

function detailOf(
  history: History,
  { loss, accuracy }: { readonly loss: number; readonly accuracy?: number },
  result: RunResult,
): CompleteDetail {
  const test = { loss, ...(accuracy !== undefined && { accuracy }) };
  return { history, test, stopped: history.stopped, result };
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
