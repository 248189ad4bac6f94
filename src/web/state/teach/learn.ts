import { computed, effect, signal, untracked } from "@preact/signals";
import { modelFile } from "../../../browser/model-file.ts";
import { createTrainer, type Trainer } from "../../../browser.ts";
import { TO_UNIT } from "../../../compiler/preprocessing.ts";
import type { ModelMetadata } from "../../../formats/model-file.ts";
import { conv2d, dense, flatten, maxPooling2d } from "../../../model/layers/index.ts";
import { adam } from "../../../optim/index.ts";
import type { NamedTensor } from "../../../safetensors/safetensors.ts";
import type { Callbacks } from "../../../train/callbacks.ts";
import type { Samples } from "../../../train/samples.ts";
import { sequential } from "../../../train/sequential.ts";
import { WORKER_URL } from "../../worker-url.ts";
import { announce, dismiss, notify } from "../notices.ts";
import { type ChosenBase, chosenBase, cut, scaling } from "./base.ts";
import { FIT, fitted } from "./fit.ts";
import { type Base, headWeights, type Parted, part, wholeWeights } from "./parting.ts";
import { type Colours, classes, nameProblem, type Picture, type TaughtClass } from "./pictures.ts";
import { type ScalingChoice, scaled } from "./scaling.ts";
import { VARIANTS, variantsOf } from "./vary.ts";

/** How it is learned. */
export interface TeachOptions {
  readonly epochs: number;
  readonly learningRate: number;
  /** Of the layer before the classes; 0: there is none. */
  readonly units: number;
  /** Whether each picture is learned with some that differ a little, too. */
  readonly vary: boolean;
  /** Pixels of a side, where a small net learns from scratch. */
  readonly side: number;
}

export const DEFAULT_OPTIONS: TeachOptions = {
  epochs: 30,
  learningRate: 0.001,
  units: 128,
  vary: false,
  side: 64,
};
export const teachOptions = signal(DEFAULT_OPTIONS);

/** Pictures of a class from which on every fifth is held out. */
const ENOUGH = 10;
const HELD_OUT = 5;
const BATCH = 16;
const SEED = 1;
/** Pictures that a base is asked about at once: what the camera sees waits no longer. */
const HEAP = 8;
/** Milliseconds between a change and the training that it asks for. */
const PATIENCE_MS = 300;

/** How a base is learned from. */
export interface BaseUse {
  readonly choice: ScalingChoice;
  /** The last of its layers. */
  readonly behind: string;
}

/** A model that was taught: what it answers, and its file. */
export interface Taught {
  readonly classNames: readonly string[];
  /** The base that it was taught on; undefined: none. */
  readonly base: ChosenBase | undefined;
  readonly use: BaseUse;
  readonly options: TeachOptions;
  readonly result: TaughtResult;
  /** What was trained: others may have the same. */
  readonly trainer: Trainer;
  /** A probability for each class. */
  ask(picture: Colours): Promise<Float32Array>;
  /** The weights that were trained, by their names. */
  weights(): Promise<NamedTensor[]>;
  /** Bytes of a model.safetensors. */
  file(): Promise<Uint8Array<ArrayBuffer>>;
}

export interface TaughtResult {
  readonly pictures: number;
  /** Of those that were held out; of the pictures themselves where none were. */
  readonly accuracy: number;
  readonly heldOut: number;
  readonly seconds: number;
}

export const taught = signal<Taught | undefined>(undefined);

/** What is being done. */
export type Doing =
  | { readonly doing: "nothing" }
  | { readonly doing: "looking"; readonly done: number; readonly of: number }
  | {
      readonly doing: "learning";
      readonly epoch: number;
      readonly epochs: number;
      readonly accuracy: number | undefined;
    };

export const doing = signal<Doing>({ doing: "nothing" });
/** Whether what an earlier visit left is being put back: nothing is learned meanwhile. */
export const restoring = signal(true);
/** Whether what is there was taught in an earlier visit on pictures that are gone. */
export const withoutPictures = signal(false);
/** Whether the visitor has stopped it: it goes on when they say so. */
export const halted = signal(false);

/** The classes that are learned: those with pictures. */
const learned = computed(() => classes.value.filter(({ pictures }) => pictures.length > 0));

/** Why nothing is learned; undefined where it is. */
export const teachProblem = computed<string | undefined>(() => {
  const wrong = classes.value.map(nameProblem).find((problem) => problem !== undefined);
  if (wrong) return wrong;
  if (optionsProblem(teachOptions.value)) return "A setting is out of range: see below.";
  const missing = classes.value.filter(({ pictures }) => pictures.length === 0);
  if (learned.value.length < 2)
    return missing.length === classes.value.length
      ? "Give two classes some pictures each: it learns as they come."
      : `Give another class some pictures, too: ${missing.map(({ name }) => name).join(", ")} ${missing.length === 1 ? "has" : "have"} none.`;
  return undefined;
});

/** Classes that are left out, in a sentence. */
export const leftOut = computed(() => {
  const names = classes.value.filter(({ pictures }) => pictures.length === 0).map(({ name }) => name);
  return learned.value.length < 2 || names.length === 0
    ? undefined
    : `${names.join(", ")} ${names.length === 1 ? "has" : "have"} no pictures, and ${names.length === 1 ? "is" : "are"} left out.`;
});

/** What is wrong with the settings, by their names. */
export function optionsProblem({
  epochs,
  learningRate,
  units,
}: TeachOptions): Partial<Record<keyof TeachOptions, string>> | undefined {
  const wrong: Partial<Record<keyof TeachOptions, string>> = {};
  if (!(Number.isSafeInteger(epochs) && epochs >= 1 && epochs <= 10_000))
    wrong.epochs = "expected a whole number from 1 to 10,000";
  if (!(learningRate > 0 && learningRate <= 10)) wrong.learningRate = "expected a number above 0, at most 10";
  if (!(Number.isSafeInteger(units) && units >= 0 && units <= 4096))
    wrong.units = "expected a whole number from 0 to 4,096";
  return Object.keys(wrong).length > 0 ? wrong : undefined;
}

/** All of a class's pictures that are learned, and those that are held out: what was held out once stays so. */
function divided({ pictures }: TaughtClass, enough: boolean): { learned: Picture[]; heldOut: Picture[] } {
  const out = (_: Picture, i: number) => enough && i % HELD_OUT === HELD_OUT - 1;
  return { learned: pictures.filter((picture, i) => !out(picture, i)), heldOut: pictures.filter(out) };
}

/** What pictures become for what is trained, as its images: each, and its variants. */
interface Eye {
  /** Of one. */
  readonly shape: readonly number[];
  /** Makes them ready: rejects where `current` no longer holds. */
  look(pictures: readonly Wanted[], current: () => boolean): Promise<void>;
  /** What was made ready: the picture itself, then its variants. */
  of(picture: Picture): readonly (Uint8Array | Float32Array)[];
}

interface Wanted {
  readonly picture: Picture;
  /** With variants. */
  readonly varied: boolean;
}

/** A picture, and its variants, as large as they are to be. In a task of their own: the page must answer meanwhile. */
async function views({ picture, varied }: Wanted, shape: readonly number[]): Promise<Uint8Array[]> {
  await new Promise((resolve) => setTimeout(resolve));
  const all = varied ? [picture, ...variantsOf(picture, picture.id)] : [picture];
  return all.map((colours) => fitted(colours, shape));
}

class Overtaken extends Error {}

/** The pictures as they are, for a net that learns from scratch. */
class Plain implements Eye {
  readonly shape: readonly number[];
  readonly #seen = new WeakMap<Picture, Uint8Array[]>();

  constructor(side: number) {
    this.shape = [side, side, 3];
  }

  async look(pictures: readonly Wanted[], current: () => boolean): Promise<void> {
    for (const [i, wanted] of pictures.entries()) {
      const { picture, varied } = wanted;
      if ((this.#seen.get(picture)?.length ?? 0) >= (varied ? 1 + VARIANTS : 1)) continue;
      this.#seen.set(picture, await views(wanted, this.shape));
      doing.value = { doing: "looking", done: i, of: pictures.length };
      if (!current()) throw new Overtaken();
    }
  }

  of(picture: Picture): readonly Uint8Array[] {
    return this.#seen.get(picture)!;
  }
}

/** A base without its classifier, in a worker: what it gives for a picture is computed once, and kept with the picture. */
class Seer implements Eye {
  readonly base: Base;
  readonly shape: readonly number[];
  readonly #trainer: Trainer;
  readonly #features = new WeakMap<Picture, Float32Array[]>();
  /** Heads as they are drawn for so many units. */
  readonly #drawn = new Map<string, Promise<NamedTensor[]>>();

  private constructor(base: Base, trainer: Trainer, size: number) {
    this.base = base;
    this.#trainer = trainer;
    this.shape = [size];
  }

  static async create(base: Base, behind: string): Promise<Seer> {
    const { features, size } = part(base, [2], behind);
    const trainer = await createTrainer(features, { loss: "meanSquaredError", workerUrl: WORKER_URL });
    return new Seer(base, trainer, size);
  }

  /** Whether it still works: its worker may have been ended by the system. */
  get works(): boolean {
    return this.#trainer.state !== "failed";
  }

  async look(pictures: readonly Wanted[], current: () => boolean): Promise<void> {
    const { inputShape } = this.#trainer.model;
    const missing = pictures.filter(
      ({ picture, varied }) => (this.#features.get(picture)?.length ?? 0) < (varied ? 1 + VARIANTS : 1),
    );
    const of = pictures.length;
    const size = inputShape.reduce((product, side) => product * side, 1);
    for (let at = 0; at < missing.length; at += HEAP) {
      doing.value = { doing: "looking", done: of - missing.length + at, of };
      const heap: { readonly picture: Picture; readonly seen: readonly Uint8Array[] }[] = [];
      for (const wanted of missing.slice(at, at + HEAP))
        heap.push({ picture: wanted.picture, seen: await views(wanted, inputShape) });
      const images = heap.flatMap(({ seen }) => seen);
      const bytes = new Uint8Array(images.length * size);
      for (const [i, image] of images.entries()) bytes.set(image, i * size);
      const features = await this.#trainer.predict(bytes);
      let first = 0;
      for (const { picture, seen } of heap) {
        this.#features.set(
          picture,
          seen.map(() => features.slice(first * this.shape[0]!, ++first * this.shape[0]!)),
        );
      }
      if (!current()) throw new Overtaken();
    }
  }

  of(picture: Picture): readonly Float32Array[] {
    return this.#features.get(picture)!;
  }

  ask(picture: Colours): Promise<Float32Array> {
    return this.#trainer.predict(fitted(picture, this.#trainer.model.inputShape));
  }

  /** The head's first weights: as the whole draws them, whose layers are numbered on from the base's. */
  drawn(parted: Parted, units: readonly number[]): Promise<NamedTensor[]> {
    const key = units.join();
    let drawn = this.#drawn.get(key);
    if (!drawn) {
      drawn = draw(parted);
      this.#drawn.set(key, drawn);
      // For want of memory, say: it is drawn again when it is asked for.
      drawn.catch(() => this.#drawn.delete(key));
    }
    return drawn;
  }

  dispose(): void {
    this.#trainer.dispose();
  }
}

async function draw(parted: Parted): Promise<NamedTensor[]> {
  const trainer = await createTrainer(parted.whole, { seed: SEED, threads: 1, workerUrl: WORKER_URL });
  try {
    return headWeights(parted, await trainer.getWeights());
  } finally {
    trainer.dispose();
  }
}

let seer: { readonly key: string; readonly made: Promise<Seer> } | undefined;

/** The one of a base: the one before is let go of. */
async function seerOf({ key, base }: ChosenBase, { choice, behind }: BaseUse): Promise<Seer> {
  const own = `${key} ${choice} ${behind}`;
  if (
    seer?.key !== own ||
    !(await seer.made.then(
      ({ works }) => works,
      () => false,
    ))
  ) {
    seer?.made.then((old) => old.dispose()).catch(() => {});
    seer = { key: own, made: Seer.create(scaled(base, choice), behind) };
  }
  return seer.made;
}

/** One that nobody learns from, nor asks, is let go of. */
effect(() => {
  if (chosenBase.value || taught.value?.base) return;
  seer?.made.then((old) => old.dispose()).catch(() => {});
  seer = undefined;
});

/** A net for pictures of so many pixels a side, and so many classes. */
function scratch(side: number, units: number, count: number) {
  const conv = (filters: number, inputShape?: [number, number, number]) =>
    conv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      ...(inputShape && { inputShape }),
    });
  return sequential(
    [
      ...(side > 32 ? [conv(8, [side, side, 3]), maxPooling2d(), conv(16)] : [conv(16, [side, side, 3])]),
      maxPooling2d(),
      conv(32),
      maxPooling2d(),
      conv(64),
      maxPooling2d(),
      flatten(),
      ...(units > 0 ? [dense({ units, activation: "relu" })] : []),
      dense({ units: count, activation: "softmax" }),
    ],
    { name: "taught" },
  );
}

const unitsOf = ({ units }: TeachOptions, count: number) => (units > 0 ? [units, count] : [count]);

const NOTHING: TaughtResult = { pictures: 0, accuracy: Number.NaN, heldOut: 0, seconds: 0 };

/** What is about to be trained: its trainer, and what it becomes. */
interface Pupil {
  readonly eye: Eye;
  readonly trainer: Trainer;
  taught(result: TaughtResult, classNames: readonly string[]): Taught;
}

/** A head on a base, with weights that it begins with. */
async function headOn(
  own: ChosenBase,
  use: BaseUse,
  count: number,
  options: TeachOptions,
  begin?: readonly NamedTensor[],
): Promise<Pupil> {
  const eye = await seerOf(own, use);
  const units = unitsOf(options, count);
  const parted = part(eye.base, units, use.behind);
  const drawn = begin ?? (await eye.drawn(parted, units));
  const trainer = await createTrainer(parted.head, {
    optimizer: adam({ learningRate: options.learningRate }),
    seed: SEED,
    threads: 1,
    workerUrl: WORKER_URL,
  });
  await trainer.setWeights(drawn);
  const { preprocessing } = eye.base.metadata;
  return {
    eye,
    trainer,
    taught: (result, classNames) => ({
      classNames,
      base: own,
      use,
      options,
      result,
      trainer,
      ask: async (picture) => trainer.predict(await eye.ask(picture)),
      weights: () => trainer.getWeights(),
      file: async () =>
        modelFile(
          wholeWeights(parted, eye.base.tensors, await trainer.getWeights()),
          parted.whole.toConfig(),
          metadataOf(classNames, preprocessing),
        ),
    }),
  };
}

let plain: { readonly side: number; readonly eye: Plain } | undefined;

async function fromScratch(
  count: number,
  options: TeachOptions,
  begin?: readonly NamedTensor[],
): Promise<Pupil> {
  const { side, units, learningRate } = options;
  const model = scratch(side, units, count);
  if (plain?.side !== side) plain = { side, eye: new Plain(side) };
  const { eye } = plain;
  const trainer = await createTrainer(model, {
    optimizer: adam({ learningRate }),
    seed: SEED,
    workerUrl: WORKER_URL,
  });
  if (begin) await trainer.setWeights(begin);
  return {
    eye,
    trainer,
    taught: (result, classNames) => ({
      classNames,
      base: undefined,
      use: { choice: "unit", behind: "" },
      options,
      result,
      trainer,
      ask: (picture) => trainer.predict(fitted(picture, eye.shape)),
      weights: () => trainer.getWeights(),
      file: () => trainer.save(metadataOf(classNames, TO_UNIT)),
    }),
  };
}

function metadataOf(
  classNames: readonly string[],
  preprocessing: NonNullable<ModelMetadata["preprocessing"]>,
): ModelMetadata {
  return { preprocessing, classNames, loss: "categoricalCrossentropy", pictures: FIT };
}

/** A model that was taught in an earlier visit. */
export async function teachAgain(
  own: ChosenBase | undefined,
  use: BaseUse,
  classNames: readonly string[],
  options: TeachOptions,
  weights: readonly NamedTensor[],
  result: TaughtResult,
): Promise<void> {
  const pupil = own
    ? await headOn(own, use, classNames.length, options, weights)
    : await fromScratch(classNames.length, options, weights);
  taughtBy = pupil;
  replace(pupil.taught(result, classNames));
}

function replace(next: Taught | undefined): void {
  const before = taught.value;
  taught.value = next;
  if (before && before.trainer !== next?.trainer) before.trainer.dispose();
}

/** Lets go of what was taught. */
export function forgetTaught(): void {
  attempt++;
  under?.stop();
  withoutPictures.value = false;
  halted.value = false;
  last = [];
  taughtBy = undefined;
  replace(undefined);
}

/** Stops what is being done: a training under way leaves what it has learned so far. */
export function halt(): void {
  halted.value = true;
  under?.stop();
}

/** Learns anew what there is. */
export function goOn(): void {
  last = [];
  halted.value = false;
  ask();
}

const ABOUT = "taught";
/** Counts what makes all that was begun worthless. */
let attempt = 0;
/** The one that is being trained. */
let under: Trainer | undefined;
let busy = false;
let again = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** How it is learned: where that changes, what is under way is of no use. */
const manner = computed(
  () => [chosenBase.value, { choice: scaling.value, behind: cut.value }, teachOptions.value] as const,
);
effect(() => {
  void manner.value;
  attempt++;
  under?.stop();
});

/** Whatever decides what is learned. */
effect(() => {
  void [learned.value, manner.value, teachProblem.value, halted.value, restoring.value];
  untracked(ask);
});

/** Learns soon: what changes meanwhile is learned with it, or right after. */
function ask(): void {
  again = true;
  if (busy || timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    void learnAll();
  }, PATIENCE_MS);
}

async function learnAll(): Promise<void> {
  if (busy) return;
  busy = true;
  try {
    while (again && !restoring.value) {
      again = false;
      await learn();
    }
  } finally {
    busy = false;
    doing.value = { doing: "nothing" };
  }
}

/** What was learned last: nothing is learned twice, and names are not learned. */
let last: readonly unknown[] = [];
const chosenNow = () => [manner.value, ...learned.value.map(({ pictures }) => pictures)];
/** Who has learned it. */
let taughtBy: Pupil | undefined;

/** What is there was learned from what is chosen. */
export function learnedAlready(): void {
  last = chosenNow();
}

/** Trains on the pictures that there are, from the beginning. Faults become a notice. */
async function learn(): Promise<void> {
  const chosen = chosenNow();
  if (teachProblem.value) {
    if (withoutPictures.value) nameAnew(classes.value);
    return;
  }
  const same = (value: unknown, i: number) => value === last[i];
  if (chosen.length === last.length && chosen.every((value, i) => i === 0 || same(value, i))) {
    nameAnew(learned.value);
    if (chosen.every(same)) return;
  }
  if (halted.value) return;
  const own = attempt;
  const current = () => own === attempt && !halted.value;
  const [base, use, options] = manner.value;
  const some = learned.value;
  const names = some.map(({ name }) => name.trim());
  dismiss(ABOUT);
  doing.value = { doing: "looking", done: 0, of: some.reduce((sum, one) => sum + one.pictures.length, 0) };
  let pupil: Pupil | undefined;
  try {
    pupil = base ? await headOn(base, use, names.length, options) : await fromScratch(names.length, options);
    if (!current()) return;
    const { trainer, taught: made } = pupil;
    const { train, validationData } = await lookAtAll(pupil.eye, some, options.vary, current);
    const pictures = some.reduce((sum, one) => sum + one.pictures.length, 0);
    const began = performance.now();
    under = trainer;
    const { history } = await trainer.fit(train, {
      epochs: options.epochs,
      batchSize: BATCH,
      ...(validationData && { validationData }),
      callbacks: telling(options.epochs, () => {
        // Where these classes are not known yet, it answers as it learns.
        if (own === attempt && taught.value?.classNames.join("\n") !== names.join("\n"))
          replace(made({ ...NOTHING, pictures }, names));
      }),
    });
    const accuracy = (history.val_accuracy ?? history.accuracy)?.at(-1);
    // Stopped within its first epoch, it has nothing to show, and what was there before stays.
    if (own !== attempt || accuracy === undefined) return;
    last = chosen;
    const seconds = (performance.now() - began) / 1000;
    taughtBy = pupil;
    withoutPictures.value = false;
    replace(made({ pictures, accuracy, heldOut: validationData?.count ?? 0, seconds }, names));
    announce(`It has learned ${pictures} pictures of ${names.length} classes`);
  } catch (error) {
    if (error instanceof Overtaken || own !== attempt) return;
    last = chosen;
    notify(ABOUT, `This cannot be learned: ${(error as Error).message}.`, "fault", {
      actions: [{ label: "Try again", run: goOn }],
    });
  } finally {
    under = undefined;
    if (pupil && pupil.trainer !== taught.value?.trainer) pupil.trainer.dispose();
  }
}

/** What has learned these pictures calls their classes as they are called now. */
function nameAnew(some: readonly TaughtClass[]): void {
  const now = taught.value;
  const names = some.map(({ name }) => name.trim());
  if (!now || taughtBy?.trainer !== now.trainer || names.length !== now.classNames.length) return;
  if (some.some(nameProblem) || now.classNames.join("\n") === names.join("\n")) return;
  replace(taughtBy.taught(now.result, names));
}

/** All pictures as what is trained takes them. Rejects with Overtaken. */
async function lookAtAll(eye: Eye, some: readonly TaughtClass[], vary: boolean, current: () => boolean) {
  const enough = some.every(({ pictures }) => pictures.length >= ENOUGH);
  const parts = some.map((one) => divided(one, enough));
  await eye.look(
    parts.flatMap(({ learned, heldOut }) => [
      ...learned.map((picture) => ({ picture, varied: vary })),
      ...heldOut.map((picture) => ({ picture, varied: false })),
    ]),
    current,
  );
  if (!current()) throw new Overtaken();
  const views = vary ? 1 + VARIANTS : 1;
  const samples = (lists: readonly Picture[][], each: number) =>
    samplesOf(
      eye.shape,
      lists.map((list) => list.flatMap((picture) => eye.of(picture).slice(0, each))),
    );
  return {
    train: samples(
      parts.map(({ learned }) => learned),
      views,
    ),
    validationData: enough
      ? samples(
          parts.map(({ heldOut }) => heldOut),
          1,
        )
      : undefined,
  };
}

/** Lists of images, one for each class, as fit() takes them. */
function samplesOf(shape: readonly number[], lists: readonly (Uint8Array | Float32Array)[][]): Samples {
  const size = shape.reduce((product, side) => product * side, 1);
  const count = lists.reduce((sum, { length }) => sum + length, 0);
  const Numbers = lists.flat()[0] instanceof Float32Array ? Float32Array : Uint8Array;
  const images = new Numbers(count * size);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const [label, list] of lists.entries())
    for (const image of list) {
      images.set(image, at * size);
      labels[at++] = label;
    }
  return { images, labels, count, shape };
}

/** Tells how far a training is; `first`: after its first epoch. */
function telling(epochs: number, first: () => void): Callbacks {
  doing.value = { doing: "learning", epoch: 0, epochs, accuracy: undefined };
  return {
    onEpochEnd({ epoch }, { accuracy, val_accuracy }) {
      doing.value = { doing: "learning", epoch: epoch + 1, epochs, accuracy: val_accuracy ?? accuracy };
      if (epoch === 0) first();
    },
  };
}
