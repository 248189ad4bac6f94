// Node only: models of which a folder, or a file and those beside it, are the whole.
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../data/errors.ts";
import { readWhole } from "../data/files.ts";
import { isInside } from "../interchange/tfjs/shards.ts";
import { isObject } from "../options/kinds.ts";

/** The model of a run's folder. */
export const RUN_MODEL = "model.safetensors";
const LAYERS_MODEL = "model.json";

/** What to read of a folder: a run's model, or where it is one of TensorFlow.js its model.json. */
export async function mainFileIn(folder: string): Promise<typeof RUN_MODEL | typeof LAYERS_MODEL> {
  const there = (name: string) =>
    stat(join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  return (await there(LAYERS_MODEL)) && !(await there(RUN_MODEL)) ? LAYERS_MODEL : RUN_MODEL;
}

/** The file, and with a model.json the files beside it that it names, with an ONNX file that of its weights as PyTorch calls it. */
export async function withFilesBeside(
  path: string,
  bytes: Uint8Array,
): Promise<Uint8Array | Record<string, Uint8Array>> {
  if (path.endsWith(".onnx")) {
    const weights = await besides(`${path}.data`);
    return weights ? { [basename(path)]: bytes, [`${basename(path)}.data`]: weights } : bytes;
  }
  if (!path.endsWith(".json")) return bytes;
  let groups: unknown;
  try {
    groups = (JSON.parse(new TextDecoder().decode(bytes)) as { weightsManifest?: unknown }).weightsManifest;
  } catch {
    return bytes;
  }
  const paths = [groups].flat().flatMap((group) => (isObject(group) ? [group.paths].flat() : []));
  const files: Record<string, Uint8Array> = { [LAYERS_MODEL]: bytes };
  // One that lies elsewhere, or is missing, is told by who reads the model.
  for (const shard of paths.filter(isInside)) {
    const found = await besides(join(dirname(path), shard));
    if (found) files[shard] = found;
  }
  return files;
}

/** A file beside the model's; undefined where there is none. */
async function besides(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readWhole(path);
  } catch (error) {
    if (error instanceof DataError && error.code === "not-found") return undefined;
    throw error;
  }
}
