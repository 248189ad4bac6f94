import { ModelError } from "../../compiler/errors.ts";
import { findDataset, GENERATED, numberedClasses } from "../../data/datasets.ts";
import { type LoadedModel, readModel } from "../../formats/model-file.ts";
import { exportModel, modelCard } from "../../interchange/export-model.ts";
import { FORMATS } from "../../interchange/formats.ts";
import { loadModel } from "../../interchange/load-model.ts";
import type { FormatName } from "../../interchange/options.ts";
import type { Files } from "../../interchange/portable.ts";
import { MODELS } from "../../model/models.ts";
import { requireOneOfEach } from "../../run/build-model.ts";
import { layersOfConfig } from "./branches.ts";
import { ensureDataset, type Loaded } from "./dataset.ts";
import { download } from "./files.ts";
import { lookAtTestImages } from "./glance.ts";
import { namedLayers } from "./model.ts";
import { announce, dismiss, fault, notify } from "./notices.ts";
import { openTrainer, prepare, replaceSubject } from "./run.ts";
import { CUSTOM, DEFAULTS, type Settings } from "./settings.ts";
import { change, settings } from "./setup.ts";
import { phase, subject, weights } from "./subject.ts";
import { runTest } from "./test.ts";

/** Formats that the page saves models in: name, and what people call it. */
export const SAVED_AS: readonly (readonly [FormatName, string])[] = FORMATS.filter(({ writer }) => writer)
  .sort((a, b) => Number(b.name === "wasmgrad") - Number(a.name === "wasmgrad"))
  .map(({ name, title, endings, written = endings[0]! }) => [
    name as FormatName,
    // The title first: it is what a narrow field shows, and two formats have one ending.
    title.includes(written) ? title : `${title} (${written})`,
  ]);

/** Gives the visitor the model that is looked at. */
export async function saveModelFile(format: FormatName = "wasmgrad"): Promise<void> {
  const current = subject.value;
  if (current) await saveFile(format, () => current.trainer.save(current.metadata));
}

/** Gives the visitor a model, of a format with several files an archive of them. Faults become a notice. @param file bytes of wasmgrad's own */
export async function saveFile(
  format: FormatName,
  file: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  dismiss("file");
  try {
    const own = await file();
    const [name, bytes] =
      format === "wasmgrad" ? (["model.safetensors", own] as const) : await converted(own, format);
    download(name, bytes, "application/octet-stream");
    announce(`${name} was saved`);
  } catch (error) {
    fault("file", reasonOf(error));
  }
}

/** What browsers say where code that is loaded when it is needed does not come. */
const NOT_LOADED = /dynamically imported module|Importing a module script failed/;

export function reasonOf(error: unknown): unknown {
  return error instanceof Error && NOT_LOADED.test(error.message)
    ? new Error(
        "This format needs code that the page loads when it is first used, and its server does not answer: try again with a network. wasmgrad's own files, .safetensors, do without one.",
        { cause: error },
      )
    : error;
}

/** A model file in another format: its name, and what is in it. */
async function converted(
  own: Uint8Array<ArrayBuffer>,
  format: FormatName,
): Promise<readonly [string, Uint8Array<ArrayBuffer>]> {
  const loaded = readModel(own);
  const files = await exportModel(loaded, { format, name: "model" });
  const all = Object.entries(files);
  const [first] = all;
  // Types are of use in an editor, beside the file that was saved from there.
  const parts = all.filter(([name]) => !name.endsWith(".d.ts"));
  if (parts.length === 1) return first!;
  const { zipSync } = await import("fflate");
  const card = await modelCard(loaded, { format, file: first![0] });
  const archive = { ...Object.fromEntries(parts), "README.md": new TextEncoder().encode(card) };
  return [`model-${format}.zip`, zipSync(archive, { level: 0 }) as Uint8Array<ArrayBuffer>];
}

/** Makes the model of a file, or of one in several, the one that is looked at, and its layers the editor's. Faults become a notice. */
export async function openModelFile(name: string, files: Files): Promise<void> {
  if (phase.value !== "idle") {
    notify("file", "Stop the training before you load a model: it would be replaced.", "fault");
    return;
  }
  dismiss("file");
  const current = prepare();
  try {
    const file = await loadModel(files);
    if (!current()) return;
    requireOneOfEach(file.model);
    const { outputShape } = file.model;
    if (outputShape.length > 1)
      throw new ModelError(
        `the model gives an image of ${outputShape.join("x")} for each, and the page tests classes; ask it on the command line: wasmgrad predict model.safetensors picture.png --out answers`,
      );
    const chosen = settingsOf(file);
    const trainer = await openTrainer(file.model, chosen, file.metadata.preprocessing);
    const outputs = file.model.outputShape.at(-1)!;
    if (current()) change(chosen);
    const data = current() ? await dataFor(chosen, file) : undefined;
    if (!current()) {
      trainer.dispose();
      return;
    }
    replaceSubject({
      trainer,
      name: file.model.name,
      classNames: file.metadata.classNames ?? numberedClasses(Math.max(outputs, 2)),
      settings: chosen,
      data,
      metadata: file.metadata,
      origin: "file",
    });
    weights.value = file.tensors;
    notify(
      "file",
      `${name} is loaded: ${file.model.countParams().toLocaleString("en-US")} parameters.${data ? "" : " Its test images are not here: draw for it, or choose their dataset."}`,
    );
    announce(`${name} is loaded`);
    await lookAtTestImages(subject.value!).catch(() => {});
    await runTest();
  } catch (error) {
    if (!current()) return;
    const reason = reasonOf(error);
    fault(
      "file",
      reason instanceof Error ? new Error(`${name}: ${reason.message}`, { cause: error }) : reason,
    );
  } finally {
    if (current()) phase.value = "idle";
  }
}

/** The editor's settings for a model from a file: its layers, its loss and, where it is known, its dataset. */
function settingsOf({ model, metadata }: LoadedModel): Settings {
  const own = layersOfConfig(model.toConfig());
  const same = Object.keys(MODELS).find(
    (name) =>
      JSON.stringify(named(name, model.inputShape, model.outputShape.at(-1)!)) === JSON.stringify(own),
  );
  const { dataset } = metadata;
  const known = dataset !== undefined && (dataset === GENERATED || findDataset(dataset) !== undefined);
  return {
    ...settings.value,
    ...(known && { dataset, images: undefined }),
    // A model that the editor cannot say leaves it as it is.
    ...(!own ? {} : same ? { model: same } : { model: CUSTOM, layers: own }),
    loss: typeof metadata.loss === "string" ? metadata.loss : DEFAULTS.loss,
  };
}

function named(name: string, inputShape: readonly number[], classes: number): unknown {
  try {
    return namedLayers(name, inputShape, classes);
  } catch {
    return undefined;
  }
}

/** The dataset of the model, where it costs no download. */
async function dataFor(chosen: Settings, { model }: LoadedModel): Promise<Loaded | undefined> {
  if (chosen.dataset !== GENERATED) return undefined;
  const data = await ensureDataset(chosen.dataset, chosen.images).catch(() => undefined);
  return data && data.set.train.shape.join() === model.inputShape.join() ? data : undefined;
}
