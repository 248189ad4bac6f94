/** Formats that models are written in. */
export const WRITTEN = [
  "wasmgrad",
  "keras",
  "h5",
  "h5-weights",
  "tfjs",
  "npz",
  "pytorch",
  "onnx",
  "js",
] as const;

/** How a one-file predictor keeps weights: as they are; to 11 bits; kernels to a 127th of the greatest of each output. */
export const WEIGHT_TYPES = ["f32", "f16", "int8"] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];
