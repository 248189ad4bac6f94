import { batch, computed, effect, signal } from "@preact/signals";
import type { Shape } from "../../compiler/graph.ts";
import { findDataset, numberedClasses } from "../../data/datasets.ts";
import { type Edited, rewiredInWords } from "./branches.ts";
import { dataset, reachable } from "./dataset.ts";
import type { LayerSpec } from "./layers.ts";
import { fromFragment, type Tab, toFragment } from "./link.ts";
import { type BuiltModel, buildModel, tryNamedLayers } from "./model.ts";
import { dismiss, notify } from "./notices.ts";
import { CUSTOM, digitsSizes, OWN_FILES, type Settings, settingsProblem } from "./settings.ts";

const opened = fromFragment(location.hash);
if (opened.unknown.length > 0) tellUnknown(opened.unknown);

/** What the visitor has chosen; the model that is trained may be of earlier choices. */
export const settings = signal<Settings>(opened.settings);
export const tab = signal<Tab>(opened.tab);

export function change(patch: Partial<Settings>): void {
  settings.value = { ...settings.value, ...patch };
}

/** What the chosen dataset is made of, known before it is loaded but for a visitor's own files. */
export interface DataShape {
  readonly inputShape: Shape;
  readonly classNames: readonly string[];
}

const DIGITS: DataShape = { inputShape: [28, 28, 1], classNames: numberedClasses(10) };

export const dataShape = computed<DataShape>(() => {
  const loaded = dataset.value;
  const { dataset: name } = settings.value;
  if (loaded?.name === name) return { inputShape: loaded.set.train.shape, classNames: loaded.set.classNames };
  const info = findDataset(name);
  return info ? { inputShape: info.shape, classNames: info.classNames } : DIGITS;
});

/** The layers as edited, or as the named model has them for the chosen dataset. */
export const layers = computed<readonly LayerSpec[]>(() => chosen.value.layers);

/** The same, and why the named model cannot take the chosen dataset's images, where it cannot. */
const chosen = computed(() => {
  const { model, layers: own } = settings.value;
  const { inputShape, classNames } = dataShape.value;
  return model === CUSTOM ? { layers: own } : tryNamedLayers(model, inputShape, classNames.length);
});

export const built = computed<BuiltModel>(() => {
  const { problem: misfit } = chosen.value;
  if (misfit) return { problem: misfit, layer: undefined };
  const { model: name, loss } = settings.value;
  const { inputShape, classNames } = dataShape.value;
  return buildModel(layers.value, { name, inputShape, classes: classNames.length, loss });
});

/** Training steps of the run; undefined while its images are not known. */
export const stepsOfRun = computed<number | undefined>(() => {
  const { dataset: name, images, batchSize, epochs, validationSplit } = settings.value;
  const loaded = dataset.value?.name === name ? dataset.value.set.train.count : undefined;
  const info = findDataset(name);
  const all =
    loaded ??
    (info
      ? Math.min(images ?? info.trainCount, info.trainCount)
      : name === OWN_FILES
        ? undefined
        : digitsSizes(images).train);
  if (all === undefined) return undefined;
  const steps = epochs * Math.ceil(Math.floor(all * (1 - validationSplit)) / batchSize);
  return Number.isSafeInteger(steps) && steps > 0 ? steps : undefined;
});

/** Why training cannot start; undefined where it can. */
export const problem = computed<string | undefined>(() => {
  if (settings.value.dataset === OWN_FILES && dataset.value?.name !== OWN_FILES)
    return "Choose the files to train on.";
  const info = findDataset(settings.value.dataset);
  if (info && !reachable(info.name) && dataset.value?.name !== info.name)
    return `Open the files of ${info.name} first: see Dataset.`;
  return built.value.problem ?? settingsProblem(settings.value);
});

/** Makes the layers the visitor's own, changed by `edit`. */
export function editLayers(edit: (layers: LayerSpec[]) => LayerSpec[]): void {
  dismiss("branches");
  change({ model: CUSTOM, layers: edit([...layers.value]) });
}

/** The same by an edit after which other layers may take something else: those are told, and it can be taken back. */
export function rewire(edited: Edited): void {
  const { model, layers: before } = settings.peek();
  editLayers(() => edited.layers);
  const told = rewiredInWords(edited);
  if (told === undefined) return;
  const run = () => {
    dismiss("branches");
    change({ model, layers: before });
  };
  notify("branches", told, "note", { actions: [{ label: "Undo", run }] });
}

/** Another dataset may have another number of classes: the output layer of edited layers follows. */
let classes = dataShape.value.classNames.length;
effect(() => {
  const now = dataShape.value.classNames.length;
  if (now === classes) return;
  const { model, layers: own } = settings.peek();
  const last = own.at(-1);
  if (model === CUSTOM && last?.type === "dense" && last.units === classes)
    change({ layers: [...own.slice(0, -1), { ...last, units: now }] });
  classes = now;
});

/** What an entry of the browser's history is marked with: there is one for each tab that was gone to. */
interface Entry {
  readonly tab: Tab;
}

function currentEntry(): Entry | null {
  return history.state as Entry | null;
}

function address(fragment: string): string {
  return fragment === "" ? location.pathname + location.search : `#${fragment}`;
}

/** The address follows the choices; another tab is an entry of its own, so that Back leads to the one before. */
effect(() => {
  const entry: Entry = { tab: tab.value };
  const fragment = toFragment(settings.value, entry.tab);
  const at = currentEntry();
  if (at && at.tab !== entry.tab) history.pushState(entry, "", address(fragment));
  else if (!at || fragment !== location.hash.slice(1)) history.replaceState(entry, "", address(fragment));
});
/** Back and Forward change the tab and leave the settings; an address that is typed or pasted brings its own. */
addEventListener("popstate", () => {
  const entry = currentEntry();
  if (entry) {
    tab.value = entry.tab;
    // The settings may have changed since it was made.
    history.replaceState(entry, "", address(toFragment(settings.value, entry.tab)));
    return;
  }
  const linked = fromFragment(location.hash);
  if (linked.unknown.length > 0) tellUnknown(linked.unknown);
  batch(() => {
    settings.value = linked.settings;
    tab.value = linked.tab;
  });
  history.replaceState(
    { tab: linked.tab } satisfies Entry,
    "",
    address(toFragment(linked.settings, linked.tab)),
  );
});

function tellUnknown(parts: readonly string[]): void {
  notify(
    "link",
    `The address has ${parts.length === 1 ? "a part" : "parts"} that this page cannot read: ${parts.slice(0, 3).join(", ")}. The defaults are used instead.`,
  );
}
