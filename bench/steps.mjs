// Cases of whole steps of the seed CNN, on digits. A case is { group, name, images, open(model) -> subject }.
import { generateDigits } from "../dist/data/digits.js";
import { namedModel, sequential } from "../dist/index.js";

const IMAGES = 2000;
/** Training steps before anything is timed: closed relus make backward cheaper, an untrained net has few of them. */
const STEPS = 100;

/** The seed CNN on one build and number of threads, a little trained. */
export class StepHost {
  static async open(backend, threads) {
    const host = new StepHost();
    host.backend = backend;
    host.threads = threads;
    host.samples = (await generateDigits({ train: IMAGES, test: 1, seed: 1 })).train;
    host.model = sequential(namedModel("keras-mnist", [28, 28, 1], 10));
    await host.model.compile({ backend, threads, seed: 1, metrics: [] });
    const { run } = host.train(32);
    for (let step = 0; step < STEPS; step++) run();
    return host;
  }

  /** Batch assembly, forward, backward and update. */
  train(batch) {
    const next = this.#batches(batch);
    return {
      images: batch,
      threads: this.threads,
      run: () => this.model.session.trainStep(this.samples, next()),
    };
  }

  /** Batch assembly and forward, as predict() does it. */
  infer(batch) {
    const next = this.#batches(batch);
    const out = new Float32Array(10 * batch);
    return {
      images: batch,
      threads: this.threads,
      run: () => this.model.session.predictStep(this.samples, next(), out),
    };
  }

  dispose() {
    this.model.dispose();
  }

  /** One batch after the other, whole ones. */
  #batches(batch) {
    const indices = new Uint32Array(batch);
    let first = 0;
    return () => {
      for (let i = 0; i < batch; i++) indices[i] = first + i;
      first = first + 2 * batch <= IMAGES ? first + batch : 0;
      return indices;
    };
  }
}

export const STEP_CASES = [
  { group: "steps", name: "training, batch 32", open: (host) => host.train(32) },
  { group: "steps", name: "training, batch 128", open: (host) => host.train(128) },
  { group: "steps", name: "inference, batch 100", open: (host) => host.infer(100) },
  // What an image costs by batch size: linear, but for a fixed cost of a step.
  ...[8, 16, 32, 64, 128, 256, 512].map((batch) => ({
    group: "batch",
    name: `training, batch ${batch}`,
    open: (host) => host.train(batch),
  })),
];
