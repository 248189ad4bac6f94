/** What a file is, as far as this page has something to say about it. */
export type FileKind =
  | "idx"
  | "gzip"
  | "model"
  | "picture"
  | "numpy"
  | "zip"
  | "pdf"
  | "web page"
  | "text"
  | "empty"
  | "unknown";

/** First bytes that tell a kind, in hex; `..` is any byte. */
const MAGIC: readonly (readonly [FileKind, string])[] = [
  ["picture", "89504e47"],
  ["picture", "ffd8ff"],
  ["picture", "47494638"],
  ["picture", "52494646........57454250"],
  ["picture", "........6674797061766966"],
  ["picture", "........667479706865"],
  ["picture", "424d........00000000"],
  ["idx", "0000"],
  ["gzip", "1f8b"],
  ["numpy", "934e554d5059"],
  // As Keras saves models in.
  ["model", "894844460d0a1a0a"],
  ["zip", "504b0304"],
  ["pdf", "25504446"],
];
const LOOKED_AT = 512;
/** Names of models that are one file. */
const MODEL_FILES = /\.(safetensors|keras|h5|hdf5|onnx)$/i;

/** Files of weights of TensorFlow.js: older ones have no ending. */
export function isShard(name: string): boolean {
  return /(\.bin|shard\d+of\d+)$/i.test(name);
}

/** Whether files are a model in several: TensorFlow.js's model.json and its weights. */
export function isModelInParts(names: readonly string[]): boolean {
  const weights = names.filter(isShard);
  return (
    weights.length > 0 && names.length === weights.length + 1 && names.some((name) => /\.json$/i.test(name))
  );
}

/** Tells a file by its content, but for models, which have a name of their own. */
export function fileKind(name: string, bytes: Uint8Array): FileKind {
  if (bytes.length === 0) return "empty";
  if (MODEL_FILES.test(name)) return "model";
  const head = bytes.subarray(0, LOOKED_AT);
  const hex = Array.from(head.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const known = MAGIC.find(([, magic]) => new RegExp(`^${magic}`).test(hex));
  // A safetensors file begins with the length of its header, eight bytes, and the header's brace.
  if (hex.startsWith("7b", 16) && hex.slice(8, 16) === "00000000") return "model";
  if (known) return known[0];
  if (!isText(head)) return "unknown";
  return /^\s*<(!doctype|html|\?xml)/i.test(new TextDecoder().decode(head)) ? "web page" : "text";
}

function isText(head: Uint8Array): boolean {
  return head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}

const DATA_FILES =
  "The page trains on pairs of IDX files, as MNIST comes in: one of images and one of their labels, plain or .gz";

/** Why a file is of no use among those of a dataset, and what would be. */
export function refusal(name: string, kind: FileKind): string {
  switch (kind) {
    case "empty":
      return `${name} is empty. Get the file again.`;
    case "web page":
      return `${name} is a web page, not data: a download that went wrong often leaves one. Get the file again.`;
    case "zip":
      return `${name} is a ZIP archive. Unpack it, and drop the files that are in it.`;
    case "numpy":
      return `${name} is a NumPy array. ${DATA_FILES}; docs/datasets.md of wasmgrad has the lines of Python that write them.`;
    case "text":
      return `${name} is a text file. ${DATA_FILES}. A .txt beside them may name the classes, one a line.`;
    case "picture":
      return `${name} is a picture, and came together with other files. Drop pictures by themselves to have one classified.`;
    case "model":
      return `${name} is a model, and came together with other files. Drop it by itself to load it.`;
    case "pdf":
      return `${name} is a PDF document. To have a picture classified, drop it as PNG or JPEG.`;
    default:
      return `${name} is of a kind that this page does not know. It opens pictures to classify (PNG, JPEG), models (of wasmgrad, Keras, ONNX, TensorFlow.js), and IDX files to train on (images and labels, as MNIST comes in, plain or .gz).`;
  }
}
