import { open, readdir } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { findFiles } from "./files.ts";

/** Node only: what a file or folder is that is no dataset, and how to make one of it. */

type Kind = "table" | "pictures" | "numpy" | "archive" | "idx" | "model" | "hdf5" | "parquet" | "web page";

const KINDS: Readonly<Record<Kind, string>> = {
  table: "a table (CSV)",
  pictures: "a picture",
  numpy: "a file of NumPy arrays",
  archive: "an archive",
  idx: "an IDX file",
  model: "a model",
  hdf5: "an HDF5 file",
  parquet: "a Parquet file",
  "web page": "a web page",
};

/** By the end of the name, in lower case. */
const ENDINGS: readonly (readonly [RegExp, Kind])[] = [
  [/-ubyte(\.gz)?$/, "idx"],
  [/\.(csv|tsv)(\.gz)?$/, "table"],
  [/\.(png|jpe?g|gif|bmp|webp|tiff?|heic|avif)$/, "pictures"],
  [/\.np[yz]$/, "numpy"],
  [/\.(zip|tar|tgz|rar|7z)$|\.tar\.\w+$/, "archive"],
  [/\.safetensors$/, "model"],
  [/\.(h5|hdf5|keras)$/, "hdf5"],
  [/\.parquet$/, "parquet"],
];
/** By the first bytes, in hex, where the name does not say. NumPy's .npz is a ZIP archive by content. */
const MAGIC: readonly (readonly [string, Kind])[] = [
  ["000008", "idx"],
  ["89504e47", "pictures"],
  ["ffd8ff", "pictures"],
  ["47494638", "pictures"],
  ["934e554d5059", "numpy"],
  ["504b0304", "archive"],
  ["1f8b", "archive"],
  ["894844460d0a", "hdf5"],
  ["50415231", "parquet"],
  ["3c", "web page"],
];

/** What to write, by kind; `section` is of docs/datasets.md. */
const WAYS: Readonly<Partial<Record<Kind, { readonly section: string; readonly how: string }>>> = {
  table: {
    section: "tables-csv",
    how: "name the file of the training images itself: my-data/train.csv",
  },
  pictures: {
    section: "pictures",
    how: "put the pictures of each class into a folder of its name, my-data/cat/1.png, and name the folder of those",
  },
  numpy: {
    section: "numpy-npz",
    how: 'put its arrays into one file: np.savez("data.npz", x_train=x, y_train=y), and name that',
  },
  archive: {
    section: "from-an-archive",
    how: "unpack it (unzip FILE -d my-data, or tar -xf FILE) and name the folder with the files",
  },
};

/** Entries looked at in a folder and those in it: enough to tell what is there, and no walk through a whole disk. */
const LOOKED_AT = 2000;
const DEPTH = 3;

/** What a file is, and what to do with it, in sentences; in general terms where it is of no known kind. */
export async function describeFile(path: string): Promise<string> {
  const kind = kindOfName(path) ?? (await kindOfContent(path));
  if (kind === "idx")
    return `is one IDX file; expected the folder that holds images and labels, for training and for the test: ${quoted(dirname(path))}. ${seeAlso()}`;
  const what = kind ? `is ${KINDS[kind]}` : "is a file";
  return `${what}; expected a folder with IDX files${kind === "pictures" ? ", or with a folder of pictures for each class" : ""}. ${advice(kind)}`;
}

/** What a folder holds in place of IDX files, and what to do with it; undefined where nothing is known of its files. */
export async function describeFolder(folder: string): Promise<string | undefined> {
  const found = { left: LOOKED_AT, counts: new Map<Kind, number>(), below: [] as string[] };
  await look(folder, DEPTH, found);
  const { counts, below, left } = found;
  if (below.length > 0)
    return `the dataset is in ${below.length === 1 ? "a folder" : "folders"} inside of it: name ${below.slice(0, 3).map(quoted).join(" or ")}.`;
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  if (!most || !WAYS[most[0]]) return undefined;
  const [kind, n] = most;
  const what = kind === "pictures" && n > 1 ? `${left > 0 ? n : `more than ${n}`} pictures` : KINDS[kind];
  return `it holds ${what}. ${advice(kind)}`;
}

interface Found {
  /** Entries that may still be looked at. */
  left: number;
  readonly counts: Map<Kind, number>;
  /** Folders with IDX files. */
  readonly below: string[];
}

async function look(folder: string, depth: number, found: Found): Promise<void> {
  const { counts, below } = found;
  // What cannot be read holds nothing that could be told of.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (found.left === 0) return;
    found.left--;
    if (entry.isDirectory() && depth > 1) {
      const inner = join(folder, entry.name);
      if (Object.keys(await findFiles(inner).catch(() => ({}))).length > 0) below.push(inner);
      else await look(inner, depth - 1, found);
    } else if (entry.isFile()) {
      const kind = kindOfName(entry.name);
      if (kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
}

function kindOfName(path: string): Kind | undefined {
  const name = basename(path).toLowerCase();
  return ENDINGS.find(([ending]) => ending.test(name))?.[1];
}

async function kindOfContent(path: string): Promise<Kind | undefined> {
  const head = Buffer.alloc(16);
  try {
    const handle = await open(path);
    try {
      await handle.read(head, 0, head.length, 0);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
  const hex = head.toString("hex");
  return MAGIC.find(([magic]) => hex.startsWith(magic))?.[1];
}

function advice(kind: Kind | undefined): string {
  const way = kind && WAYS[kind];
  if (!way) return seeAlso();
  const { section, how } = way;
  return `${how[0]!.toUpperCase()}${how.slice(1)}. ${seeAlso(section)}`;
}

/** Where the format is described: the documentation of this package, as the user's shell finds it. */
export function seeAlso(section?: string): string {
  const page = fileURLToPath(new URL("../../docs/datasets.md", import.meta.url));
  const near = relative(process.cwd(), page);
  const path = near.startsWith("..") ? page : near;
  return `${path}${section ? `#${section}` : ""} has ${section ? "an example" : "the format, and scripts that write it"}.`;
}

function quoted(path: string): string {
  return `"${path}"`;
}
