// The task of npm run bench:transfer: which category of emoji a picture is of.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** Of the tuning pictures, which settings were chosen by, and which no seed trains on or is tested with. */
const TUNING_SEED = 0;

/**
 * The pictures of an emoji package by category, in the order of Unicode: a Map of names of classes to files. Left out are variations of the tone of
 * skin, what Unicode keeps for building others of, and pictures that are the same as an earlier one to the byte: some flags have several owners.
 * @param {readonly { category: string, image: string, sort_order: number }[]} entries as in the package's emoji.json
 * @param {(image: string) => Uint8Array | undefined} read undefined: the package has no such picture
 */
export function byCategory(entries, read) {
  const classes = new Map();
  const seen = new Set();
  for (const { category, image } of entries.toSorted((a, b) => a.sort_order - b.sort_order)) {
    if (category === "Component") continue;
    const bytes = read(image);
    if (!bytes) continue;
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (seen.has(hash)) continue;
    seen.add(hash);
    classes.set(category, [...(classes.get(category) ?? []), image]);
  }
  return new Map([...classes].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * As many pictures of each class to train on and to test with as are asked for, drawn by the seed: Maps of classes to files. No picture is in two of the
 * parts, and none of `tuning`, which are the same whatever the seed, is in the others. Throws RangeError where a class has too few.
 * @param {Map<string, readonly string[]>} classes
 */
export function divided(classes, seed, { train, test, tuning }) {
  const parts = { train: new Map(), test: new Map(), tuning: new Map() };
  for (const [name, files] of classes) {
    if (files.length < train + test + tuning)
      throw new RangeError(
        `${name} has ${files.length} pictures, expected at least ${train + test + tuning}: ${train} to train on, ${test} to test with, ${tuning} for tuning`,
      );
    const drawn = shuffled(files, `${TUNING_SEED}`);
    const rest = shuffled(drawn.slice(tuning), `${seed}`);
    parts.tuning.set(name, drawn.slice(0, tuning));
    parts.train.set(name, rest.slice(0, train));
    parts.test.set(name, rest.slice(train, train + test));
  }
  return parts;
}

/** In the order of hashes, which is the same on every machine. */
function shuffled(files, seed) {
  const key = (file) => createHash("sha256").update(`${seed}/${file}`).digest("hex");
  const keys = new Map(files.map((file) => [file, key(file)]));
  return files.toSorted((a, b) => (keys.get(a) < keys.get(b) ? -1 : 1));
}

/** The package's pictures. Throws Error where it is not installed. */
export function installedPictures() {
  const require = createRequire(import.meta.url);
  const list = resolved(require, "emoji-datasource-google/emoji.json");
  const folder = join(dirname(list), "img/google/64");
  const entries = JSON.parse(readFileSync(list, "utf8")).filter((entry) => entry.has_img_google);
  const read = (image) => new Uint8Array(readFileSync(join(folder, image)));
  return { folder, classes: byCategory(entries, read) };
}

function resolved(require, name) {
  try {
    return require.resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed. Write: npm --prefix bench/transfer ci --ignore-scripts`, {
      cause,
    });
  }
}

/** Writes parts as folders of pictures: `to/PART/CLASS/*.png`. */
export function writeFolders(parts, from, to) {
  for (const [part, classes] of Object.entries(parts))
    for (const [name, files] of classes) {
      const folder = join(to, part, name);
      mkdirSync(folder, { recursive: true });
      for (const file of files) copyFileSync(join(from, file), join(folder, basename(file)));
    }
}

/** Writes nsfwjs's MobileNetV2 as files of a TensorFlow.js layers model, which the package has in scripts. Gives the path of model.json. */
export function writeBackbone(to) {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(resolved(require, "nsfwjs/models/mobilenet_v2")), "../../models/mobilenet_v2");
  const model = require(join(folder, "model.min.js"));
  mkdirSync(to, { recursive: true });
  for (const path of model.weightsManifest.flatMap(({ paths }) => paths))
    writeFileSync(join(to, path), Buffer.from(require(join(folder, `${path}.min.js`)), "base64"));
  writeFileSync(join(to, "model.json"), JSON.stringify(model));
  return join(to, "model.json");
}
