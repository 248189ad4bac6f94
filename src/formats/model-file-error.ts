export type ModelFileErrorCode =
  /** Not a safetensors file, or a damaged one. */
  | "not-safetensors"
  /** Its weights or its metadata are not those whose SHA-256 it names. */
  | "damaged"
  /** A safetensors file that wasmgrad did not write. */
  | "not-wasmgrad"
  /** Written by a later version. */
  | "version"
  /** Metadata that is missing, no JSON, or out of range. */
  | "metadata"
  /** Layers that make no model. */
  | "architecture"
  /** Tensors that are not the model's, or not finite. */
  | "weights"
  /** Bytes of no format that is known here, or files that lack one that they need. */
  | "unknown-format"
  /** A model of another framework that uses what there is none of here. */
  | "unsupported"
  /** A file of weights alone, for which no model was given. */
  | "needs-model"
  /** Weights alone that are not those of the model that was given: the message may list both, a line each. */
  | "fit"
  /** A file with layers, for which a model or its sizes were given. */
  | "has-layers"
  /** It claims to be larger than it can be, or than is allowed. */
  | "too-large"
  /** A file that could not be written. */
  | "unwritable";

/** A file that holds no usable model, or would hold none. The message says what was got and what was expected. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  readonly code: ModelFileErrorCode;

  constructor(code: ModelFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
