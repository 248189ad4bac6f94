import { openOwnFiles } from "./dataset.ts";
import { fileKind, isModelInParts, isShard } from "./file-kind.ts";
import { readFiles } from "./files.ts";
import { openModelFile } from "./model-file.ts";
import { dismiss, fault, notify } from "./notices.ts";
import { openPicture } from "./photo.ts";
import { OWN_FILES } from "./settings.ts";
import { change, settings, tab } from "./setup.ts";

/** Opens what was dropped or picked: a picture, a model, or the files of a dataset. Faults become a notice. */
export async function openFiles(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  // What was said of the files before is of no interest now.
  for (const about of ["dataset", "file", "picture"]) dismiss(about);
  try {
    const read = await readFiles(files);
    const kinds = read.map(({ name, bytes }) => fileKind(name, bytes));
    if (kinds.every((kind) => kind === "picture")) {
      await openPicture(read[0]!);
      tab.value = "draw";
      if (read.length > 1)
        notify("picture", `${read.length} pictures were given: the page looks at one, ${read[0]!.name}.`);
    } else if ((read.length === 1 && kinds[0] === "model") || isModelInParts(read.map(({ name }) => name))) {
      // The file that names the others first.
      const parts = [...read].sort((a, b) => Number(isShard(a.name)) - Number(isShard(b.name)));
      await openModelFile(parts[0]!.name, Object.fromEntries(parts.map(({ name, bytes }) => [name, bytes])));
    } else {
      const images = settings.value.dataset === OWN_FILES ? settings.value.images : undefined;
      change({ dataset: await openOwnFiles(read, images), images });
    }
  } catch (error) {
    fault("dataset", error);
  }
}

/** Lets the visitor choose files, and opens them. To be called where the visitor has just pressed something. */
export function pickFiles(): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.onchange = () => void openFiles([...(input.files ?? [])]);
  input.click();
}
