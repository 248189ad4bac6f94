import type { DatasetInfo, FileChecksum } from "./dataset-info.ts";

/** The names all MNIST-like datasets give their files. */
function mnistFiles(
  kind: keyof FileChecksum,
  trainImages: string,
  trainLabels: string,
  testImages: string,
  testLabels: string,
): DatasetInfo["files"] {
  return {
    trainImages: { name: "train-images-idx3-ubyte.gz", [kind]: trainImages },
    trainLabels: { name: "train-labels-idx1-ubyte.gz", [kind]: trainLabels },
    testImages: { name: "t10k-images-idx3-ubyte.gz", [kind]: testImages },
    testLabels: { name: "t10k-labels-idx1-ubyte.gz", [kind]: testLabels },
  };
}

const MNIST_LIKE = { shape: [28, 28, 1], trainCount: 60_000, testCount: 10_000 } as const;

const MNIST: DatasetInfo = {
  ...MNIST_LIKE,
  name: "mnist",
  title: "MNIST handwritten digits",
  classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  mirrors: [
    { url: "https://ossci-datasets.s3.amazonaws.com/mnist/", cors: false },
    { url: "https://storage.googleapis.com/cvdf-datasets/mnist/", cors: false },
    { url: "https://cdn.jsdelivr.net/gh/fgnt/mnist/", cors: true },
  ],
  // The mirrors' gzip files differ from each other; what they unpack to does not.
  files: mnistFiles(
    "idx",
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
  ),
};

// Mirrors without TLS among the next two's: the checksums make that safe.
const FASHION_MNIST: DatasetInfo = {
  ...MNIST_LIKE,
  name: "fashion-mnist",
  title: "Fashion-MNIST, Zalando article images",
  classNames: [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
  mirrors: [
    {
      url: "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
      cors: true,
    },
    { url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", cors: false },
  ],
  files: mnistFiles(
    "gz",
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
  ),
};

const KMNIST: DatasetInfo = {
  ...MNIST_LIKE,
  name: "kmnist",
  title: "Kuzushiji-MNIST, cursive hiragana",
  // Romanised, because not every terminal and SVG viewer has the kana: お き す つ な は ま や れ を.
  classNames: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
  mirrors: [{ url: "http://codh.rois.ac.jp/kmnist/dataset/kmnist/", cors: false }],
  files: mnistFiles(
    "gz",
    "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
    "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
    "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
    "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
  ),
};

/** The datasets that can be downloaded by name. `digits`, which is generated, is not among them. */
export const DATASETS: Readonly<Record<string, DatasetInfo>> = {
  mnist: MNIST,
  "fashion-mnist": FASHION_MNIST,
  kmnist: KMNIST,
};

/** The generated dataset's name: it needs neither network nor files. */
export const GENERATED = "digits";

/** Every name `loadDataset` knows, for help texts and messages. */
export const DATASET_NAMES: readonly string[] = [...Object.keys(DATASETS), GENERATED];

/** The registry's entry of that exact name; undefined for others, `constructor` included. */
export function findDataset(name: string): DatasetInfo | undefined {
  return Object.hasOwn(DATASETS, name) ? DATASETS[name] : undefined;
}

/** Names for classes 0 to `count - 1` that have none: their numbers. */
export function numberedClasses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}
