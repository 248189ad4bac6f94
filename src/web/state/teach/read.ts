import { loadPicture } from "../../../browser/load-picture.ts";
import { fitPicture } from "../../../picture/fit.ts";
import { PICTURE_ENDINGS } from "../../../picture/format.ts";
import { PictureError } from "../../../picture/picture.ts";
import { isModelInParts, isShard } from "../file-kind.ts";
import { announce, dismiss, fault, notify } from "../notices.ts";
import { openBase } from "./base.ts";
import { stopCamera } from "./camera.ts";
import { FIT } from "./fit.ts";
import { trial } from "./live.ts";
import {
  addPictures,
  type Colours,
  classNamed,
  dropFresh,
  fillUp,
  KEPT_SIDE,
  MOST_CLASSES,
} from "./pictures.ts";

/** A file, and where it lies in the folder that was given: "pets/cats/1.png". */
export interface Given {
  readonly path: string;
  readonly file: File;
}

/** Bytes of a picture's file: what is larger is no picture that a camera takes. */
const MOST_BYTES = 100_000_000;
/** Pictures that are added at once. */
const HEAP = 8;
const MODEL_FILES = /\.(safetensors|keras|h5|hdf5|onnx|pt|pth|npz)$/i;
/** Files that systems leave in folders. */
const LEFT_BEHIND = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;
const ABOUT = "taught-files";

/** Files as an input of the page gives them. */
export function givenIn(files: Iterable<File>): Given[] {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** What was dropped, folders and all. To be called while the event is told: browsers forget it then. */
export async function givenDropped(data: DataTransfer): Promise<Given[]> {
  const found = [...data.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  const given: Given[] = [];
  for (const { entry, file } of found) {
    if (entry) await walk(entry, given);
    else if (file) given.push({ path: file.name, file });
  }
  return given;
}

async function walk(entry: FileSystemEntry, given: Given[]): Promise<void> {
  if (LEFT_BEHIND.test(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    given.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // Browsers give a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const inner of some.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })))
      await walk(inner, given);
  }
}

/**
 * Takes files: pictures for a class, or to try; folders, whose names are those of classes; a model to learn from. Faults become a notice.
 * @param target the class that they are for; undefined: their folders say it
 */
export async function takeFiles(all: readonly Given[], target?: number): Promise<void> {
  dismiss(ABOUT);
  const given = all.filter(({ path }) => !path.split("/").some((name) => LEFT_BEHIND.test(name)));
  if (given.length === 0) {
    if (all.length > 0 || target !== undefined) notify(ABOUT, "There is no picture in it.", "fault");
    return;
  }
  try {
    const names = given.map(({ file }) => file.name);
    if (
      names.some((name) => MODEL_FILES.test(name)) ||
      isModelInParts(names.filter((name) => /\.json$/i.test(name) || isShard(name)))
    )
      return await openBase(given.map(({ file }) => file).filter(({ name }) => !PICTURE_ENDINGS.test(name)));
    const folders = given.some(({ path }) => path.includes("/"));
    if (target !== undefined) await add(given, () => target, folders);
    else if (folders) await addByFolder(given);
    else await tryPicture(given);
  } catch (error) {
    fault(ABOUT, error);
  }
}

/** Each folder is a class, by the name of the one that a picture lies in. */
async function addByFolder(given: readonly Given[]): Promise<void> {
  const named = new Map<string, number>();
  const left = new Set<string>();
  dropFresh();
  try {
    await add(
      given.filter(({ path }) => path.includes("/")),
      ({ path }) => {
        const name = path.split("/").at(-2)!;
        const id = named.get(name) ?? classNamed(name)?.id;
        if (id === undefined) left.add(name);
        else named.set(name, id);
        return id;
      },
      true,
    );
  } finally {
    fillUp();
  }
  if (left.size > 0)
    notify(
      ABOUT,
      `The page holds ${MOST_CLASSES} classes at most: ${left.size} folders were left out.`,
      "fault",
    );
}

/** The last picture is looked at. */
async function tryPicture(given: readonly Given[]): Promise<void> {
  const { file } = given.at(-1)!;
  const picture = await read(file);
  // What it sees would be answered in its place.
  stopCamera();
  trial.value = picture;
  announce(`${file.name} is asked about`);
}

/** @param lenient whether there may be other files among them, as in folders */
async function add(
  given: readonly Given[],
  classOf: (one: Given) => number | undefined,
  lenient: boolean,
): Promise<void> {
  const heaps = new Map<number, Colours[]>();
  const empty = (id: number) => {
    addPictures(id, heaps.get(id) ?? []);
    heaps.delete(id);
  };
  const wrong: string[] = [];
  let added = 0;
  let last: Colours | undefined;
  for (const one of given) {
    const kindly = lenient && !PICTURE_ENDINGS.test(one.file.name);
    try {
      const picture = await read(one.file);
      const id = classOf(one);
      if (id === undefined) continue;
      last = picture;
      heaps.set(id, [...(heaps.get(id) ?? []), picture]);
      added++;
      if (heaps.get(id)!.length === HEAP) empty(id);
    } catch (error) {
      wrong.push(kindly ? `${one.file.name} is no picture` : (error as Error).message);
    }
  }
  for (const id of [...heaps.keys()]) empty(id);
  // One is asked about: each would cost what learning from it does.
  if (last) trial.value = last;
  announce(`${added} picture${added === 1 ? "" : "s"} added`);
  if (wrong.length === 0) return;
  const more = wrong.length - 1;
  notify(
    ABOUT,
    `${wrong[0]}.${more > 0 ? ` So it is with ${more} more.` : ""}${added > 0 ? ` ${added} pictures were added.` : ""}`,
    "fault",
  );
}

/** The middle of a picture, a square. Rejects with Error that names the file where it cannot be read. */
async function read(file: File): Promise<Colours> {
  if (file.size > MOST_BYTES)
    throw new Error(
      `${file.name} is too large for a picture: ${Math.round(file.size / 1e6)} MB, expected at most ${MOST_BYTES / 1e6}`,
    );
  const bytes = await file.arrayBuffer().catch((error: unknown) => {
    throw new Error(`${file.name} cannot be read: was it moved?`, { cause: error });
  });
  try {
    const picture = await loadPicture(new Uint8Array(bytes));
    const side = Math.min(KEPT_SIDE, picture.width, picture.height);
    return { width: side, height: side, pixels: fitPicture(picture, [side, side, 3], FIT) };
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    throw new Error(`${file.name} ${error.message}`, { cause: error });
  }
}
