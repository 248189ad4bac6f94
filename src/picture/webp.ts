import { Codec, type CodecSource, checkSize } from "./codec.ts";
import { type Picture, PictureError } from "./picture.ts";

const codec = new Codec("webp", () => import("@jsquash/webp/codec/dec/webp_dec.js"));

/** Decodes a WebP that is no animation, lossy or not. Throws PictureError. */
export async function decodeWebp(bytes: Uint8Array, wasmOf?: CodecSource): Promise<Picture> {
  const { width, height } = webpHeader(bytes);
  return codec.decode(bytes, width * height, wasmOf);
}

const damaged = (what: string) => new PictureError(`is a damaged WebP: ${what}`);

/** The size that a WebP says it has. Throws PictureError. */
export function webpHeader(bytes: Uint8Array): { width: number; height: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let canvas: { width: number; height: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const data = at + 8;
    if (length > bytes.length - data)
      throw damaged(`its chunk ${JSON.stringify(type)} claims ${length} bytes, more than the file has`);
    if (type === "VP8X") {
      if (length < 10) throw damaged("its header is cut off");
      if (bytes[data]! & 2)
        throw new PictureError("is an animated WebP; save the picture that is meant as a file of its own");
      const three = (offset: number) =>
        1 + view.getUint16(data + offset, true) + 65536 * bytes[data + offset + 2]!;
      canvas = { width: three(4), height: three(7) };
    }
    const size =
      type === "VP8 "
        ? lossySize(view, data, length)
        : type === "VP8L"
          ? losslessSize(view, data, length)
          : undefined;
    if (size) {
      if (canvas && (canvas.width !== size.width || canvas.height !== size.height))
        throw damaged("its two headers differ on its size");
      checkSize(size.width, size.height);
      return size;
    }
    at = data + length + (length % 2);
  }
  throw damaged("it holds no picture");
}

function lossySize(view: DataView, at: number, length: number): { width: number; height: number } {
  if (length < 10) throw damaged("its picture is cut off");
  // 14 bits each, below two that say how it is to be scaled.
  return { width: view.getUint16(at + 6, true) & 0x3fff, height: view.getUint16(at + 8, true) & 0x3fff };
}

function losslessSize(view: DataView, at: number, length: number): { width: number; height: number } {
  if (length < 5) throw damaged("its picture is cut off");
  const bits = view.getUint32(at + 1, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}
