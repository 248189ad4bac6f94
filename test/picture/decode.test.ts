import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodePicture } from "../../src/picture/decode.ts";
import { codecFile } from "../../src/picture/files.ts";
import { loadPicture } from "../../src/picture/load.ts";
import { type Picture, PictureError } from "../../src/picture/picture.ts";

interface Decoded {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly rgba: string;
}
const decoded: Readonly<Record<string, Decoded>> = JSON.parse(
  readFileSync(new URL("../fixtures/pictures/decoded.json", import.meta.url), "utf8"),
);
const fileOf = (name: string) => new Uint8Array(Buffer.from(decoded[name]!.file, "base64"));

/** RGBA bytes of a picture. */
function bytesOf({ rgb, alpha, width, height }: Picture): Buffer {
  const out = Buffer.alloc(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = Math.round(255 * rgb[3 * i + c]!);
    out[4 * i + 3] = Math.round(255 * (alpha?.[i] ?? 1));
  }
  return out;
}

describe("pictures are decoded to the bytes that Pillow reads of them", () => {
  test.each(Object.keys(decoded))("%s", async (name) => {
    const expected = decoded[name]!;
    const picture = await loadPicture(fileOf(name));
    expect([picture.width, picture.height]).toEqual([expected.width, expected.height]);
    const got = bytesOf(picture);
    const off = got.findIndex((byte, i) => byte !== Buffer.from(expected.rgba, "base64")[i]);
    expect(off, `byte ${off} of ${got.length}`).toBe(-1);
  });
});

test("a decoder leaves no ImageData behind, and goes on after a damaged file", async () => {
  const good = fileOf("420.jpg");
  await expect(loadPicture(good.subarray(0, good.length - 2))).rejects.toThrow(PictureError);
  const broken = good.slice();
  broken.fill(0, 300, 340);
  await loadPicture(broken).catch(() => {});
  expect((await loadPicture(good)).width).toBe(35);
  expect("ImageData" in globalThis).toBe(false);
});

test("decoders are asked for where a file needs them, once", async () => {
  const asked: string[] = [];
  const wasmOf = (format: "jpeg" | "webp") => {
    asked.push(format);
    return codecFile(format);
  };
  await decodePicture(fileOf("palette.gif"), wasmOf);
  expect(asked).toEqual([]);
  await decodePicture(fileOf("420.jpg"), wasmOf);
  await decodePicture(fileOf("420.jpg"), wasmOf);
  expect(asked.length).toBeLessThanOrEqual(1);
});

describe("what cannot be read is refused with its reason", () => {
  const jpeg = (change: (bytes: Uint8Array, frame: number) => void, name = "420.jpg") => {
    const bytes = fileOf(name);
    change(
      bytes,
      bytes.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(bytes[i + 1]!)),
    );
    return bytes;
  };
  const webp = (name: string, change: (view: DataView) => void) => {
    const bytes = fileOf(name);
    change(new DataView(bytes.buffer));
    return bytes;
  };
  const gif = (at: number, ...values: number[]) => {
    const bytes = fileOf("palette.gif");
    bytes.set(values, at);
    return bytes;
  };
  const cut = (name: string, share = 0.6) => fileOf(name).subarray(0, share * fileOf(name).length);
  test.each<[string, Uint8Array, RegExp]>([
    ["a JPEG that is cut off", cut("420.jpg"), /^is a damaged JPEG: .*cut off/],
    [
      "a JPEG whose pixels end early",
      jpeg((bytes) => bytes.copyWithin(bytes.length - 200, bytes.length - 2)).subarray(0, -198),
      /^is a damaged JPEG: .*remature end/,
    ],
    ["a JPEG for print", jpeg((bytes, at) => bytes.set([4], at + 9)), /CMYK.*save it in RGB/],
    ["a JPEG of 12 bits", jpeg((bytes, at) => bytes.set([12], at + 4)), /12 bits/],
    ["a lossless JPEG", jpeg((bytes, at) => bytes.set([0xc3], at + 1)), /rare kind/],
    [
      "a huge JPEG",
      jpeg((bytes, at) => bytes.set([0xff, 0xff, 0xff, 0xff], at + 5)),
      /^is 65535x65535 pixels; expected 1 to/,
    ],
    [
      "a JPEG of more pixels than its bytes can hold",
      jpeg((bytes, at) => bytes.set([0x10, 0, 0x10, 0], at + 5)),
      /more than \d+ bytes can hold/,
    ],
    ["a JPEG of no height", jpeg((bytes, at) => bytes.set([0, 0], at + 5)), /^is 35x0 pixels/],
    ["a JPEG signature alone", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), /damaged JPEG/],
    ["a WebP that is cut off", cut("lossy.webp"), /damaged WebP/],
    ["a WebP signature alone", fileOf("lossy.webp").subarray(0, 12), /holds no picture/],
    ["an animated WebP", webp("alpha.webp", (view) => view.setUint8(20, 2)), /damaged|animated/],
    [
      "a huge WebP",
      webp("lossy.webp", (view) => view.setUint32(26, 0x3fff3fff, true)),
      /^is 16383x16383 pixels/,
    ],
    ["a GIF that is cut off", cut("palette.gif"), /damaged GIF/],
    ["a GIF signature alone", Buffer.from("GIF89a"), /damaged GIF: it is cut off/],
    [
      "a GIF of no pictures",
      Uint8Array.of(...Buffer.from("GIF89a"), 1, 0, 1, 0, 0, 0, 0, 0x3b),
      /holds no picture/,
    ],
    ["a huge GIF", gif(6, 0xff, 0xff, 0xff, 0xff), /^is 65535x65535 pixels/],
    [
      "a GIF with a large empty screen",
      gif(6, 0x88, 0x13, 0x88, 0x13),
      /screen of 5000x5000 pixels around a picture of 35x27/,
    ],
    ["a GIF whose picture is outside of its screen", gif(6, 5, 0, 5, 0), /does not lie on its screen/],
    [
      "a HEIC",
      Uint8Array.of(0, 0, 0, 0x18, ...Buffer.from("ftypheic")),
      /^is in HEIC format, and only PNG, JPEG, WebP and GIF can be read\..*magick/,
    ],
    ["a text", Buffer.from("hello"), /^is no PNG, JPEG, WebP or GIF file/],
    ["nothing", new Uint8Array(), /^is empty; expected a PNG/],
  ])("%s", async (_, bytes, said) => {
    const error = await loadPicture(bytes).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(PictureError);
    expect((error as Error).message).toMatch(said);
  });
});
