import { ModelFileError } from "../formats/model-file-error.ts";
import { isObject } from "../options/kinds.ts";
import { FORMATS, type Format, type Look } from "./formats.ts";
import type { Files } from "./portable.ts";

const HEAD = 512;
const ZIP = "PK\u0003\u0004";
/** Headers of safetensors files that are looked into. */
const MAX_HEADER = 10_000_000;

/** The format of a file, by its bytes. Throws ModelFileError `unknown-format` where there is none of its kind. */
export async function formatOf(bytes: Uint8Array): Promise<Format> {
  const look = await lookAt(bytes);
  const found = FORMATS.find((format) => format.recognises?.(look));
  if (found) return found;
  const titles = FORMATS.filter(({ reader, name }) => reader || name === "wasmgrad").map(
    ({ title }) => title,
  );
  throw new ModelFileError(
    "unknown-format",
    `no model file of a known format: it begins with ${JSON.stringify(look.head.slice(0, 16))}${
      look.zipped.length > 0
        ? `, a zip archive of ${look.zipped
            .slice(0, 5)
            .map((name) => name.slice(0, 60))
            .join(", ")}${look.zipped.length > 5 ? " …" : ""}`
        : ""
    }; expected one of: ${titles.join("; ")}`,
  );
}

/** The file that tells the format of those given together, and the format: whatever the order that they are in. */
export async function formatOfFiles(files: Files): Promise<{ name: string; format: Format }> {
  const entries = Object.entries(files);
  if (entries.length > 1) {
    const looks = await Promise.all(
      entries.map(async ([name, bytes]) => ({ name, look: await lookAt(bytes) })),
    );
    // Format by format: weights beside a model begin with any bytes, and may pass for a file of a format that asks for few.
    for (const format of FORMATS) {
      const found = looks.find(({ look }) => format.recognises?.(look));
      if (found) return { name: found.name, format };
    }
  }
  const [name, bytes] = entries[0]!;
  return { name, format: await formatOf(bytes) };
}

async function lookAt(bytes: Uint8Array): Promise<Look> {
  const head = Array.from(bytes.subarray(0, HEAD), (byte) => String.fromCharCode(byte)).join("");
  return { bytes, head, zipped: await namesIn(bytes, head), safetensors: metadataOf(bytes, head) };
}

/** Names in a zip archive; of a damaged one none. */
async function namesIn(bytes: Uint8Array, head: string): Promise<readonly string[]> {
  if (!head.startsWith(ZIP)) return [];
  const { unzip } = await import("../sources/unzip.ts");
  try {
    return [...unzip(bytes, ({ text }) => new Error(text)).keys()];
  } catch {
    return [];
  }
}

function metadataOf(bytes: Uint8Array, head: string): Look["safetensors"] {
  if (head[8] !== "{" || bytes.length < 9) return undefined;
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
  if (size > Math.min(MAX_HEADER, bytes.length - 8)) return undefined;
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
    if (!isObject(header)) return undefined;
    return isObject(header.__metadata__) ? header.__metadata__ : {};
  } catch {
    return undefined;
  }
}
