import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * TensorFlow's event files, as TensorBoard reads them: records, each a protocol buffer of the message Event with its length and
 * checksums (tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto). Summaries are those of tf.summary in
 * TensorFlow 2: tensors, and the name of the plugin that shows them.
 */

type Message = (writer: BinaryWriter) => void;

/** A field that is a message. */
function nested(writer: BinaryWriter, field: number, message: Message): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  message(writer);
  writer.join();
}

const text = (writer: BinaryWriter, field: number, value: string) =>
  writer.tag(field, WireType.LengthDelimited).string(value);
const bytes = (writer: BinaryWriter, field: number, value: Uint8Array) =>
  writer.tag(field, WireType.LengthDelimited).bytes(value);
const whole = (writer: BinaryWriter, field: number, value: number) =>
  writer.tag(field, WireType.Varint).int64(value);

/** DataType of tensorflow/core/framework/types.proto. */
const DT = { float: 1, double: 2, string: 7 } as const;
/** What is shown under a tag. */
export interface Summary {
  readonly tag: string;
  readonly plugin: "scalars" | "histograms" | "images";
  /** Fields of a TensorProto. */
  readonly tensor: Message;
}

function shape(writer: BinaryWriter, field: number, sizes: readonly number[]): void {
  nested(writer, field, (inner) => {
    for (const size of sizes) nested(inner, 2, (dim) => whole(dim, 1, size));
  });
}

export function scalar(tag: string, value: number): Summary {
  return {
    tag,
    plugin: "scalars",
    tensor: (writer) => {
      whole(writer, 1, DT.float);
      shape(writer, 2, []);
      writer.tag(5, WireType.LengthDelimited).fork().float(value).join();
    },
  };
}

const BUCKETS = 30;

/** Counts of the finite values in 30 buckets of one width, as tf.summary.histogram makes them: left edge, right edge, count. */
export function histogramOf(values: Float32Array): Float64Array<ArrayBuffer> {
  const rows = new Float64Array(3 * BUCKETS);
  let [low, high, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (count === 0) return rows;
  const width = (high - low) / BUCKETS;
  for (let i = 0; i < BUCKETS; i++) {
    rows[3 * i] = i * width + low;
    rows[3 * i + 1] = i === BUCKETS - 1 ? high : (i + 1) * width + low;
  }
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    // Of a single value all are in the last bucket.
    const bucket = width === 0 ? BUCKETS - 1 : Math.min(Math.floor((value - low) / width), BUCKETS - 1);
    rows[3 * bucket + 2]!++;
  }
  return rows;
}

export function histogram(tag: string, values: Float32Array): Summary {
  const rows = histogramOf(values);
  const content = new Uint8Array(rows.byteLength);
  const view = new DataView(content.buffer);
  for (const [i, value] of rows.entries()) view.setFloat64(8 * i, value, true);
  return {
    tag,
    plugin: "histograms",
    tensor: (writer) => {
      whole(writer, 1, DT.double);
      shape(writer, 2, [BUCKETS, 3]);
      bytes(writer, 4, content);
    },
  };
}

/** Pictures of one size, PNG files. */
export function images(
  tag: string,
  { width, height }: { readonly width: number; readonly height: number },
  files: readonly Uint8Array[],
): Summary {
  return {
    tag,
    plugin: "images",
    tensor: (writer) => {
      whole(writer, 1, DT.string);
      shape(writer, 2, [2 + files.length]);
      for (const size of [width, height]) text(writer, 8, String(size));
      for (const file of files) bytes(writer, 8, file);
    },
  };
}

/** A node of the graph that TensorBoard draws. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes. */
  readonly inputs: readonly string[];
  readonly outputShape: readonly number[];
  /** What else is told of it. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** The bytes of a GraphDef. The number of samples in a batch is -1: any. */
export function graphDef(nodes: readonly GraphNode[]): Uint8Array {
  const writer = new BinaryWriter();
  const attribute = (node: BinaryWriter, name: string, value: Message) =>
    nested(node, 5, (entry) => {
      text(entry, 1, name);
      nested(entry, 2, value);
    });
  for (const { name, op, inputs, outputShape, numbers } of nodes)
    nested(writer, 1, (node) => {
      text(node, 1, name);
      text(node, 2, op);
      for (const input of inputs) text(node, 3, input);
      attribute(node, "_output_shapes", (value) =>
        nested(value, 1, (list) => shape(list, 7, [-1, ...outputShape])),
      );
      for (const [key, number] of Object.entries(numbers))
        attribute(node, key, (value) => whole(value, 3, number));
    });
  // VersionDef: the producer's number, of which TensorBoard asks for one that is not too old.
  nested(writer, 4, (versions) => whole(versions, 1, 22));
  return writer.finish();
}

/** What happened: the first of a file, the graph, or summaries at a step. */
export type Happened =
  | { readonly fileVersion: string }
  | { readonly graph: Uint8Array }
  | { readonly step: number; readonly summaries: readonly Summary[] };

/** The bytes of an Event. `wallTime`: seconds since 1970. */
export function event(wallTime: number, what: Happened): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(wallTime);
  if ("fileVersion" in what) text(writer, 3, what.fileVersion);
  else if ("graph" in what) bytes(writer, 4, what.graph);
  else {
    if (what.step !== 0) whole(writer, 2, what.step);
    nested(writer, 5, (summary) => {
      for (const one of what.summaries) nested(summary, 1, (value) => summaryValue(value, one));
    });
  }
  return writer.finish();
}

function summaryValue(writer: BinaryWriter, { tag, plugin, tensor }: Summary): void {
  text(writer, 1, tag);
  nested(writer, 8, tensor);
  nested(writer, 9, (metadata) => nested(metadata, 1, (data) => text(data, 1, plugin)));
}

/** A record of an event file: its length and the checksum of that, the bytes, and theirs. */
export function record(content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(content.length + 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length, true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(content, 12);
  view.setUint32(12 + content.length, masked(crc32c(content)), true);
  return bytes;
}

/** CRC-32C of the bytes: Castagnoli's polynomial, which few libraries have. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Checksums of what holds checksums itself would be weak: TensorFlow turns and shifts them. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
