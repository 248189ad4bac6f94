import { elements } from "../../compiler/graph.ts";
import { isIsolated, type KernelThread, startThreadsBy, type ThreadTask } from "../../engine/platform/web.ts";
import { definitionOf } from "../../optim/definition-of.ts";
import { makeOptimizer } from "../../optim/optimizer.ts";
import type { Callbacks, TrainInfo } from "../../train/callbacks.ts";
import { Compiled } from "../../train/compiled.ts";
import type { CompiledOptions } from "../../train/compiled-options.ts";
import { requireFiniteWeights } from "../../train/finite.ts";
import {
  type KeptModel,
  type KeptState,
  keepModel,
  keepState,
  putModel,
  putState,
} from "../../train/keep-state.ts";
import type { Samples } from "../../train/samples.ts";
import { type Prepared, prepare, steps } from "../../train/steps.ts";
import { holdLock } from "../locks.ts";
import type { FitRequest, Handle, InitRequest, Note, Report, Requests, SentPart } from "../protocol.ts";
import type { EpochWeights } from "../types.ts";
import { type Answer, buffersOf, type Caller } from "./calls.ts";
import { imported } from "./extra.ts";
import { type Featuring, withFeatures } from "./frozen.ts";
import { Gate } from "./gate.ts";
import { scope } from "./scope.ts";

/** Milliseconds between reports of a batch: more often than this no eye can follow. */
const REPORT_MS = 50;

/** Samples, and their arrays as the page numbers them. */
interface Store {
  readonly samples: Samples;
  readonly arrays: readonly (Uint8Array | Float32Array)[];
}

/** Trains a model for a page. Its methods are the protocol's. */
export class TrainingHost {
  readonly #gate = new Gate();
  readonly #samples = new Map<Handle, Store>();
  /** Whom a kernel thread's failure is told. */
  readonly #threads = new Map<number, (error: Error) => void>();
  #model: Compiled | undefined;
  /** The last training. */
  #prepared: Prepared | undefined;
  /** What it trains on, where layers are frozen. */
  #featuring: Featuring | undefined;
  /** Rates of a schedule, which the page worked out. */
  #rates: FitRequest["rates"];

  async init({
    model: parts,
    kernels,
    options,
    optimizer,
    kept,
    ...given
  }: InitRequest): Promise<Requests["init"][1]> {
    startThreadsBy((task, onError) => this.#startThread(task, onError));
    const { name, options: settings, scheduled } = optimizer;
    const model = await Compiled.create(parts.graph, parts.loaded, {
      ...options,
      ...(given.modules.length > 0 ? await imported(given) : (given as Pick<CompiledOptions, "outputs">)),
      backend: kernels.backend,
      wasm: kernels.module,
      // The page has checked all options, and filled in the defaults.
      optimizer: makeOptimizer(definitionOf(name), {
        ...settings,
        ...(scheduled && { learningRate: (step: number) => this.#rate(step) }),
      } as Parameters<ReturnType<typeof definitionOf>["stateVectors"]>[0]),
    });
    this.#model = model;
    if (kept) putModel(model.session, kept);
    const { backend, threads } = model.session.engine;
    return { info: { backend, threads, crossOriginIsolated: isIsolated() }, lock: await holdLock() };
  }

  /** Room for samples that come in pieces. */
  allocate({ handle, count, shape, arrays: frames }: Requests["allocate"][0]): undefined {
    const samples: Record<string, unknown> = { count, shape };
    const arrays = frames.map(({ name, at, bytes, length }) => {
      const array = bytes ? new Uint8Array(length) : new Float32Array(length);
      if (at === undefined) samples[name] = array;
      else {
        samples[name] ??= [];
        (samples[name] as unknown[])[at] = array;
      }
      return array;
    });
    this.#samples.set(handle, { samples: samples as unknown as Samples, arrays });
  }

  note(note: Note): void {
    switch (note.note) {
      case "piece": {
        const array = this.#samples.get(note.handle)?.arrays[note.array];
        if (array) new Uint8Array(array.buffer).set(note.data, note.offset);
        break;
      }
      case "free":
        this.#samples.delete(note.handle);
        break;
      case "pause":
        this.#gate.pause();
        break;
      case "resume":
        this.#gate.resume();
        break;
      case "rate":
        this.model.session.optimizer.rate = note.rate;
        break;
      case "threadFailed":
        this.#threads.get(note.thread)?.(new Error(note.message));
    }
  }

  async fit(
    { train, validation, warnings, state, options, terminatesOnNaN, rates }: FitRequest,
    caller: Caller,
  ): Promise<Requests["fit"][1]> {
    this.#rates = rates;
    this.#gate.resume();
    try {
      const callbacks = { ...this.#callbacks(caller), terminatesOnNaN };
      const given = { ...options, callbacks, signal: caller.signal };
      const part = (sent: SentPart) => ({ ...sent, samples: this.#of(sent.samples, sent.weights) });
      const { session } = this.model;
      const division = { train: part(train), validation: validation && part(validation), warnings };
      this.#featuring = withFeatures?.(session, division);
      const prepared = prepare(session, this.#featuring?.division ?? division, given);
      if (state) putState(prepared, state);
      else requireFiniteWeights(session, "the training");
      this.#prepared = prepared;
      // The page's callbacks have a handle of its own.
      for await (const _ of steps(prepared, given, undefined as never));
      return prepared.place.history;
    } finally {
      this.#featuring?.forget();
      this.#gate.end();
    }
  }

  step(): number {
    return this.model.session.optimizer.step;
  }

  /** `within`: a callback asks that the training waits for. */
  state(within: boolean): Promise<Answer<KeptState>> {
    return this.#keep(() => keepState(this.#prepared!), !within);
  }

  kept(): Promise<Answer<KeptModel>> {
    return this.#keep(() => keepModel(this.model.session));
  }

  async #keep<T extends KeptModel>(keep: () => T, between?: boolean): Promise<Answer<T>> {
    const value = await this.#gate.run(keep, between);
    return { value, transfer: buffersOf([value.weights, ...value.optimizer.vectors].flat()) };
  }

  evaluate(
    { samples, weights, options }: Requests["evaluate"][0],
    { signal }: Caller,
  ): Promise<Requests["evaluate"][1]> {
    return this.#gate.run(() => this.model.evaluate(this.#of(samples, weights), { ...options, signal }));
  }

  async predict(
    { samples, options }: Requests["predict"][0],
    { signal }: Caller,
  ): Promise<Answer<Float32Array[]>> {
    const { shape } = this.model.session.graph.inputs[0]!;
    const given =
      typeof samples === "number"
        ? this.#of(samples)
        : { images: samples, shape, count: samples[0]!.length / elements(shape) };
    const outputs = await this.#gate.run(() => this.model.predict(given, { ...options, signal }));
    return { value: outputs, transfer: outputs.map(({ buffer }) => buffer as ArrayBuffer) };
  }

  /** `purpose`: what wants them, where they have to be finite. */
  async getWeights(purpose?: string): Promise<Answer<Requests["getWeights"][1]>> {
    const value = await this.#gate.run(() => {
      if (purpose) requireFiniteWeights(this.model.session, purpose);
      return this.model.getWeights();
    });
    return { value, transfer: buffersOf(value) };
  }

  setWeights(tensors: Requests["setWeights"][0]): Promise<undefined> {
    return this.#gate.run(() => {
      this.model.session.setWeights(tensors);
      this.#featuring?.forget();
    }) as Promise<undefined>;
  }

  activations(image: Requests["activations"][0]): Promise<Requests["activations"][1]> {
    return this.#gate.run(async () => this.model.activations(image));
  }

  get model(): Compiled {
    if (!this.#model) throw new Error("no model");
    return this.#model;
  }

  /** What fit calls: reports to the page, and gates for its requests. */
  #callbacks(caller: Caller): Callbacks {
    const gate = this.#gate;
    let train: TrainInfo;
    // The first batch is always told. The clock is no measure of that: a worker's begins when it starts, maybe just now.
    let reported = Number.NEGATIVE_INFINITY;
    /** Reports and waits for the page's callback; requests are served meanwhile. */
    const ask = async (report: Report, weights?: EpochWeights) => {
      gate.rest();
      await caller.ask(report, weights);
    };
    return {
      onWarning: (text) => ask({ callback: "onWarning", args: [text] }),
      onTrainBegin(info) {
        train = info;
        return ask({ callback: "onTrainBegin", args: [info] });
      },
      async onEpochBegin(epoch) {
        await ask({ callback: "onEpochBegin", args: [epoch] });
        await gate.pass(caller.signal);
      },
      onBatchEnd(info, logs) {
        const last = info.batch === train.stepsPerEpoch - 1;
        const now = performance.now();
        if (last || now - reported >= REPORT_MS) {
          reported = now;
          caller.report({ callback: "onBatchEnd", args: [info, logs] });
        }
        const passed = gate.pass(caller.signal);
        if (!last) return passed;
        // What follows is validation, in which no weight changes.
        return Promise.resolve(passed).then(() => gate.rest());
      },
      onEpochEnd: async (info, logs) => {
        const weights = { epoch: info.epoch, tensors: this.model.getWeights() };
        await ask({ callback: "onEpochEnd", args: [info, logs] }, weights);
        // Requests under way end before fit may put other weights in place: those of the best epoch.
        await gate.pass(caller.signal);
        gate.rest();
      },
      onTrainEnd: (history) => ask({ callback: "onTrainEnd", args: [history] }),
    };
  }

  /** The page starts kernel threads, and tells when one fails. */
  #startThread(task: ThreadTask, onError: (error: Error) => void): KernelThread {
    const thread = this.#threads.size;
    this.#threads.set(thread, onError);
    scope.postMessage({ thread, task });
    return { terminate: () => scope.postMessage({ endThread: thread }) };
  }

  #of(handle: Handle, weights?: Samples["weights"]): Samples {
    const samples = this.#samples.get(handle)?.samples;
    if (!samples) throw new Error("no samples");
    return { ...samples, weights };
  }

  #rate(step: number): number {
    const { firstStep, values } = this.#rates ?? { firstStep: 0, values: new Float64Array(1) };
    // After a training that diverged, steps count from 0 again.
    return values[Math.min(Math.max(step - firstStep, 0), values.length - 1)]!;
  }
}
