import { noteOneThread } from "#platform";
import { FURTHER_KINDS, isFrozen } from "../compiler/graph.ts";
import { loadKernels, requestedThreads } from "../engine/kernels.ts";
import type { WorkerPart } from "../engine/platform/web.ts";
import { adam, createOptimizer, type Optimizer, type OptimizerName } from "../optim/index.ts";
import { type Checked, checkOptions } from "../options/check.ts";
import { some, type TableOf, url } from "../options/kinds.ts";
import { show } from "../options/show.ts";
import type { NamedTensor } from "../safetensors/safetensors.ts";
import type { Callbacks, History } from "../train/callbacks.ts";
import type { SamplesTaker } from "../train/check-samples.ts";
import type { SetWeightsOptions, WeightsTaken } from "../train/check-weights.ts";
import { type LayerActivation, needsAllKernels } from "../train/compiled-options.ts";
import type { EvaluateOptions, Evaluation, PredictOptions } from "../train/evaluate.ts";
import type { FitOptions } from "../train/fit.ts";
import type { KeptModel } from "../train/keep-state.ts";
import { isModel, Model, type ModelParts, oneSample, type Predicted, unlisted } from "../train/model.ts";
import type { ModelMetadata } from "../train/model-entries.ts";
import { compileTable, EVALUATE, FIT, PREDICT } from "../train/options.ts";
import { type Asking, asSamples, fitAtSight, listed, type Pixels, type Samples } from "../train/samples.ts";
import { usualOutputs } from "../train/usual-outputs.ts";
import type { Part } from "../train/validation.ts";
import type { Begun } from "./begin.ts";
import type { Fitting, Made } from "./fitting.ts";
import type { FitRequest, Handle, InitRequest, Report, Requests } from "./protocol.ts";
import { SampleSender } from "./send-samples.ts";
import type { Outputs } from "./sent-outputs.ts";
import type { EpochWeights, Trainer, TrainerInfo, TrainerOptions, TrainerState } from "./types.ts";
import { WorkerClient } from "./worker-client.ts";

const TRAINER: Checked = {
  call: "createTrainer(model, *)",
  table: (): TableOf<TrainerOptions> => ({
    ...compileTable(),
    workerUrl: url,
    modules: some<readonly (string | URL)[]>(
      "a list of URLs",
      (value) => Array.isArray(value) && value.every(url.accepts),
      ["mine.js"],
    ),
  }),
};

/**
 * Starts a worker that trains the model, and compiles it there: the page's own thread stays free. Takes the options of
 * Model.compile(), and as there a model from loadModel() begins with the weights of its file.
 * Rejects with Error where the worker cannot be started, else as compile() does.
 */
export async function createTrainer(model: Model, options: TrainerOptions = {}): Promise<Trainer> {
  if (!isModel(model))
    throw new TypeError(`createTrainer: got ${show(model)}, expected a model such as sequential() gives`);
  checkOptions(TRAINER, options);
  const {
    workerUrl,
    optimizer = adam(),
    backend,
    wasm,
    threads,
    modules = [],
    loss: _,
    lossWeights: __,
    metrics: ___,
    seed = 1,
    ...rest
  } = options;
  const usual = modules.length === 0 && usualOutputs(model, options);
  const { outputs, sent, extra } = usual
    ? ({ outputs: usual, sent: { outputs: usual, modules: [] } } as Outputs)
    : (await import("./rarely.ts")).sentOutputs(model, options, TRAINER);
  const wanted = requestedThreads(threads);
  // Made again, which checks it: the worker takes its word for it. An update of a caller's own could not be sent.
  const made =
    typeof optimizer === "string"
      ? createOptimizer(optimizer)
      : createOptimizer(optimizer.name as OptimizerName, optimizer.options);
  const all = needsAllKernels(model.graph, made, outputs);
  const kernels = await loadKernels({ backend, wasm, all });
  const parts: WorkerPart[] = ["training"];
  if (all || extra) parts.unshift("extra");
  if (model.graph.ops.some(({ kind }) => (FURTHER_KINDS as readonly string[]).includes(kind)))
    parts.unshift("further");
  let trainer: WorkerTrainer | undefined;
  const start: Starts = async (model, kept) => {
    const own = model.graph.parameters.some(isFrozen) ? (["frozen", ...parts] as const) : parts;
    const client = await WorkerClient.start("trainer", own, { workerUrl }, () => trainer?.onEnd(client));
    try {
      const { info, lock } = await client.call("init", {
        model: model.parts(),
        kernels,
        options: { ...rest, seed, threads: wanted },
        ...sent,
        optimizer: sendable(made),
        kept,
      } satisfies InitRequest);
      client.watch(lock, "the training worker");
      return { client, info };
    } catch (error) {
      client.end(error as Error);
      throw error;
    }
  };
  const { client, info } = await start(model);
  const notice = info.threads < wanted ? { notice: noteOneThread(wanted) } : {};
  trainer = new WorkerTrainer(
    client,
    { ...info, ...notice },
    { model, outputs, optimizer: made, options },
    start,
  );
  return trainer;
}

/** Starts a worker that compiles the trainer's model. `kept`: what that goes on with. */
type Starts = (
  model: Model,
  kept?: KeptModel,
) => Promise<{ readonly client: WorkerClient; readonly info: Requests["init"][1]["info"] }>;

/** An optimizer's name and options; what changes with the step stays here: see ratesOf(). */
function sendable({ name: given, options }: Optimizer): InitRequest["optimizer"] {
  const name = given as OptimizerName;
  const { learningRate, ...others } = options;
  if (typeof learningRate === "number") return { name, options: { ...others, learningRate } };
  return { name, options: others, scheduled: true };
}

/** Samples that fit the model, as lists; a promise where that is not seen at once, which rejects with SamplesError, which names `taker`, where they do not. */
function checked(samples: Samples, model: Model, taker: SamplesTaker): Samples | Promise<Samples> {
  if (fitAtSight(samples, model, taker === "predict" || taker === "activations")) return samples;
  return import("./rarely.ts").then((rarely) => rarely.checked(samples, model, taker));
}

class WorkerTrainer implements Trainer {
  readonly info: TrainerInfo;
  readonly #made: Made;
  readonly #start: Starts;
  #client: WorkerClient;
  #samples: SampleSender;
  #state: TrainerState = "idle";
  #stop: AbortController | undefined;
  #lastWeights: EpochWeights | undefined;

  constructor(client: WorkerClient, info: TrainerInfo, made: Made, start: Starts) {
    this.info = info;
    this.#client = client;
    this.#samples = new SampleSender(client);
    this.#made = made;
    this.#start = start;
  }

  get model(): Model {
    return this.#made.model;
  }

  get state(): TrainerState {
    return this.#state;
  }

  get lastWeights(): EpochWeights | undefined {
    return this.#lastWeights;
  }

  async fit(samples: Samples, options: FitOptions = {}): Promise<History> {
    checkOptions(FIT, options);
    const { callbacks, signal, validationData, initialState, sampleWeight, classWeight, ...rest } = options;
    // Where all is well the state changes at once.
    const first = checked(samples, this.model, "fit");
    const given = first instanceof Promise ? await first : first;
    const other = validationData && checked(validationData as Samples, this.model, "validationData");
    const own = other instanceof Promise ? await other : other;
    const fitting: Fitting = {
      made: this.#made,
      samples: given,
      options: { ...options, validationData: own },
      callbacks: ([] as Callbacks[]).concat(callbacks ?? []),
    };
    const stop = this.#begin();
    const onAbort = () => this.stop();
    this.#change("training");
    try {
      if (signal?.aborted) stop.abort();
      signal?.addEventListener("abort", onAbort);
      const { train, validation, warnings, state } =
        initialState || own || rest.validationSplit || sampleWeight || classWeight || given.weights
          ? (await import("./rarely.ts")).begin(fitting)
          : ({ train: { samples: given, count: given.count }, warnings: [] } as unknown as Begun);
      const send = async (part: Part) => ({ ...part, samples: await this.#send(part.samples) });
      const request: FitRequest = {
        train: await send(train),
        validation: validation && (await send(validation)),
        warnings,
        state,
        options: rest,
        terminatesOnNaN: fitting.callbacks.some((callback) => callback.terminatesOnNaN),
        rates:
          typeof this.#made.optimizer.options.learningRate === "number"
            ? undefined
            : await (await import("./rarely.ts")).ratesOf(fitting, train.count, state, () =>
                this.#client.call("step", undefined),
              ),
      };
      this.#made.last = fitting;
      const history = this.#client.call("fit", request, {
        signal: stop.signal,
        onReport: (report, weights) => this.#report(report, fitting, weights),
      });
      // Paused while the samples were on their way.
      if (this.#state === "paused") this.#client.note({ note: "pause" });
      await history;
      // As callbacks left it.
      return fitting.history!;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#stop = undefined;
      this.#change("idle");
    }
  }

  async setTrainable(...change: [layers: string | readonly string[], trainable: boolean]): Promise<void> {
    this.#begin();
    try {
      const { retrained } = await import("./rarely.ts");
      const built = (parts: ModelParts) => new Model(parts);
      const { client, model } = await retrained(this.#made, this.#client, this.#start, built, ...change);
      const before = this.#client;
      this.#client = client;
      this.#samples = new SampleSender(client);
      Object.assign(this.#made, { model, last: undefined });
      before.leave();
    } finally {
      this.#stop = undefined;
    }
  }

  pause(): void {
    if (this.#state !== "training") return;
    this.#change("paused");
    this.#client.note({ note: "pause" });
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#change("training");
    this.#client.note({ note: "resume" });
  }

  stop(): void {
    this.#stop?.abort();
    this.resume();
  }

  async evaluate(samples: Samples, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkOptions(EVALUATE, options);
    const { signal, sampleWeight, ...rest } = options;
    const given = await checked(samples, this.model, "evaluate");
    const { weights } = sampleWeight
      ? (await import("./rarely.ts")).checked(samples, this.model, "evaluate", sampleWeight)
      : given;
    signal?.throwIfAborted();
    const handle = await this.#send(given);
    return abortable(
      signal,
      this.#client.call("evaluate", { samples: handle, weights, options: rest }, { signal }),
    );
  }

  predict(images: Asking, options?: PredictOptions): Promise<Float32Array>;
  predict<Outputs extends Float32Array[]>(images: Asking, options?: PredictOptions): Promise<Outputs>;
  async predict(images: Asking, options: PredictOptions = {}): Promise<Predicted> {
    checkOptions(PREDICT, options);
    const { signal, ...rest } = options;
    signal?.throwIfAborted();
    const asked = asSamples(images, this.model.inputs);
    const given = await checked(asked, this.model, "predict");
    const plain =
      asked === images ? undefined : listed(given.images).map((numbers) => numbers.slice() as typeof numbers);
    const samples = plain ?? (await this.#send(given));
    const transfer = plain?.map(({ buffer }) => buffer as ArrayBuffer) ?? [];
    return unlisted(
      await abortable(signal, this.#client.call("predict", { samples, options: rest }, { signal, transfer })),
    );
  }

  getWeights(): Promise<NamedTensor[]> {
    return this.#client.call("getWeights", undefined);
  }

  async setWeights(tensors: readonly NamedTensor[], options?: SetWeightsOptions): Promise<WeightsTaken> {
    return (await import("./rarely.ts")).setWeights(this.model, this.#client, tensors, options);
  }

  async weightsSha256(): Promise<string> {
    const { weightsSha256 } = await import("./rarely.ts");
    return weightsSha256(await this.getWeights());
  }

  async save(metadata: ModelMetadata = {}): Promise<Uint8Array<ArrayBuffer>> {
    return (await import("./rarely.ts")).saved(this.model, this.#client, metadata);
  }

  async activations(image: Samples["images"]): Promise<LayerActivation[]> {
    const { images } = await checked(oneSample(image, this.model.inputs), this.model, "activations");
    return this.#client.call(
      "activations",
      listed<Pixels>(images).map((numbers) => numbers.slice()),
    );
  }

  dispose(): void {
    this.#change("disposed");
    this.#client.end(new Error("the trainer was disposed: create another with createTrainer()"));
  }

  /** A worker ended. */
  onEnd(client: WorkerClient): void {
    if (client === this.#client) this.#change("failed");
  }

  /** Nothing else is trained or changed from here on, until #stop is undefined. */
  #begin(): AbortController {
    if (this.#stop) throw new Error("the model is training: wait until the fit() under way has ended");
    this.#stop = new AbortController();
    return this.#stop;
  }

  /** Samples' handle in the worker that is there when they are. */
  async #send(samples: Samples): Promise<Handle> {
    const sender = this.#samples;
    const handle = await sender.send(samples);
    return sender === this.#samples ? handle : this.#send(samples);
  }

  /** What has failed or was disposed of stays so. */
  #change(state: TrainerState): void {
    if (this.#state === "disposed" || (this.#state === "failed" && state !== "disposed")) return;
    this.#state = state;
  }

  async #report(report: Report, fitting: Fitting, weights?: EpochWeights): Promise<void> {
    if (weights) this.#lastWeights = weights;
    if (!("callback" in report)) return;
    const { callbacks } = fitting;
    if (report.callback === "onTrainEnd") fitting.history = report.args[0];
    if (report.callback === "onWarning" && !callbacks.some(({ onWarning }) => onWarning))
      console.warn(`wasmgrad: ${report.args[0]}`);
    if (callbacks.some((callback) => callback[report.callback])) {
      // Batches may come while it is being loaded.
      const { tell } = await import("./rarely.ts");
      await tell(report, { trainer: this, client: this.#client, fitting });
    }
  }
}

/** A call that was aborted rejects with the signal's own reason. */
async function abortable<T>(signal: AbortSignal | undefined, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
