import { deflateSync } from "node:zlib";

/** A PNG chunk with its CRC-32. */
export function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = new Uint8Array([...new TextEncoder().encode(type), ...data]);
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const out = new DataView(new ArrayBuffer(body.length + 8));
  out.setUint32(0, data.length);
  new Uint8Array(out.buffer).set(body, 4);
  out.setUint32(body.length + 4, ~crc >>> 0);
  return new Uint8Array(out.buffer);
}

export interface RawPng {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA. */
  readonly colourType: number;
  readonly interlaced?: boolean;
  /** Bytes of each row. */
  readonly rows: readonly (readonly number[])[];
  readonly chunks?: readonly Uint8Array[];
}

/** A PNG of kinds that fast-png does not write. */
export function rawPng({
  width,
  height,
  depth,
  colourType,
  interlaced = false,
  rows,
  chunks = [],
}: RawPng): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  [depth, colourType, 0, 0, Number(interlaced)].forEach((byte, i) => {
    header.setUint8(8 + i, byte);
  });
  const data = deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])));
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", new Uint8Array(header.buffer)),
    ...chunks,
    chunk("IDAT", data),
    chunk("IEND", new Uint8Array()),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
