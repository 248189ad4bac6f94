import { openOwnFiles } from "./dataset.ts";
import { readFiles } from "./files.ts";
import { openModelFile } from "./model-file.ts";
import { fault } from "./notices.ts";
import { OWN_FILES } from "./settings.ts";
import { change, settings } from "./setup.ts";

/** Opens what was dropped or picked: a model, or the IDX files of a dataset. Faults become a notice. */
export async function openFiles(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  try {
    const read = await readFiles(files);
    const [first] = read;
    if (read.length === 1 && /\.safetensors$/i.test(first!.name)) {
      await openModelFile(first!.name, first!.bytes);
      return;
    }
    const images = settings.value.dataset === OWN_FILES ? settings.value.images : undefined;
    await openOwnFiles(read, images);
    change({ dataset: OWN_FILES, images });
  } catch (error) {
    fault("dataset", error);
  }
}
