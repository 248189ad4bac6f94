import { batch, signal } from "@preact/signals";
import { ModelError } from "../../../compiler/errors.ts";
import { TO_UNIT } from "../../../compiler/preprocessing.ts";
import { type LoadedModel, ModelFileError } from "../../../formats/model-file.ts";
import { loadModel } from "../../../interchange/load-model.ts";
import type { Files } from "../../../interchange/portable.ts";
import { requireOneOfEach } from "../../../run/build-model.ts";
import { isShard } from "../file-kind.ts";
import { readFiles } from "../files.ts";
import { reasonOf } from "../model-file.ts";
import { announce, dismiss, fault, notify } from "../notices.ts";
import { subject } from "../subject.ts";
import { type Base, part, usualCut } from "./parting.ts";
import { type ScalingChoice, scalingOf } from "./scaling.ts";

/** The model that is learned from. */
export interface ChosenBase {
  /** Told anew for each: what is kept of one is of no use for another. */
  readonly key: string;
  /** The file's name, or where it comes from. */
  readonly name: string;
  readonly base: Base;
  /** What it takes its pixels as, as far as that was found. */
  readonly found: ScalingChoice;
  /** Where it is cut unless it is said otherwise. */
  readonly usualCut: string;
}

/** undefined: a small net learns from scratch. */
export const chosenBase = signal<ChosenBase | undefined>(undefined);
export const scaling = signal<ScalingChoice>("unit");
/** The layer that is the last of it that is learned from. */
export const cut = signal("");
/** Whether a base is being read. */
export const opening = signal(false);

const ABOUT = "taught-base";

/** Counts choices: one that was overtaken comes to nothing. */
let attempt = 0;

/** Makes the model of some files the base. Faults become a notice. */
export async function openBase(files: readonly File[]): Promise<void> {
  // Of a model in parts the one that names the others; of weights with their layers the weights.
  const rank = ({ name }: File) => (isShard(name) ? 2 : /\.json$/i.test(name) ? 1 : 0);
  const { name } = [...files].sort((a, b) => rank(a) - rank(b))[0]!;
  await choose(name, async () => {
    const read = await readFiles(files);
    const loaded = await load(Object.fromEntries(read.map(({ name, bytes }) => [name, bytes])));
    return { base: loaded, own: /\.safetensors$/i.test(name) };
  });
}

/** Files of weights alone may come with a model.json of layers. */
async function load(files: Files): Promise<LoadedModel> {
  try {
    return await loadModel(files);
  } catch (error) {
    if (!(error instanceof ModelFileError) || error.code !== "needs-model") throw error;
    const json = Object.keys(files).find((name) => /\.json$/i.test(name));
    if (json === undefined)
      throw new Error(
        "it holds weights alone, and no layers: drop it together with the .json file of its layers, or bring both into one file with wasmgrad convert",
        { cause: error },
      );
    const { [json]: layers, ...weights } = files;
    return loadModel(weights, { model: JSON.parse(new TextDecoder().decode(layers)) });
  }
}

/** Makes the model that the page looks at the base. */
export async function usePageModel(): Promise<void> {
  const current = subject.value;
  if (!current) return;
  await choose(`This page's model, ${current.name}`, async () => ({
    base: {
      model: current.trainer.model,
      tensors: await current.trainer.getWeights(),
      metadata: { ...current.metadata, preprocessing: current.metadata.preprocessing ?? TO_UNIT },
    },
    own: true,
  }));
}

/** Learns from scratch again. */
export function dropBase(): void {
  // One that is being read is not wanted either.
  attempt++;
  opening.value = false;
  dismiss(ABOUT);
  chosenBase.value = undefined;
}

async function choose(name: string, read: () => Promise<{ base: Base; own: boolean }>): Promise<void> {
  const current = ++attempt;
  dismiss(ABOUT);
  opening.value = true;
  try {
    const { base, own } = await read();
    if (current !== attempt) return;
    requireFit(base);
    const key = `${Date.now()} ${Math.random()}`;
    useBase({ key, name, base, found: scalingOf(base, own), usualCut: usualCut(base) });
    const { model } = base;
    notify(
      ABOUT,
      `${name} is the base now: ${model.countParams().toLocaleString("en-US")} parameters, for images of ${model.inputShape.join("×")}.`,
    );
    announce(`${name} is the base now`);
  } catch (error) {
    if (current !== attempt) return;
    const reason = reasonOf(error);
    fault(
      ABOUT,
      new Error(`${name} cannot be the base: ${(reason as Error).message.replace(/^the base: /, "")}`, {
        cause: error,
      }),
    );
  } finally {
    if (current === attempt) opening.value = false;
  }
}

export function useBase(next: ChosenBase, choice = next.found, behind = next.usualCut): void {
  batch(() => {
    scaling.value = choice;
    cut.value = behind;
    chosenBase.value = next;
  });
}

/** Cuts it behind that layer; what is wrong with that is returned. */
export function cutBehind(layer: string): string | undefined {
  try {
    part(chosenBase.value!.base, [2], layer);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  cut.value = layer;
  return undefined;
}

/** Throws ModelError where pictures cannot be put to it, or no head on it. */
function requireFit(base: Base): void {
  const { model } = base;
  requireOneOfEach(model);
  const { inputShape } = model;
  if (inputShape.length !== 3)
    throw new ModelError(`it takes ${inputShape.join("×")}, and pictures are height × width × colours`);
  const channels = inputShape[2]!;
  if (channels !== 1 && channels !== 3)
    throw new ModelError(`it takes images of ${channels} channels, and pictures have 3, or 1 in grey`);
  part(base, [2], usualCut(base));
}
