import type { FormatName } from "./options.ts";
import type { Reader, Writer } from "./portable.ts";

/** A format of model files, described once: loadModel(), exportModel() and `wasmgrad convert` know it by its line here. */
export interface Format {
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Endings of its files' names; one that ends in / is a folder's. The first is what `wasmgrad convert` writes. */
  readonly endings: readonly string[];
  /** What `wasmgrad convert --to NAME` writes, where that is an ending of another format. */
  readonly written?: string;
  /** Whether a file is of this format, by its bytes and, of a zip archive, by what is in it. */
  recognises?(look: Look): boolean;
  readonly reader?: () => Promise<Reader>;
  readonly writer?: () => Promise<Writer>;
}

/** What a format is recognised by. */
export interface Look {
  readonly bytes: Uint8Array;
  /** Names in it, where it is a zip archive. */
  readonly zipped: readonly string[];
  /** Its beginning as text: whatever it is, one letter a byte. */
  readonly head: string;
  /** The metadata of a safetensors file; undefined of others. */
  readonly safetensors: Readonly<Record<string, unknown>> | undefined;
}

/** Of an ONNX model's fields, the tags of those that may follow the first. */
const ONNX_FIELDS: readonly number[] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];

/** Looked through in this order. */
export const FORMATS: readonly Format[] = [
  {
    name: "keras",
    title: "Keras's .keras",
    endings: [".keras"],
    recognises: ({ zipped }) =>
      zipped.includes("config.json") && zipped.some((name) => /^model\.weights\./.test(name)),
    reader: () => import("./keras/read.ts"),
    writer: () => import("./keras/write.ts"),
  },
  {
    name: "h5",
    title: "Keras's .h5",
    endings: [".h5", ".hdf5"],
    // Weights alone, too: what it is is told by what is in it.
    recognises: ({ head }) => head.startsWith("\x89HDF\r\n\x1a\n"),
    reader: () => import("./h5/read.ts"),
    writer: () => import("./h5/write.ts"),
  },
  {
    name: "h5-weights",
    title: "Keras's .weights.h5, weights alone",
    endings: [".weights.h5"],
    // Recognised as .h5.
    reader: () => import("./h5/read.ts"),
    writer: () => import("./h5/write-weights.ts"),
  },
  {
    name: "tfjs",
    title: "a layers model of TensorFlow.js",
    endings: ["tfjs/", "model.json"],
    recognises: ({ bytes, head }) =>
      /^\s*\{/.test(head) && new TextDecoder().decode(bytes).includes('"modelTopology"'),
    reader: () => import("./tfjs/read.ts"),
    writer: () => import("./tfjs/write.ts"),
  },
  {
    name: "npz",
    title: "NumPy's .npz, weights alone",
    endings: [".npz"],
    recognises: ({ zipped }) => zipped.length > 0 && zipped.every((name) => name.endsWith(".npy")),
    reader: () => import("./npz/read.ts"),
    writer: () => import("./npz/write.ts"),
  },
  {
    name: "onnx",
    title: "ONNX",
    endings: [".onnx"],
    // A ModelProto begins with its version, from 3 on, and has one of its other fields next.
    recognises: ({ bytes: [tag, version = 0, next = 0] }) =>
      tag === 0x08 && version >= 3 && version < 32 && ONNX_FIELDS.includes(next),
    reader: () => import("./onnx/read.ts"),
    writer: () => import("./onnx/write.ts"),
  },
  {
    name: "pytorch",
    title: "PyTorch's state_dict",
    endings: [".pt", ".pth"],
    written: ".safetensors",
    // Files of before 1.6 and other pickles, too: what to save instead is said by who reads them.
    recognises: ({ bytes, zipped, safetensors }) =>
      safetensors
        ? safetensors.format !== "wasmgrad" && !("architecture" in safetensors)
        : zipped.some((name) => /^([^/]*\/)?data\.pkl$/.test(name)) ||
          (bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5 && bytes[8] !== 0x7b),
    reader: () => import("./torch/read.ts"),
    writer: () => import("./torch/write.ts"),
  },
  {
    name: "js",
    title: "one JavaScript file that predicts",
    endings: [".js", ".mjs"],
    writer: () => import("./predictor/write.ts"),
  },
  {
    name: "wasmgrad",
    title: "wasmgrad's model file",
    endings: [".safetensors"],
    // Damaged ones, too: what is wrong with them is said by who reads them.
    recognises: ({ head, safetensors }) => safetensors !== undefined || head[8] === "{",
    writer: () => import("./wasmgrad.ts"),
  },
];

/** The format of that name. */
export function formatNamed(name: FormatName): Format {
  return FORMATS.find((format) => format.name === name)!;
}
