import type { Preprocessing } from "../../compiler/preprocessing.ts";
import type { Port } from "../../train/samples.ts";
import { joined } from "../joined.ts";
import type { WeightType } from "../names.ts";
import { specifier } from "../specifier.ts";
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
    WEIGHTS: tensors.map(({ length, outputs = 0, apart = 1 }, i) => [
      layout.weights[i],
      length,
      outputs,
      apart,
    ]),
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
    `//   import { predict } from ${specifier(file)};`,
    `//   const answers = await predict(pixels); // bytes or floats, ${inputs.map(({ shape }) => shape.join(" x ")).join(", ")} of each image`,
    // A page may hold it between its tags.
    `export const classNames = ${JSON.stringify(classNames ?? null).replaceAll("<", "\\u003c")};`,
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
  const answers = outputs.length === 1 ? "Float32Array" : "Float32Array[]";
  const pictures = inputs.every(({ shape }) => shape.length === 3 && [1, 3].includes(shape[2]!));
  const canvas = `
/**
 * What the model gives for the picture on a canvas of the image's size, context.getImageData(0, 0, width, height): in grey
 * for models of one channel; what is see-through lies on white, or on black where it is light ink.
 */
export declare function predict(images: ${list("ImagePixels", inputs.length)}): Promise<${answers}>;
/** What ImageData is. */
interface ImagePixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}
export {};
`;
  return `/** Names of the classes; null where the model has none. */
export declare const classNames: readonly string[] | null;
export declare const inputShape: ${shapes(inputs.length)};
export declare const outputShape: ${shapes(outputs.length)};
/**
 * What the model gives for images: bytes, which are scaled as in training, or floats, which are taken as they are; one image
 * behind the other. What a canvas gives has four bytes a pixel: no image of a model's one or three channels. Rejects with
 * RangeError where they are no whole images.
 */
export declare function predict(images: ${list(inputs.length === 1 ? pixels : `(${pixels})`, inputs.length)}): Promise<${answers}>;
${pictures ? canvas.slice(1) : ""}`;
}

const one = <T>(list: readonly T[]) => (list.length === 1 ? list[0] : list);

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x6000)
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + 0x6000)));
  return text;
}

const RUNTIME = `
const size = (shape) => shape.reduce((product, n) => product * n, 1);
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// 16-bit floats
function half(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
}

function unpackWeights(memory) {
  const { buffer } = bytesOf(DATA);
  let at = 0;
  for (const [pointer, length, outputs, apart] of WEIGHTS) {
    const to = new Float32Array(memory.buffer, pointer, length);
    const view = new DataView(buffer, at);
    if (TYPE === "f16") {
      for (let i = 0; i < length; i++) to[i] = half(view.getUint16(2 * i, true));
      at += 2 * length;
    } else if (outputs) {
      for (let i = 0; i < length; i++)
        to[i] = view.getFloat32(4 * (Math.floor(i / apart) % outputs), true) * view.getInt8(4 * outputs + i);
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

// The pixels of a canvas as bytes of the model's channels; what is see-through lies on white, or on black where it is light ink
function picture({ data, width, height }, shape) {
  const [rows, columns, channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3) || height !== rows || width !== columns)
    throw new RangeError("predict: got a picture of " + height + " x " + width + ", height x width, expected " + shape.join(" x ") + ". Draw it in that size: context.drawImage(picture, 0, 0, width, height)");
  const grey = (i) => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
  let [opacity, light] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    opacity += data[i + 3];
    light += (data[i + 3] * grey(i)) / 255;
  }
  const behind = opacity < (255 * data.length) / 8 && light > opacity / 2 ? 0 : 255;
  const bytes = new Uint8ClampedArray(rows * columns * channels);
  for (let i = 0; i < bytes.length; i++) {
    const at = 4 * Math.floor(i / channels);
    const value = channels === 1 ? grey(at) : data[at + (i % 3)];
    bytes[i] = behind + ((value - behind) * data[at + 3]) / 255;
  }
  return bytes;
}

export async function predict(images) {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  const loaded = await loading;
  const { memory, passes, run } = loaded;
  const given = (INPUTS.length === 1 ? [images] : Array.isArray(images) ? images : []).map((one, k) =>
    one?.data instanceof Uint8ClampedArray ? picture(one, INPUTS[k]) : one,
  );
  if (given.length !== INPUTS.length) throw new RangeError("predict: expected " + INPUTS.length + " arrays, one an input");
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
