// The messages of ONNX files, as far as they are read or written here: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ModelFileError } from "../../formats/model-file.ts";

type Scalar = "int" | "float" | "text" | "bytes";
type Field =
  | readonly [number: number, kind: Scalar | Fields]
  | readonly [number: number, kind: Scalar | Fields, many: "many"];
/** A message's fields by their names here. */
interface Fields {
  readonly [name: string]: Field;
}

const ENTRY = { key: [1, "text"], value: [2, "text"] } as const satisfies Fields;
const TENSOR = {
  dims: [1, "int", "many"],
  dataType: [2, "int"],
  segment: [3, "bytes"],
  floatData: [4, "float", "many"],
  int32Data: [5, "int", "many"],
  stringData: [6, "bytes", "many"],
  int64Data: [7, "int", "many"],
  name: [8, "text"],
  rawData: [9, "bytes"],
  /** 8 bytes a number. */
  doubleData: [10, "bytes", "many"],
  uint64Data: [11, "int", "many"],
  externalData: [13, ENTRY, "many"],
  dataLocation: [14, "int"],
} as const satisfies Fields;
const ATTRIBUTE = {
  name: [1, "text"],
  f: [2, "float"],
  i: [3, "int"],
  s: [4, "text"],
  t: [5, TENSOR],
  /** A graph within: there are no layers of such nodes. */
  g: [6, "bytes"],
  floats: [7, "float", "many"],
  ints: [8, "int", "many"],
  strings: [9, "text", "many"],
  tensors: [10, "bytes", "many"],
  graphs: [11, "bytes", "many"],
  type: [20, "int"],
  refAttrName: [21, "text"],
} as const satisfies Fields;
const NODE = {
  input: [1, "text", "many"],
  output: [2, "text", "many"],
  name: [3, "text"],
  opType: [4, "text"],
  attribute: [5, ATTRIBUTE, "many"],
  docString: [6, "text"],
  domain: [7, "text"],
} as const satisfies Fields;
const DIMENSION = {
  dimValue: [1, "int"],
  dimParam: [2, "text"],
  /** "DATA_BATCH", "DATA_CHANNEL", "DATA_FEATURE". */
  denotation: [3, "text"],
} as const satisfies Fields;
const TENSOR_TYPE = {
  elemType: [1, "int"],
  shape: [2, { dim: [1, DIMENSION, "many"] }],
} as const satisfies Fields;
const VALUE_INFO = {
  name: [1, "text"],
  type: [2, { tensorType: [1, TENSOR_TYPE], denotation: [6, "text"] }],
  docString: [3, "text"],
} as const satisfies Fields;
const GRAPH = {
  node: [1, NODE, "many"],
  name: [2, "text"],
  initializer: [5, TENSOR, "many"],
  docString: [10, "text"],
  input: [11, VALUE_INFO, "many"],
  output: [12, VALUE_INFO, "many"],
  valueInfo: [13, VALUE_INFO, "many"],
  sparseInitializer: [15, "bytes", "many"],
} as const satisfies Fields;
const OPERATORS = { domain: [1, "text"], version: [2, "int"] } as const satisfies Fields;
const MODEL = {
  irVersion: [1, "int"],
  producerName: [2, "text"],
  producerVersion: [3, "text"],
  domain: [4, "text"],
  modelVersion: [5, "int"],
  docString: [6, "text"],
  graph: [7, GRAPH],
  opsetImport: [8, OPERATORS, "many"],
  metadataProps: [14, ENTRY, "many"],
  functions: [25, "bytes", "many"],
} as const satisfies Fields;

type Kind<K> = K extends "int" | "float"
  ? number
  : K extends "text"
    ? string
    : K extends "bytes"
      ? Uint8Array
      : Message<K>;
/** What a message holds: fields that are missing are undefined, lists are empty then. */
export type Message<F> = {
  readonly [N in keyof F as F[N] extends readonly [number, unknown, "many"]
    ? N
    : never]: F[N] extends readonly [number, infer K, "many"] ? readonly Kind<K>[] : never;
} & {
  readonly [N in keyof F as F[N] extends readonly [number, unknown, "many"] ? never : N]?:
    | (F[N] extends readonly [number, infer K] ? Kind<K> : never)
    | undefined;
};
/** A message to be written: lists may be left out, too. */
type Written<F> = {
  readonly [N in keyof F]?:
    | (F[N] extends readonly [number, infer K, "many"]
        ? readonly WrittenKind<K>[]
        : F[N] extends readonly [number, infer K]
          ? WrittenKind<K>
          : never)
    | undefined;
};
type WrittenKind<K> = K extends string ? Kind<K> : Written<K>;

export type OnnxModel = Message<typeof MODEL>;
export type OnnxNode = Message<typeof NODE>;
export type OnnxTensor = Message<typeof TENSOR>;
export type OnnxAttribute = Message<typeof ATTRIBUTE>;
export type OnnxValueInfo = Message<typeof VALUE_INFO>;
export type NewNode = Written<typeof NODE>;
export type NewTensor = Written<typeof TENSOR>;
export type NewAttribute = Written<typeof ATTRIBUTE>;
export type NewValueInfo = Written<typeof VALUE_INFO>;

/** Messages and numbers of lists that a file may hold beside its weights: far more than models have. */
const MOST_PARTS = 2_000_000;

/** The file of a model. Throws ModelFileError on what is no such message, and on one of too many parts. */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  let parts = 0;
  const message = (reader: BinaryReader, end: number, fields: Fields) => {
    if (++parts > MOST_PARTS) throw tooMany();
    const found: Record<string, unknown> = {};
    const known = byNumber(fields);
    for (const [name, [, , many]] of Object.entries(fields)) if (many) found[name] = [];
    while (reader.pos < end) {
      const [number, wire] = reader.tag();
      const field = known.get(number);
      if (field) {
        const [name, kind, many] = field;
        const last = many ? packedUntil(reader, wire, kind, end) : undefined;
        if (!many) found[name] = one(reader, wire, kind, end);
        else if (last === undefined) (found[name] as unknown[]).push(one(reader, wire, kind, end));
        else
          while (reader.pos < last)
            (found[name] as unknown[]).push(one(reader, WIRES[kind as Scalar], kind, last));
        // A tensor's numbers take no more of them than the file has bytes.
        if (many && fields !== TENSOR && (found[name] as unknown[]).length > MOST_PARTS) throw tooMany();
      } else skip(reader, wire);
      if (reader.pos > end) throw new RangeError("a part is longer than what it is a part of");
    }
    return found;
  };
  const one = (reader: BinaryReader, wire: WireType, kind: Scalar | Fields, end: number): unknown => {
    if (wire !== WIRES[typeof kind === "string" ? kind : "bytes"])
      throw new RangeError("a field is of another type than ONNX's");
    if (kind === "int") return Number(reader.int64());
    if (kind === "float") return reader.float();
    if (kind === "text") return reader.string();
    if (kind === "bytes") return reader.bytes();
    const length = reader.uint32();
    const last = reader.pos + length;
    if (last > end) throw new RangeError("a part is longer than what it is a part of");
    return message(reader, last, kind);
  };
  try {
    return message(new BinaryReader(bytes), bytes.length, MODEL) as OnnxModel;
  } catch (error) {
    if (error instanceof ModelFileError) throw error;
    throw new ModelFileError(
      "damaged",
      `the ONNX file is damaged, or not all of it is there: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

const WIRES: Readonly<Record<Scalar, WireType>> = {
  int: WireType.Varint,
  float: WireType.Bit32,
  text: WireType.LengthDelimited,
  bytes: WireType.LengthDelimited,
};

/** Where a list that lies as one part ends; undefined for one number alone. */
function packedUntil(
  reader: BinaryReader,
  wire: WireType,
  kind: Scalar | Fields,
  end: number,
): number | undefined {
  if ((kind !== "int" && kind !== "float") || wire !== WireType.LengthDelimited) return undefined;
  const length = reader.uint32();
  const last = reader.pos + length;
  if (last > end) throw new RangeError("a list is longer than what it is a part of");
  return last;
}

function skip(reader: BinaryReader, wire: WireType): void {
  // Groups, which lie in each other, are of an older form of the protocol that ONNX never had.
  if (wire === WireType.StartGroup || wire === WireType.EndGroup) throw new RangeError("a field of no type");
  reader.skip(wire);
}

const tooMany = () =>
  new ModelFileError(
    "too-large",
    `the ONNX file holds more than ${MOST_PARTS.toLocaleString("en-US")} parts beside its weights`,
  );

type Known = ReadonlyMap<number, readonly [name: string, kind: Scalar | Fields, many: "many" | undefined]>;
const KNOWN = new Map<Fields, Known>();

/** A message's fields by their numbers. */
function byNumber(fields: Fields): Known {
  const found =
    KNOWN.get(fields) ??
    new Map(Object.entries(fields).map(([name, [number, kind, many]]) => [number, [name, kind, many]]));
  KNOWN.set(fields, found);
  return found;
}

/** The bytes of a model, fields in the order of their numbers, as others write them. */
export function encodeModel(model: Written<typeof MODEL>): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  write(writer, MODEL, model as Readonly<Record<string, unknown>>);
  return writer.finish() as Uint8Array<ArrayBuffer>;
}

function write(writer: BinaryWriter, fields: Fields, message: Readonly<Record<string, unknown>>): void {
  for (const [name, [number, kind, many]] of Object.entries(fields)) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of many ? (value as readonly unknown[]) : [value]) {
      writer.tag(number, WIRES[typeof kind === "string" ? kind : "bytes"]);
      if (kind === "int") writer.int64(one as number);
      else if (kind === "float") writer.float(one as number);
      else if (kind === "text") writer.string(one as string);
      else if (kind === "bytes") writer.bytes(one as Uint8Array);
      else {
        writer.fork();
        write(writer, kind, one as Readonly<Record<string, unknown>>);
        writer.join();
      }
    }
  }
}
