import type { OpKind } from "../../compiler/graph.ts";
import type { NamedTensor } from "../../safetensors/safetensors.ts";
import { littleEndian } from "../../safetensors/write-safetensors.ts";
import type { WeightType } from "../names.ts";

/** What a file holds of one tensor. */
export interface PackedTensor {
  /** How many numbers. */
  readonly length: number;
  /** Of those kept as bytes: how many outputs, which have a scale each, and how many numbers of one stand together. */
  readonly outputs?: number;
  readonly apart?: number;
  readonly bytes: Uint8Array;
}

/** @param kind of the op whose weights they are */
export function packTensor({ data, shape }: NamedTensor, type: WeightType, kind?: OpKind): PackedTensor {
  const { length } = data;
  if (type === "f16") return { length, bytes: halves(data) };
  // Biases, and what normalizes, are few numbers that matter much.
  if (type === "int8" && shape.length > 1) return { length, ...bytesOf(data, ...outputsOf(shape, kind)) };
  return { length, bytes: littleEndian(data) };
}

/** Outputs of a kernel, and how many numbers of one stand together. */
function outputsOf(shape: readonly number[], kind: OpKind | undefined): [outputs: number, apart: number] {
  // [height, width, channels, multiplier], whose outputs are channels * multiplier.
  if (kind === "depthwiseConv2d") return [shape.at(-2)! * shape.at(-1)!, 1];
  // [height, width, filters, channels]
  if (kind === "conv2dTranspose") return [shape.at(-2)!, shape.at(-1)!];
  return [shape.at(-1)!, 1];
}

/** 16-bit floats, each the nearest, of two the even one; what is too large for them the largest. */
function halves(data: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * data.length));
  data.forEach((value, i) => {
    view.setUint16(2 * i, half(value), true);
  });
  return new Uint8Array(view.buffer);
}

const bits = new DataView(new ArrayBuffer(4));

function half(value: number): number {
  bits.setFloat32(0, value);
  const all = bits.getUint32(0);
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  if (magnitude >= 0x477fe000) return sign | 0x7bff;
  // Below 2^-14 steps are of 2^-24.
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(value) * 2 ** 24);
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | Math.min(0x7bff, (rounded - 0x38000000) >>> 13);
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** A scale for each output, then the numbers in its steps. */
function bytesOf(data: Float32Array, outputs: number, apart: number): Omit<PackedTensor, "length"> {
  const scales = new Float32Array(outputs);
  const output = (i: number) => Math.floor(i / apart) % outputs;
  data.forEach((value, i) => {
    scales[output(i)] = Math.max(scales[output(i)]!, Math.abs(value));
  });
  scales.forEach((largest, i) => {
    scales[i] = largest / 127;
  });
  const steps = Int8Array.from(data, (value, i) => {
    const scale = scales[output(i)]!;
    return scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(value / scale)));
  });
  const bytes = new Uint8Array(4 * outputs + data.length);
  bytes.set(littleEndian(scales));
  bytes.set(new Uint8Array(steps.buffer), 4 * outputs);
  return { outputs, apart, bytes };
}
