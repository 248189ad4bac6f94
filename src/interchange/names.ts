/** Formats that models are written in. */
export const WRITTEN = ["wasmgrad", "npz", "onnx"] as const;
