import { Codec, type CodecSource, checkSize } from "./codec.ts";
import { type Picture, PictureError } from "./picture.ts";

/** A progressive file gives its pixels in scans, each of which goes through all of them: so many at most, and pixels in all. */
const MAX_SCANS = 100;
const MAX_SCANNED = 500_000_000;
/** Each block of 64 pixels takes a bit at least: of a larger claim no memory is taken. */
const MOST_PIXELS_A_BYTE = 512;

const codec = new Codec("jpeg", () => import("@jsquash/jpeg/codec/dec/mozjpeg_dec.js"));

/** Decodes a JPEG, baseline or progressive, grey or in colour. Throws PictureError. */
export async function decodeJpeg(bytes: Uint8Array, wasmOf?: CodecSource): Promise<Picture> {
  const { width, height } = jpegHeader(bytes);
  // Other remarks are of what every reader passes over.
  return codec.decode(bytes, width * height, wasmOf, (said) => /premature end/i.test(said));
}

const damaged = (what: string) => new PictureError(`is a damaged JPEG: ${what}`);

/**
 * The size that a JPEG says it has, once all that decides on what decoding takes was looked at.
 * Throws PictureError.
 */
export function jpegHeader(bytes: Uint8Array): { width: number; height: number } {
  let size: { width: number; height: number } | undefined;
  let scans = 0;
  for (let at = 2; ; ) {
    // Between segments, and behind the coded pixels, may lie anything: the next marker is what counts.
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) throw damaged("it ends before its end marker: it is cut off");
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    at += 2;
    // End of image; a stuffed byte, restarts and the like have no length.
    if (marker === 0xd9 && scans > 0) break;
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd9)) continue;
    if (at + 2 > bytes.length) throw damaged("it ends within a segment");
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    if (length < 2 || at + length > bytes.length)
      throw damaged(`a segment claims ${length} bytes, more than the file has`);
    if (marker === 0xda && ++scans > MAX_SCANS) throw damaged(`it has more than ${MAX_SCANS} scans`);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) {
      if (size) throw damaged("it has two frames");
      size = frameSize(bytes.subarray(at, at + length), marker);
    }
    at += length;
  }
  if (!size) throw damaged("it has no frame");
  if (scans * size.width * size.height > MAX_SCANNED)
    throw new PictureError(
      `is a JPEG of ${scans} scans of ${size.width}x${size.height} pixels, which take too long; save it anew`,
    );
  if (size.width * size.height > MOST_PIXELS_A_BYTE * bytes.length)
    throw damaged(`it claims ${size.width}x${size.height} pixels, more than ${bytes.length} bytes can hold`);
  return size;
}

function frameSize(frame: Uint8Array, marker: number): { width: number; height: number } {
  if (frame.length < 8) throw damaged("its frame is cut off");
  const [, , bits, high, low, wide, narrow, components] = frame as unknown as number[];
  const [height, width] = [high! * 256 + low!, wide! * 256 + narrow!];
  checkSize(width, height);
  if (marker > 0xc2)
    throw new PictureError("is a JPEG of a rare kind (lossless, hierarchical or arithmetic); save it as PNG");
  if (bits !== 8) throw new PictureError(`is a JPEG of ${bits} bits a channel; save it as PNG`);
  if (components === 4)
    throw new PictureError(
      "is a JPEG for print (CMYK); save it in RGB, or with ImageMagick: magick in.jpg -colorspace sRGB out.png",
    );
  if (components !== 1 && components !== 3) throw damaged(`its frame has ${components} components`);
  return { width, height };
}
