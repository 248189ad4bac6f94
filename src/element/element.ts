import type { Trainer } from "../browser/types.ts";
import type { Dataset } from "../data/types.ts";
import type { History } from "../train/callbacks.ts";
import { Display } from "./display.ts";
import type { CompleteDetail, TrainerEventMap } from "./events.ts";
import { upgradeProperties, withProperties } from "./properties.ts";
import { Run } from "./run.ts";
import { ATTRIBUTES, checkData, readSettings, type Settings, spellings } from "./settings.ts";
import { type TrainerElementState, View } from "./view.ts";

/** Where there is no DOM (a server that renders pages), the module must load all the same. */
const Base = withProperties(globalThis.HTMLElement ?? (class {} as typeof HTMLElement));

/**
 * `<wasmgrad-trainer>`: trains a model in a worker, and shows how it goes. Attributes are those of ATTRIBUTES, and
 * `autostart`; each is a property, too, see TrainerProperties. What is changed while it trains, or when it is done,
 * applies at the next start().
 *
 * Events: `ready`, `progress`, `epoch`, `complete`, `warning`, `error`; see TrainerEventMap.
 */
export class WasmgradTrainer extends Base {
  static readonly observedAttributes: readonly string[] = ATTRIBUTES.flatMap(spellings);

  #view: View | undefined;
  #state: TrainerElementState = "idle";
  #run: Run | undefined;
  #data: Dataset | undefined;
  /** Settings have changed since they were last read. */
  #changed = false;
  #history = emptyHistory();

  get state(): TrainerElementState {
    return this.#state;
  }

  /** What trains now, or trained last: to predict with, to read weights from; its `model` is what was built. undefined before a start(). */
  get trainer(): Trainer | undefined {
    return this.#run?.trainer;
  }

  /** Figures of the finished epochs, one number an epoch. */
  get history(): History["history"] {
    return this.#history;
  }

  override get data(): string | Dataset {
    return this.#data ?? super.data;
  }

  override set data(data: string | Dataset) {
    if (typeof data === "object" && data !== null) {
      this.#data = data;
      this.#settingsChanged();
      return;
    }
    if (this.#data) this.#settingsChanged();
    this.#data = undefined;
    super.data = data;
  }

  connectedCallback(): void {
    if (!this.#view) {
      const view = new View(this.attachShadow({ mode: "open" }));
      view.primary.addEventListener("click", () => this.#press());
      view.stop.addEventListener("click", () => this.stop());
      view.save.addEventListener("click", () => void this.#save());
      this.#view = view;
    }
    // Moved, not taken out: what runs goes on.
    if (this.#run) return;
    upgradeProperties(this);
    this.#reset();
    // A framework may have more to set.
    queueMicrotask(() => {
      if (!this.isConnected || this.#run) return;
      this.#applyChanges();
      if (this.autostart && this.#state === "idle") this.start().catch(() => {});
    });
  }

  disconnectedCallback(): void {
    // An element that is moved is connected again before this comes.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#run?.dispose();
      this.#run = undefined;
      this.#state = "idle";
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (spellings("data").includes(name)) this.#data = undefined;
    this.#settingsChanged();
  }

  /**
   * Trains from the beginning, as the attributes say now. Resolves to what `complete` says, or to undefined where it was
   * stopped before the first step or taken out of the page. Rejects with the error of the `error` event, and where a
   * training is under way.
   */
  async start(): Promise<CompleteDetail | undefined> {
    const view = this.#view;
    if (!view || !this.isConnected)
      throw new Error("<wasmgrad-trainer> is not in a document: append it, then start()");
    if (this.#busy) throw new Error("a training is under way: stop() it, or wait for its `complete` event");
    this.#forget();
    let run: Run | undefined;
    try {
      const settings = this.#settings();
      const display = new Display(view, settings);
      display.describe(this.#data);
      this.#setState("loading");
      run = this.#newRun(settings, display);
      this.#run = run;
      const detail = await run.start(this.#data);
      if (this.#run !== run) return undefined;
      if (detail) this.#complete(run, display, detail);
      else this.#reset();
      return detail;
    } catch (error) {
      if (run && this.#run !== run) return undefined;
      if (run?.over) {
        this.#reset();
        return undefined;
      }
      throw this.#fail(error as Error, !run);
    }
  }

  /** Sleeps after the step under way. Does nothing unless it trains. */
  pause(): void {
    if (this.#state !== "training") return;
    this.trainer!.pause();
    this.#setState("paused");
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.trainer!.resume();
    this.#setState("training");
  }

  /** Ends training after the step under way; what was learned is tested, and `complete` follows. */
  stop(): void {
    if (this.#busy) this.#run!.stop();
  }

  get #busy(): boolean {
    return this.#state !== "idle" && this.#state !== "done" && this.#state !== "error";
  }

  #press(): void {
    if (this.#state === "training") this.pause();
    else if (this.#state === "paused") this.resume();
    else if (!this.#busy) this.start().catch(() => {});
  }

  #settings(): Settings {
    this.#changed = false;
    if (this.#data) checkData(this.#data);
    return readSettings((name) => this.getAttribute(name));
  }

  #setState(state: TrainerElementState, words?: string): void {
    this.#state = state;
    this.#view!.state(state, words);
  }

  /** Settings come in groups, a framework's one by one: what they say together is what counts. */
  #settingsChanged(): void {
    if (this.#changed || !this.#view || !this.isConnected) return;
    this.#changed = true;
    queueMicrotask(() => this.#applyChanges());
  }

  #applyChanges(): void {
    if (!this.#changed || !this.isConnected) return;
    this.#changed = false;
    if (this.#busy || this.#state === "done")
      this.#view!.notice("Settings have changed: they apply at the next start.");
    else this.#reset();
  }

  /** Ends the last run's workers, and clears what it said. */
  #forget(): void {
    this.#run?.dispose();
    this.#run = undefined;
    this.#history = emptyHistory();
    this.#view!.error(undefined);
    this.#view!.notice(undefined);
    this.#view!.strip.show(undefined, []);
  }

  /** Shows what the attributes say, before anything is loaded. */
  #reset(): void {
    this.#forget();
    try {
      const display = new Display(this.#view!, this.#settings());
      display.describe(this.#data);
      display.idle();
      this.#setState("idle");
    } catch (error) {
      this.#fail(error as Error, true);
    }
  }

  #newRun(settings: Settings, display: Display): Run {
    const { epochs } = settings;
    const data = this.#data;
    return new Run(settings, {
      onLoading: (text, share) => display.loading(text, share),
      onNotice: (text) => this.#view!.notice(text),
      onWarning: (message) => {
        this.#view!.notice(message);
        this.#emit("warning", { message });
      },
      onReady: ({ dataset, model }, detail) => {
        display.ready(detail, data, { dataset: dataset!, model: model! });
        this.#setState("training");
        this.#emit("ready", detail);
      },
      onBatch: (run, info, logs) => {
        display.batch(info, logs);
        this.#emit("progress", { ...info, ...logs, epochs, images: run.train!.samples });
      },
      onEpoch: (run, info, logs) => {
        for (const [name, value] of Object.entries(logs)) {
          this.#history[name] ??= [];
          this.#history[name].push(value);
        }
        display.epoch(info, logs);
        void display.predict(run.trainer!);
        this.#emit("epoch", { ...info, ...logs, epochs });
      },
      onTesting: () => {
        this.#setState("testing");
        display.testing();
      },
    });
  }

  #complete(run: Run, display: Display, detail: CompleteDetail): void {
    this.#setState("done", detail.stopped ? "Stopped" : "Done");
    display.complete(detail);
    void display.predict(run.trainer!);
    this.#emit("complete", detail);
  }

  /** Shows the error, tells listeners, and returns it. `blank`: the settings are wrong, there is nothing else to show. */
  #fail(error: Error, blank = false): Error {
    this.#setState("error");
    this.#view!.error(error.message, blank);
    this.#view!.progress(0, "");
    this.#emit("error", { error, message: error.message });
    return error;
  }

  async #save(): Promise<void> {
    const run = this.#run;
    if (!run?.trainer) return;
    try {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([await run.save()], { type: "application/octet-stream" }));
      link.download = `${`${run.dataset!.name}-${run.model!.name}`.replace(/[^\w.-]+/g, "-")}.safetensors`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    } catch (error) {
      this.#view!.error(`The model can't be saved: ${(error as Error).message}`);
    }
  }

  #emit<K extends keyof TrainerEventMap>(type: K, detail: TrainerEventMap[K]["detail"]): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

function emptyHistory(): History["history"] {
  return { loss: [], accuracy: [], val_loss: [], val_accuracy: [] };
}
