import { computed, signal } from "@preact/signals";
import { dismiss, notify } from "../notices.ts";

/** A picture's colours: bytes, `[height, width, 3]`. */
export interface Colours {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A picture of a class. */
export interface Picture extends Colours {
  /** Its number on this page, which no other has. */
  readonly id: number;
  /** The same, as small as it is shown. */
  readonly small: Colours;
}

/** What is to be told from the others. */
export interface TaughtClass {
  readonly id: number;
  readonly name: string;
  readonly pictures: readonly Picture[];
}

/** Pixels of the longer side that are kept: what most bases take, and some 150 KB a picture. */
export const KEPT_SIDE = 224;
/** Pixels of a side as it is shown in a list. */
const SMALL_SIDE = 64;
/** Pictures in all: some 300 MB of memory. */
export const MOST_PICTURES = 2000;
/** Classes, each of which takes room on the page. */
export const MOST_CLASSES = 50;

let ids = 0;

export function newClass(name: string): TaughtClass {
  return { id: ++ids, name, pictures: [] };
}

/** A class that nobody has named or given anything. */
const isFresh = ({ name, pictures }: TaughtClass) => pictures.length === 0 && /^Class \d+$/.test(name);

const fresh = (): readonly TaughtClass[] => [newClass("Class 1"), newClass("Class 2")];

export const classes = signal<readonly TaughtClass[]>(fresh());

export const countAll = computed(() => classes.value.reduce((sum, { pictures }) => sum + pictures.length, 0));
/** Bytes that all pictures take. */
export const bytesOfAll = computed(() =>
  classes.value.reduce(
    (sum, { pictures }) => sum + pictures.reduce((own, { pixels }) => own + pixels.length, 0),
    0,
  ),
);

const ABOUT = "taught-pictures";

function edit(id: number, change: (one: TaughtClass) => TaughtClass): void {
  classes.value = classes.value.map((one) => (one.id === id ? change(one) : one));
}

/** As a picture of a class is kept. */
export function pictureOf(colours: Colours): Picture {
  return { ...colours, id: ++ids, small: shrunk(colours) };
}

/** Adds pictures, as many as there is room for. @returns whether that were all */
export function addPictures(id: number, pictures: readonly Colours[]): boolean {
  const room = MOST_PICTURES - countAll.value;
  const some = pictures.slice(0, Math.max(0, room));
  if (some.length > 0) edit(id, (one) => ({ ...one, pictures: [...one.pictures, ...some.map(pictureOf)] }));
  const left = pictures.length - some.length;
  if (left > 0)
    notify(
      ABOUT,
      `The page holds ${MOST_PICTURES.toLocaleString("en-US")} pictures at most: ${left.toLocaleString("en-US")} more ${left === 1 ? "was" : "were"} left out. Remove some to make room.`,
      "fault",
    );
  return left === 0;
}

export function rename(id: number, name: string): void {
  edit(id, (one) => ({ ...one, name }));
}

export function addClass(name?: string): TaughtClass {
  const names = new Set(classes.value.map((one) => one.name));
  let number = classes.value.length + 1;
  while (names.has(`Class ${number}`)) number++;
  const added = newClass(name ?? `Class ${number}`);
  classes.value = [...classes.value, added];
  return added;
}

/** The class of that name: one that is there, or a new one. undefined: there are as many as there may be. */
export function classNamed(name: string): TaughtClass | undefined {
  const found = classes.value.find((one) => one.name === name);
  if (found || classes.value.length >= MOST_CLASSES) return found;
  return addClass(name);
}

/** Removes the classes that the page began with, where nobody has touched them: others come in their place. */
export function dropFresh(): void {
  classes.value = classes.value.filter((one) => !isFresh(one));
}

/** Never fewer than two: less cannot be told apart. */
export function fillUp(): void {
  while (classes.value.length < 2) addClass();
}

/** Lets go of all classes and pictures: of what could be taken back, too. */
export function beginAnew(): void {
  dismiss(ABOUT);
  classes.value = fresh();
}

/** Does it, and lets the visitor take it back. */
function undoable(text: string, change: () => void): void {
  const before = classes.value;
  change();
  const after = classes.value;
  const undo = () => {
    // What came meanwhile stays.
    if (classes.value === after) classes.value = before;
    notify(
      ABOUT,
      classes.value === before
        ? "It is there again."
        : "The classes have changed since: nothing was taken back.",
    );
  };
  notify(ABOUT, text, "note", { actions: [{ label: "Undo", run: undo }] });
}

export function removeClass({ id, name, pictures }: TaughtClass): void {
  undoable(`${name} was removed${pictures.length > 0 ? `, with ${pictures.length} pictures` : ""}.`, () => {
    classes.value = classes.value.filter((one) => one.id !== id);
    fillUp();
  });
}

export function removePicture({ id, name }: TaughtClass, picture: Picture): void {
  undoable(`A picture of ${name} was removed.`, () =>
    edit(id, (one) => ({ ...one, pictures: one.pictures.filter((other) => other !== picture) })),
  );
}

export function removePictures({ id, name, pictures }: TaughtClass): void {
  undoable(`${pictures.length} pictures of ${name} were removed.`, () =>
    edit(id, (one) => ({ ...one, pictures: [] })),
  );
}

/** What is wrong with a class's name; undefined where nothing is. */
export function nameProblem({ id, name }: TaughtClass): string | undefined {
  if (name.trim() === "") return "A class needs a name.";
  return classes.value.some((other) => other.id < id && other.name.trim() === name.trim())
    ? "Another class has this name."
    : undefined;
}

/** Small, each pixel the mean of those that it stands for. */
function shrunk({ width, height, pixels }: Colours): Colours {
  const scale = Math.min(1, SMALL_SIDE / Math.max(width, height));
  if (scale === 1) return { width, height, pixels };
  const [toWidth, toHeight] = [width, height].map((side) => Math.max(1, Math.round(side * scale))) as [
    number,
    number,
  ];
  const out = new Uint8Array(3 * toWidth * toHeight);
  for (let y = 0; y < toHeight; y++)
    for (let x = 0; x < toWidth; x++) {
      const [left, right] = [Math.floor((x * width) / toWidth), Math.ceil(((x + 1) * width) / toWidth)];
      const [top, bottom] = [Math.floor((y * height) / toHeight), Math.ceil(((y + 1) * height) / toHeight)];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let py = top; py < bottom; py++)
          for (let px = left; px < right; px++) sum += pixels[3 * (py * width + px) + c]!;
        out[3 * (y * toWidth + x) + c] = Math.round(sum / ((right - left) * (bottom - top)));
      }
    }
  return { width: toWidth, height: toHeight, pixels: out };
}
