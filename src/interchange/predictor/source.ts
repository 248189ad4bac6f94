import type { Preprocessing } from "../../compiler/preprocessing.ts";
import type { Port } from "../../train/samples.ts";
import type { WeightType } from "../names.ts";
import type { Layout } from "./layout.ts";
import type { PackedTensor } from "./weights.ts";

/** What a predictor is written of. */
export interface Predictor {
  readonly name: string;
  readonly file: string;
  readonly wasm: Uint8Array;
  readonly layout: Layout;
  readonly tensors: readonly PackedTensor[];
  readonly weights: WeightType;
  readonly preprocessing: Preprocessing;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly classNames: readonly string[] | undefined;
}

const PAGE = 65_536;

/** The module's text. What it does is in `RUNTIME`, the same for all models; before it stands what this one is. */
export function predictorSource(predictor: Predictor): string {
  const { name, file, wasm, layout, tensors, weights, preprocessing, inputs, outputs, classNames } =
    predictor;
  const { passes, bytes } = layout;
  const { scale, offset } = preprocessing;
  const constants = {
    INPUTS: inputs.map(({ shape }) => shape),
    OUTPUTS: outputs.map(({ shape }) => shape),
    SCALE: [Math.fround(scale), Math.fround(offset)],
    PAGES: Math.ceil(bytes / PAGE),
    WEIGHTS: tensors.map(({ length, outputs }, i) => [layout.weights[i], length, outputs ?? 0]),
    PASSES: passes.map(({ batch, records, calls, prepared, scratch, inputs, outputs, image }) => [
      batch,
      records,
      calls,
      prepared,
      scratch,
      inputs.map((pointer) => pointer ?? 0),
      outputs,
      toBase64(image),
    ]),
    TYPE: weights,
    WASM: toBase64(wasm),
    DATA: toBase64(joined(tensors.map((tensor) => tensor.bytes))),
  };
  return [
    `// ${name.replaceAll(/[\r\n\u2028\u2029]/g, " ")}: a model that wasmgrad trained, and what predicts with it; nothing else is needed.`,
    `//   import { predict } from ${JSON.stringify(`./${file}`)};`,
    `//   const answers = await predict(pixels); // bytes or floats, ${inputs.map(({ shape }) => shape.join(" x ")).join(", ")} of each image`,
    `export const classNames = ${JSON.stringify(classNames ?? null)};`,
    `export const inputShape = ${JSON.stringify(one(constants.INPUTS))};`,
    `export const outputShape = ${JSON.stringify(one(constants.OUTPUTS))};`,
    ...Object.entries(constants).map(([key, value]) => `const ${key} = ${JSON.stringify(value)};`),
    RUNTIME,
  ].join("\n");
}

export function typesSource({ inputs, outputs }: Predictor): string {
  const shapes = (count: number) => (count === 1 ? "readonly number[]" : "readonly (readonly number[])[]");
  const list = (type: string, count: number) => (count === 1 ? type : `readonly ${type}[]`);
  const pixels = "Uint8Array | Uint8ClampedArray | Float32Array";
  return `/** Names of the classes; null where the model has none. */
export declare const classNames: readonly string[] | null;
export declare const inputShape: ${shapes(inputs.length)};
export declare const outputShape: ${shapes(outputs.length)};
/**
 * What the model gives for images: bytes, which are scaled as in training, or floats, which are taken as they are; one image
 * behind the other. Rejects with RangeError where they are no whole images.
 */
export declare function predict(images: ${list(inputs.length === 1 ? pixels : `(${pixels})`, inputs.length)}): Promise<${outputs.length === 1 ? "Float32Array" : "Float32Array[]"}>;
`;
}

const one = <T>(list: readonly T[]) => (list.length === 1 ? list[0] : list);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x6000)
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + 0x6000)));
  return text;
}

const RUNTIME = `
const size = (shape) => shape.reduce((product, n) => product * n, 1);
const bytesOf = (text) =>
  Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// 16-bit floats
function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

function unpackWeights(memory) {
  const { buffer } = bytesOf(DATA);
  let at = 0;
  for (const [pointer, length, outputs] of WEIGHTS) {
    const to = new Float32Array(memory.buffer, pointer, length);
    const view = new DataView(buffer, at);
    if (TYPE === "f16") {
      for (let i = 0; i < length; i++) to[i] = half(view.getUint16(2 * i, true));
      at += 2 * length;
    } else if (outputs) {
      for (let i = 0; i < length; i++)
        to[i] = view.getFloat32(4 * (i % outputs), true) * view.getInt8(4 * outputs + i);
      at += 4 * outputs + length;
    } else {
      for (let i = 0; i < length; i++) to[i] = view.getFloat32(4 * i, true);
      at += 4 * length;
    }
  }
}

let loading;
async function load() {
  const memory = new WebAssembly.Memory({ initial: PAGES });
  const { instance } = await WebAssembly.instantiate(bytesOf(WASM), { env: { memory } });
  unpackWeights(memory);
  const passes = PASSES.map(([batch, records, calls, prepared, scratch, inputs, outputs, image]) => {
    const program = bytesOf(image);
    return { batch, records, calls, prepared, scratch, inputs, outputs, program };
  });
  return { memory, passes, run: instance.exports.run };
}

function put(to, from, first) {
  if (from instanceof Float32Array) to.set(from.subarray(first, first + to.length));
  // In single precision, step by step, as in training.
  else
    for (let i = 0; i < to.length; i++)
      to[i] = Math.fround(Math.fround(from[first + i] * SCALE[0]) + SCALE[1]);
}

export async function predict(images) {
  const loaded = await (loading ??= load());
  const { memory, passes, run } = loaded;
  const given = INPUTS.length === 1 ? [images] : images;
  if (given?.length !== INPUTS.length) throw new RangeError("predict: expected " + INPUTS.length + " arrays, one an input");
  const count = given[0]?.length / size(INPUTS[0]);
  for (const [k, shape] of INPUTS.entries()) {
    const numbers = given[k];
    if (!(ArrayBuffer.isView(numbers) && (numbers.BYTES_PER_ELEMENT === 1 || numbers instanceof Float32Array)))
      throw new TypeError("predict: expected bytes, a Uint8Array, or a Float32Array");
    if (!Number.isInteger(count) || numbers.length !== count * size(shape))
      throw new RangeError("predict: got " + numbers.length + " numbers, expected " + shape.join(" x ") + " for each image");
  }
  const answers = OUTPUTS.map((shape) => new Float32Array(count * size(shape)));
  for (let first = 0; first < count; ) {
    const pass = passes.find(({ batch }) => batch <= count - first);
    if (pass !== loaded.ready) {
      new Uint8Array(memory.buffer).set(pass.program, pass.records);
      run(pass.records, 0, pass.prepared, pass.scratch);
      loaded.ready = pass;
    }
    pass.inputs.forEach((pointer, k) => {
      const length = size(INPUTS[k]);
      if (pointer) put(new Float32Array(memory.buffer, pointer, pass.batch * length), given[k], first * length);
    });
    run(pass.records, pass.prepared, pass.calls, pass.scratch);
    pass.outputs.forEach((pointer, k) => {
      const length = size(OUTPUTS[k]);
      answers[k].set(new Float32Array(memory.buffer, pointer, pass.batch * length), first * length);
    });
    first += pass.batch;
  }
  return answers.length === 1 ? answers[0] : answers;
}
`;
