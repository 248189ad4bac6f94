// Every kernel that has pairs of vectors, on small cases of odd sizes: two builds that are to give the same bits are asked for them.
import {
  ALIGNMENT,
  blockScratch,
  directScratch,
  filterListScratch,
  filterScratch,
  gemmScratch,
  inputListScratch,
  limitBytes,
  OPTIMIZER_STATE,
  panelBytes,
  panelsBytes,
  patchBytes,
  planeBytes,
  pointsOf,
  pointwiseScratch,
  tileScratch,
  windowScratch,
} from "./abi.ts";
import {
  CALL_BYTES,
  type KernelArgs,
  type KernelName,
  structBytes,
  writeCall,
  writeStruct,
} from "./memory.ts";

/** Pages of memory that the cases take. */
const PAGES = 48;
/** Room for an argument struct. */
const STRUCT = 4 * ALIGNMENT;

interface Exports {
  heapBase(): number;
  run(program: number, first: number, last: number, scratch: number): void;
}

/** An instance of a build with tensors that are filled by a formula. */
class Subject {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #exports: Exports;
  readonly #results: (readonly [pointer: number, bytes: number])[] = [];
  #top: number;
  #drawn = 0;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    // Builds take memory for empty.
    new Uint8Array(memory.buffer).fill(0);
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.#top = this.#exports.heapBase();
  }

  /** Bytes of zeros, and a cache line behind them that may be read. */
  zeros(bytes: number): number {
    const pointer = Math.ceil(this.#top / ALIGNMENT) * ALIGNMENT;
    this.#top = pointer + bytes + ALIGNMENT;
    if (this.#top > this.#bytes.length)
      throw new Error("the cases of the self-test take more memory than it has");
    return pointer;
  }

  /** Numbers from -1 to 1, some of them 0. */
  noise(length: number): number {
    const pointer = this.zeros(4 * length);
    for (let i = 0; i < length; i++) {
      const bits = Math.imul(++this.#drawn, 0x9e3779b1) >>> 8;
      this.#view.setFloat32(pointer + 4 * i, bits % 7 === 0 ? 0 : bits / 2 ** 23 - 1, true);
    }
    return pointer;
  }

  /** Places of winners in windows, -1 where relu is closed. */
  places(length: number, windows: number): number {
    const pointer = this.zeros(4 * length);
    for (let i = 0; i < length; i++)
      this.#view.setInt32(pointer + 4 * i, ((i * 7) % (windows + 1)) - 1, true);
    return pointer;
  }

  optimizerState(step: number): number {
    const pointer = this.zeros(OPTIMIZER_STATE.bytes);
    this.#view.setFloat64(pointer + OPTIMIZER_STATE.learningRate, 0.01, true);
    this.#view.setFloat64(pointer + OPTIMIZER_STATE.beta1, 0.9, true);
    this.#view.setFloat64(pointer + OPTIMIZER_STATE.beta2, 0.999, true);
    this.#view.setUint32(pointer + OPTIMIZER_STATE.step, step, true);
    this.run("advanceStep", { state: pointer }, 1, 0);
    return pointer;
  }

  /** What lies there belongs to the results. */
  result(pointer: number, length: number): number {
    this.#results.push([pointer, 4 * length]);
    return pointer;
  }

  run<K extends KernelName>(kernel: K, args: KernelArgs<K>, tasks: number, scratchBytes: number): void {
    if (structBytes(kernel) > STRUCT) throw new Error(`${kernel} has more arguments than there is room for`);
    const record = this.zeros(CALL_BYTES);
    const struct = this.zeros(STRUCT);
    writeCall(this.#view, record, kernel, struct, tasks);
    writeStruct(this.#view, struct, kernel, args);
    this.#exports.run(record, 0, 1, this.zeros(scratchBytes));
  }

  bytes(): Uint8Array {
    const parts = this.#results.map(([pointer, bytes]) => this.#bytes.slice(pointer, pointer + bytes));
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** Memory for selfTestBytes(), one test after the other: V8 reserves 10 GiB of addresses for each. */
export function selfTestMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
}

/** What a build makes of all cases, in bytes. Runs on this thread, for some 10 milliseconds. */
export function selfTestBytes(module: WebAssembly.Module, memory: WebAssembly.Memory): Uint8Array {
  const s = new Subject(module, memory);
  products(s);
  convolutions(s);
  for (const m of [2, 4, 5]) winograd(s, m);
  windows(s);
  updates(s);
  return s.bytes();
}

function products(s: Subject): void {
  const [M, N, K] = [7, 27, 11];
  const [rows, cols] = [8, 32];
  const matrices = { M, N, K, rows, cols, cNext: 0, aNext: 0, bNext: 0 };
  for (const [transA, transB, beta, relu] of [
    [0, 0, 0, 1],
    [1, 0, 1, 0],
    [0, 1, 1, 0],
    [1, 1, 0, 0],
  ] as const) {
    const c = s.result(s.noise(M * N), M * N);
    const args = { ...matrices, c, a: s.noise(M * K), b: s.noise(K * N), bias: s.noise(32) };
    s.run("gemm", { ...args, transA, transB, beta, relu }, 1, gemmScratch(rows, cols, transA === 1));
  }
}

/** Sizes of a convolution of one image of 7 x 9, without padding. */
function geometry(C: number, OC: number, [KH, KW]: readonly [number, number], stride: number) {
  const [H, W] = [7, 9];
  const [OH, OW] = [Math.floor((H - KH) / stride) + 1, Math.floor((W - KW) / stride) + 1];
  const strides = { strideH: stride, strideW: stride };
  return { batch: 1, H, W, C, OH, OW, OC, KH, KW, ...strides, top: 0, left: 0, cropH: H, cropW: W };
}

function convolutions(s: Subject): void {
  const dilation = { dilationH: 1, dilationW: 1 };
  for (const [C, OC, size, stride] of [
    [1, 19, [3, 3], 1],
    [9, 27, [3, 5], 2],
  ] as const) {
    const g = geometry(C, OC, size, stride);
    const K = g.KH * g.KW * C;
    const outputs = g.OH * g.OW * OC;
    const x = s.noise(g.H * g.W * C);
    const w = s.noise(panelsBytes(2, K) / 4);
    const y = s.result(s.zeros(4 * outputs), outputs);
    const plan = { ...g, ...dilation, rows: K, cols: 0 };
    s.run("conv2dForward", { ...plan, y, x, w, bias: s.noise(32), relu: 1 }, 1, 0);
    if (stride === 1) continue;
    const dw = s.result(s.zeros(4 * K * OC), K * OC);
    s.run("conv2dBackwardFilter", { ...plan, y, x, w: dw, bias: 0, relu: 0 }, 1, 0);
    const dx = s.result(s.zeros(4 * g.H * g.W * C), g.H * g.W * C);
    const turned = s.noise(panelsBytes(g.KH * g.KW, OC) / 4);
    s.run("conv2dBackwardInput", { ...plan, y, x: dx, w: turned, bias: 0, relu: 0, rows: C }, 1, 0);
  }
  const [C, OC] = [13, 22];
  const g = { ...geometry(C, OC, [1, 1], 1), ...dilation, rows: 64, cols: 32 };
  const pixels = g.OH * g.OW;
  const x = s.noise(pixels * C);
  const y = s.result(s.zeros(4 * pixels * OC), pixels * OC);
  const w = s.noise(panelsBytes(2, C) / 4);
  s.run("conv2dForward", { ...g, y, x, w, bias: 0, relu: 1 }, 1, 0);
  const dw = s.result(s.zeros(4 * C * OC), C * OC);
  s.run("conv2dBackwardFilter", { ...g, y, x, w: dw, bias: 0, relu: 0 }, 1, pointwiseScratch(32));
}

function winograd(s: Subject, m: number): void {
  const [C, OC] = [11, 27];
  const [H, W] = [m + 4, m + 5];
  const panels = 2;
  const u = s.result(s.zeros(panels * panelBytes(m, C)), (panels * panelBytes(m, C)) / 4);
  s.run("winogradFilter", { u, w: s.noise(9 * C * OC), C, OC, rotate: 0, m }, panels, filterScratch(m));
  const image = { batch: 1, H, W, C };
  const y = s.result(s.zeros(4 * H * W * OC), H * W * OC);
  const shape = { ...image, OH: H, OW: W, OC, top: 1, left: 1 };
  const [rows, columns] = [Math.ceil(H / m), Math.ceil(W / m)];
  s.run(
    "winogradForward",
    { ...shape, y, x: s.noise(H * W * C), u, bias: s.noise(32), relu: 1, m, images: 1, block: 1 },
    1,
    blockScratch(m, 1, 1, columns, C),
  );
  for (const gradient of [0, 1]) {
    const bytes = pointsOf(m) * planeBytes(rows * columns, C);
    const v = s.result(s.zeros(bytes), bytes / 4);
    const args = { ...image, v, x: s.noise(H * W * C), first: 0, top: 1 - gradient, left: 1 - gradient };
    s.run("winogradTiles", { ...args, rows, columns, m, gradient }, 1, tileScratch(m, C));
  }
}

function windows(s: Subject): void {
  const pool = {
    poolH: 2,
    poolW: 2,
    poolStrideH: 2,
    poolStrideW: 2,
    poolTop: 0,
    poolLeft: 0,
    group: 1,
    images: 1,
  };
  for (const [C, OC, m] of [
    [1, 27, 0],
    [9, 29, 0],
    [5, 21, 2],
  ] as const) {
    const { ...g } = geometry(C, OC, [3, 3], 1);
    const [PH, PW] = [Math.floor(g.OH / 2), Math.floor(g.OW / 2)];
    const pooled = PH * PW * OC;
    const K = 9 * C;
    const x = s.noise(g.H * g.W * C);
    const y = s.result(s.zeros(4 * pooled), pooled);
    const argmax = s.result(s.zeros(4 * pooled), pooled);
    const filter = s.noise(K * OC);
    const w = s.noise((m ? 2 * panelBytes(m, C) : panelsBytes(2, K)) / 4);
    const plan = { ...g, ...pool, PH, PW, relu: 1, block: PH };
    const scratch = m
      ? windowScratch(m, 1, Math.ceil(g.OH / m), Math.ceil(g.OW / m), C, OC)
      : directScratch(OC, g.OH * g.OW, 3 * C, K) + limitBytes(OC);
    s.run("convPoolForward", { ...plan, y, argmax, x, w, bias: s.noise(32), m, filter }, 1, scratch);
    if (m) continue;
    const [dy, at] = [s.noise(pooled), s.places(pooled, 4)];
    const backward = { ...plan, y: dy, argmax: at, m: 0, filter: 0 };
    const [dw, db] = [s.result(s.zeros(4 * K * OC), K * OC), s.result(s.zeros(4 * OC), OC)];
    const tasks = Math.ceil(OC / 8);
    s.run(
      "convPoolBackwardFilter",
      { ...backward, x, w: dw, bias: db },
      tasks,
      filterListScratch(PH * PW, 3, 3 * C, 4),
    );
    const packed = s.noise((OC * patchBytes(3, 3 * C)) / 4);
    const dx = s.result(s.zeros(4 * g.H * g.W * C), g.H * g.W * C);
    const lists = inputListScratch(4, OC, g.H * g.W * C, 3 * C, false);
    s.run("convPoolBackwardInput", { ...backward, x: dx, w: packed, bias: 0 }, 1, lists);
  }
}

function updates(s: Subject): void {
  const n = 37;
  const vector = () => s.result(s.noise(n), n);
  // Mean squares are not below 0.
  const squares = () => s.result(s.zeros(4 * n), n);
  for (const step of [4, 15]) {
    const common = { n, state: s.optimizerState(step), weightDecay: 0.1, grain: n };
    s.run("sgd", { ...common, w: vector(), g: s.noise(n), m: 0, momentum: 0, nesterov: 0 }, 1, 0);
    for (const nesterov of [0, 1])
      s.run("sgd", { ...common, w: vector(), g: s.noise(n), m: vector(), momentum: 0.9, nesterov }, 1, 0);
    // Each way has a loop of its own.
    for (const centered of [false, true])
      for (const momentum of [0, 0.5]) {
        const means = { rho: 0.9, oneMinusRho: 0.1, momentum, epsilon: 1e-7, v: squares() };
        const rest = { a: centered ? squares() : 0, m: momentum ? vector() : 0 };
        s.run("rmsprop", { ...common, ...means, ...rest, w: vector(), g: s.noise(n) }, 1, 0);
      }
    const moments = { oneMinusBeta1: 0.1, oneMinusBeta2: 0.001, epsilon: 1e-7 };
    s.run("adam", { ...common, ...moments, w: vector(), g: s.noise(n), m: vector(), v: squares() }, 1, 0);
  }
  const pair = { x: s.noise(n), y: s.noise(n), n, grain: n };
  s.run("addForward", { ...pair, z: squares(), relu: 1 }, 1, 0);
  s.run("multiplyForward", { ...pair, z: squares(), relu: 0 }, 1, 0);
  s.run("addInto", { y: vector(), x: pair.x, n, grain: n }, 1, 0);
  s.run("fill", { out: squares(), n, value: 2, grain: n }, 1, 0);
}
