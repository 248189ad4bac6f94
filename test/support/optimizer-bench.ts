import { type KernelBench, type Tensor, tasksOf } from "./bench.ts";

/** Options of one optimizer; which are used depends on `kernel`. */
export interface OptimizerOptions {
  readonly kernel: "sgd" | "rmsprop" | "adam";
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly rho?: number;
  readonly centered?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

/** OptimizerState of assembly/optimizer.ts. */
export function stateBlock(
  bench: KernelBench,
  { beta1 = 0.9, beta2 = 0.999, step = 0 }: { beta1?: number; beta2?: number; step?: number } = {},
): Tensor {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setFloat64(8, beta1, true);
  view.setFloat64(16, beta2, true);
  view.setUint32(24, step, true);
  return bench.block(bytes);
}

/** Runs the kernels of one optimizer step by step on tensors of a bench. */
export class OptimizerRun {
  readonly #bench: KernelBench;
  readonly #options: OptimizerOptions;
  readonly #w: Tensor;
  readonly #g: Tensor;
  readonly #slots: readonly Tensor[];
  readonly #state: Tensor;
  readonly #grain: number;

  constructor(bench: KernelBench, options: OptimizerOptions, w: ArrayLike<number>, grain = w.length) {
    this.#bench = bench;
    this.#options = options;
    this.#grain = grain;
    this.#w = bench.variable(w);
    this.#g = bench.variable(new Float32Array(w.length));
    this.#slots = [0, 1, 2].map(() => bench.variable(new Float32Array(w.length)));
    this.#state = stateBlock(bench, options);
  }

  step(g: ArrayLike<number>, learningRate: number): void {
    const [bench, state] = [this.#bench, this.#state];
    bench.write(this.#g, g);
    const bytes = bench.readBytes(state);
    new DataView(bytes.buffer).setFloat64(0, learningRate, true);
    bench.write(state, bytes);
    bench.run("advanceStep", { state }, 1);
    const { kernel, momentum = 0, nesterov = false, rho = 0.9, centered = false } = this.#options;
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, weightDecay = 0 } = this.#options;
    const [first, second, third] = this.#slots as [Tensor, Tensor, Tensor];
    const n = this.#w.length;
    const common = { w: this.#w, g: this.#g, state, n, weightDecay, grain: this.#grain };
    const tasks = tasksOf(n, this.#grain);
    if (kernel === "sgd") {
      const m = momentum === 0 ? 0 : first;
      bench.run(kernel, { ...common, m, momentum, nesterov: Number(nesterov) }, tasks);
    } else if (kernel === "rmsprop") {
      const slots = { v: first, a: centered ? second : 0, m: momentum === 0 ? 0 : third };
      bench.run(kernel, { ...common, ...slots, rho, oneMinusRho: 1 - rho, momentum, epsilon }, tasks);
    } else {
      const betas = { oneMinusBeta1: 1 - beta1, oneMinusBeta2: 1 - beta2 };
      bench.run(kernel, { ...common, m: first, v: second, ...betas, epsilon }, tasks);
    }
  }

  /** The state vectors that this optimizer has, from the first. */
  slots(): Float32Array[] {
    const { kernel, momentum = 0, centered = false } = this.#options;
    const used = { sgd: [momentum > 0], rmsprop: [true, centered, momentum > 0], adam: [true, true] }[kernel];
    return this.#slots.filter((_, i) => used[i]).map((slot) => this.#bench.read(slot));
  }

  weights(): Float32Array {
    return this.#bench.read(this.#w);
  }
}
