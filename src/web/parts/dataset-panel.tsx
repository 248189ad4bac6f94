import { useRef } from "preact/hooks";
import { ROLES } from "../../data/dataset-info.ts";
import { DATASETS, findDataset, GENERATED } from "../../data/datasets.ts";
import { cancelLoading, dataset, ensureDataset, isGenerated, loading, reachable } from "../state/dataset.ts";
import { openFiles, pickFiles } from "../state/open-files.ts";
import { DIGITS_IMAGES, digitsSizes, NUMBERS, numberProblem, OWN_FILES } from "../state/settings.ts";
import { change, dataShape, settings } from "../state/setup.ts";
import { Button, NumberInput, parseNumber, Select } from "../ui/controls.tsx";
import { count, dimensions } from "../ui/format.ts";
import { Fold } from "../ui/panel.tsx";
import { imageAt, Pixels } from "../ui/pixels.tsx";

const TITLES: Readonly<Record<string, string>> = {
  [GENERATED]: "digits, drawn in this tab",
  mnist: "mnist: handwritten digits",
  "fashion-mnist": "fashion-mnist: clothes",
  kmnist: "kmnist: hiragana, from your own files",
  [OWN_FILES]: "files of your own",
};
/** All four files of an MNIST-like dataset, about. */
const DOWNLOADS: Readonly<Record<string, string>> = {
  mnist: "11.6 MB",
  "fashion-mnist": "30.9 MB",
  kmnist: "21.4 MB",
};

const CHOICES = [GENERATED, ...Object.keys(DATASETS), OWN_FILES];

export function DatasetPanel() {
  const { dataset: name, images } = settings.value;
  const at = dataset.value?.name === name ? dataset.value : undefined;
  const sizes = expectedSizes();
  return (
    <Fold
      id="dataset"
      heading="Dataset"
      summary={`${name === OWN_FILES ? "your own files" : name}${sizes ? `, ${count(sizes.train)} images` : ""}`}
    >
      <div class="fields wide-first">
        <Select
          label="Images"
          name="dataset"
          value={name}
          choices={CHOICES.map((choice) => [choice, TITLES[choice] ?? choice])}
          onChange={(chosen) => change({ dataset: chosen, images: undefined })}
        />
        <NumberInput
          label="Training images"
          name="images"
          whole
          text={images === undefined || Number.isNaN(images) ? "" : String(images)}
          placeholder={name === GENERATED ? String(DIGITS_IMAGES) : "all"}
          problem={numberProblem(NUMBERS.images, images)}
          onText={(text) => change({ images: parseNumber(text) })}
        />
      </div>
      {name === OWN_FILES ? <OwnFiles /> : !at && !isGenerated(name) && <Wanted name={name} />}
      <Samples />
    </Fold>
  );
}

/** How a dataset can be had that is not here. */
function Wanted({ name }: { name: string }) {
  return reachable(name) ? <Fetch name={name} /> : <Bring name={name} />;
}

/** A dataset whose server lets no pages in: the visitor must fetch its files. */
function Bring({ name }: { name: string }) {
  const { title, mirrors, files } = findDataset(name)!;
  return (
    <div class="offer" id="bring">
      <p>
        {`The server of ${title} lets no web page fetch its files (it sends no CORS headers). Download the four yourself, and drop them here together: `}
        {ROLES.map((role, i) => (
          <>
            {i > 0 && ", "}
            <a href={mirrors[0]!.url + files[role].name} target="_blank" rel="noreferrer">
              {files[role].name}
            </a>
          </>
        ))}
        . They are known by their content.
      </p>
      <Button icon="open" onClick={pickFiles}>
        Choose files
      </Button>
    </div>
  );
}

function Fetch({ name }: { name: string }) {
  const now = loading.value?.name === name;
  return (
    <div class="offer">
      <p>
        {DOWNLOADS[name] ?? "Some MB"}, downloaded once from a public mirror, checked by SHA-256 and kept in
        this browser.
      </p>
      {now ? (
        <Button icon="close" onClick={cancelLoading}>
          Cancel
        </Button>
      ) : (
        <Button
          id="download"
          icon="save"
          onClick={() => void ensureDataset(name, settings.value.images).catch(() => {})}
        >
          Download
        </Button>
      )}
    </div>
  );
}

function OwnFiles() {
  const input = useRef<HTMLInputElement>(null);
  const at = dataset.value?.name === OWN_FILES ? dataset.value : undefined;
  return (
    <div class="offer">
      <p>
        {at?.notice ??
          "Drop files anywhere on the page, or choose them: one of images and one of their labels, for training and for the test if you have both. The format is MNIST's own (IDX), plain or .gz. They stay in this tab."}
      </p>
      <Button icon="open" onClick={() => input.current?.click()}>
        {at ? "Choose others" : "Choose files"}
      </Button>
      <input
        ref={input}
        id="idx-files"
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files of images and labels"
        onChange={(event) => {
          const { currentTarget } = event;
          void openFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = "";
        }}
      />
    </div>
  );
}

/** Images of the chosen dataset, known before it is here but for a visitor's own: so the page need not move when it comes. */
function expectedSizes(): { train: number; test: number } | undefined {
  const { dataset: name, images } = settings.value;
  const at = dataset.value?.name === name ? dataset.value.set : undefined;
  if (at) return { train: at.train.count, test: at.test.count };
  if (numberProblem(NUMBERS.images, images)) return undefined;
  if (isGenerated(name)) return digitsSizes(images);
  const info = findDataset(name);
  return info && { train: Math.min(images ?? info.trainCount, info.trainCount), test: info.testCount };
}

/** Images shown of the dataset at hand. */
const SHOWN = 20;

function Samples() {
  const at = dataset.value?.name === settings.value.dataset ? dataset.value : undefined;
  const { inputShape, classNames } = dataShape.value;
  const sizes = expectedSizes();
  return (
    <>
      <ul class="samples" aria-label="Some of the images">
        {Array.from({ length: SHOWN }, (_, i) => (
          <li key={i}>
            {at && i < at.set.train.count ? (
              <Pixels
                pixels={imageAt(at.set.train, i)}
                shape={at.set.train.shape}
                label={classNames[at.set.train.labels[i]!] ?? ""}
              />
            ) : (
              <span class="pixels blank" />
            )}
          </li>
        ))}
      </ul>
      <p class="lead">
        {sizes ? `${count(sizes.train)} images for training and ${count(sizes.test)} for the test, ` : ""}
        {dimensions(inputShape)}, {classNames.length} classes
      </p>
    </>
  );
}
