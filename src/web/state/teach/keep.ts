import { effect, signal, untracked } from "@preact/signals";
import { keepPieces, readPieces, removePieces } from "../../../browser/pieces.ts";
import type { ModelConfig } from "../../../model/model-config.ts";
import { isObject } from "../../../options/kinds.ts";
import type { NamedTensor } from "../../../safetensors/safetensors.ts";
import { buildModel } from "../../../train/functional.ts";
import { fault, notify } from "../notices.ts";
import { type ChosenBase, chosenBase, dropBase, useBase } from "./base.ts";
import {
  type BaseUse,
  DEFAULT_OPTIONS,
  forgetTaught,
  learnedAlready,
  restoring,
  type Taught,
  type TaughtResult,
  type TeachOptions,
  taught,
  teachAgain,
  teachOptions,
  withoutPictures,
} from "./learn.ts";
import { trial } from "./live.ts";
import {
  beginAnew,
  type Colours,
  classes,
  newClass,
  type Picture,
  pictureOf,
  type TaughtClass,
} from "./pictures.ts";
import type { ScalingChoice } from "./scaling.ts";

// Three records, as each changes at its own time: the base, which is large; what was taught on it; and the pictures, if they are wanted.
const BASE = "teach base";
const TAUGHT = "teach model";
const PICTURES = "teach pictures";

interface KeptBase {
  readonly version: 1;
  readonly key: string;
  readonly name: string;
  readonly config: ModelConfig;
  readonly tensors: readonly NamedTensor[];
  readonly metadata: ChosenBase["base"]["metadata"];
  readonly found: ScalingChoice;
  readonly usualCut: string;
}

interface KeptTaught {
  readonly version: 1;
  /** The base's key; undefined: from scratch. */
  readonly base: string | undefined;
  readonly use: BaseUse;
  readonly options: TeachOptions;
  readonly classNames: readonly string[];
  readonly weights: readonly NamedTensor[];
  readonly result: TaughtResult;
}

interface KeptPictures {
  readonly version: 1;
  readonly classes: readonly { readonly name: string; readonly pictures: readonly Colours[] }[];
}

/** Whether pictures are kept, too. */
export const keepsPictures = signal(false);
/** Whether this browser has anything of this tab. */
export const keepsTaught = signal(false);

/** Milliseconds in which pictures may come before they are written. */
const PATIENCE_MS = 1000;
/** Pictures that are put back in one task. */
const HEAP = 16;
const ABOUT = "taught-kept";

let told = false;

function tell(error: unknown): void {
  if (told) return;
  told = true;
  const full = error instanceof DOMException && error.name === "QuotaExceededError";
  notify(
    ABOUT,
    full
      ? "This browser has no room to keep what was taught over a reload: save the model before you close the page."
      : "This browser keeps nothing of this page, as in some private windows: save the model before you close it.",
  );
}

/** Writes one after the other; of a record that changes meanwhile, the last. */
let queue: Promise<void> = Promise.resolve();
const waiting = new Map<string, () => Promise<void>>();

function later(name: string, write: () => Promise<void>): void {
  const waits = waiting.has(name);
  waiting.set(name, write);
  if (waits) return;
  queue = queue.then(async () => {
    const work = waiting.get(name);
    waiting.delete(name);
    await work?.().catch(tell);
  });
}

async function keep(name: string, value: unknown): Promise<void> {
  await keepPieces(name, value);
  keepsTaught.value = true;
}

function keepBase({ key, name, base, found, usualCut }: ChosenBase): void {
  const { model, tensors, metadata } = base;
  later(BASE, () =>
    keep(BASE, {
      version: 1,
      key,
      name,
      config: model.toConfig(),
      tensors,
      metadata,
      found,
      usualCut,
    } satisfies KeptBase),
  );
}

function keepTaught(now: Taught): void {
  later(TAUGHT, async () => {
    // One that was replaced meanwhile is followed by the next.
    const weights = await now.weights().catch(() => undefined);
    if (!weights || taught.value !== now) return;
    const { base, use, options, classNames, result } = now;
    await keep(TAUGHT, {
      version: 1,
      base: base?.key,
      use,
      options,
      classNames,
      weights,
      result,
    } satisfies KeptTaught);
  });
}

let timer: ReturnType<typeof setTimeout> | undefined;

function keepPicturesSoon(): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    later(PICTURES, async () => {
      if (!keepsPictures.value) return;
      await keep(PICTURES, {
        version: 1,
        classes: classes.value.map(({ name, pictures }) => ({
          name,
          pictures: pictures.map(({ width, height, pixels }) => ({ width, height, pixels })),
        })),
      } satisfies KeptPictures);
    });
  }, PATIENCE_MS);
}

/** Keeps the pictures from now on, or no longer: then those that are kept are removed. */
export function keepPictures(wanted: boolean): void {
  keepsPictures.value = wanted;
  if (!wanted) {
    clearTimeout(timer);
    later(PICTURES, () => removePieces(PICTURES));
  }
}

/** Removes all that is kept, and begins anew. */
export async function forgetAll(): Promise<void> {
  clearTimeout(timer);
  waiting.clear();
  keepsPictures.value = false;
  forgetTaught();
  dropBase();
  trial.value = undefined;
  beginAnew();
  await queue;
  for (const name of [BASE, TAUGHT, PICTURES]) await removePieces(name).catch(() => {});
  keepsTaught.value = false;
}

const versioned = <T>(value: unknown) =>
  isObject(value) && value.version === 1 ? (value as unknown as T) : undefined;

async function readKept<T>(name: string): Promise<T | undefined> {
  return versioned<T>(await readPieces(name).catch(() => undefined));
}

/** Puts back what an earlier visit left. What cannot be read is as if it were not there. */
export async function restoreTaught(): Promise<void> {
  try {
    const [keptBase, kept, pictures] = await Promise.all([
      readKept<KeptBase>(BASE),
      readKept<KeptTaught>(TAUGHT),
      readKept<KeptPictures>(PICTURES),
    ]);
    keepsTaught.value = [keptBase, kept, pictures].some((record) => record !== undefined);
    keepsPictures.value = pictures !== undefined;
    const own = keptBase && baseOf(keptBase);
    // What was taught without a base needs none, whichever was chosen after it.
    const fits = kept && (kept.base === undefined || kept.base === own?.key);
    const chosen = kept && kept.base === own?.key;
    const options = { ...DEFAULT_OPTIONS, ...kept?.options };
    if (kept) teachOptions.value = options;
    if (own && chosen) useBase(own, kept.use.choice, kept.use.behind);
    else if (own) useBase(own);
    if (pictures) classes.value = await classesOf(pictures);
    else if (kept) classes.value = kept.classNames.map(newClass);
    if (!fits) return;
    withoutPictures.value = !pictures;
    await teachAgain(chosen ? own : undefined, kept.use, kept.classNames, options, kept.weights, kept.result);
    // Pictures that came last may be of after it.
    const count = pictures?.classes.reduce((sum, own) => sum + own.pictures.length, 0);
    if (chosen && (count === undefined || count === kept.result.pictures)) learnedAlready();
  } catch (error) {
    fault(
      ABOUT,
      new Error(`What was taught before cannot be put back: ${(error as Error).message}`, { cause: error }),
    );
  } finally {
    restoring.value = false;
    watch();
  }
}

/** A millisecond of work each, of up to thousands: the page must answer meanwhile. */
async function classesOf({ classes }: KeptPictures): Promise<TaughtClass[]> {
  const all: TaughtClass[] = [];
  for (const { name, pictures } of classes) {
    const some: Picture[] = [];
    for (const colours of pictures) {
      some.push(pictureOf(colours));
      if (some.length % HEAP === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    all.push({ ...newClass(name), pictures: some });
  }
  return all;
}

function baseOf({ key, name, config, tensors, metadata, found, usualCut }: KeptBase): ChosenBase {
  return { key, name, found, usualCut, base: { model: buildModel(config, { tensors }), tensors, metadata } };
}

/** From now on what changes is kept. */
function watch(): void {
  let [base, one] = [chosenBase.peek(), taught.peek()];
  effect(() => {
    // What was taught is of no use without its base: another takes its place when that is learned from.
    const now = taught.value?.base ?? chosenBase.value;
    if (now === base) return;
    base = now;
    untracked(() => (now ? keepBase(now) : later(BASE, () => removePieces(BASE))));
  });
  effect(() => {
    const now = taught.value;
    if (now === one || !now || now.result.seconds === 0) return;
    one = now;
    untracked(() => keepTaught(now));
  });
  effect(() => {
    void classes.value;
    if (keepsPictures.value) untracked(keepPicturesSoon);
  });
}
