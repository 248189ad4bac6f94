import { MODELS } from "../../model/models.ts";
import { canTake } from "./branches.ts";
import { callbacksFromText, namedToText, scheduleFromText } from "./callbacks.ts";
import { settingsOfRun } from "./given-run.ts";
import { LAYER_TYPES, type LayerSpec, optionProblem, optionText, parseOption } from "./layers.ts";
import {
  CHOICES,
  CUSTOM,
  DEFAULTS,
  NUMBERS,
  type NumberSetting,
  numberProblem,
  type Settings,
} from "./settings.ts";

export const TABS = ["train", "results", "draw", "teach", "benchmark"] as const;
export type Tab = (typeof TABS)[number];

/** What an address says: the settings, and the tab that is open. */
export interface Linked {
  readonly settings: Settings;
  readonly tab: Tab;
  /** Parts of the address that say nothing here, as they stand in it. */
  readonly unknown: readonly string[];
}

const NUMBER_KEYS = Object.keys(NUMBERS) as NumberSetting["key"][];
const CHOICE_KEYS = Object.keys(CHOICES) as (keyof typeof CHOICES)[];

/**
 * The settings as an address's fragment, which browsers send to no server:
 * `tab=draw&dataset=mnist&layers=conv2d:filters=32,kernelSize=3;flatten;dense:units=10,activation=softmax`; a layer that takes
 * others than the one before it says which, counted from 1: `add:from=5x3`. Callbacks and a schedule of the rate are written
 * likewise: `callbacks=earlyStopping:patience=3;terminateOnNaN`.
 * Defaults are left out. `run={"dataset":"mnist", …}`, a run as plain data, is read as well.
 */
export function toFragment(settings: Settings, tab: Tab): string {
  const parts: [string, string][] = [];
  if (tab !== "train") parts.push(["tab", tab]);
  for (const key of CHOICE_KEYS) if (settings[key] !== DEFAULTS[key]) parts.push([key, settings[key]]);
  if (settings.model === CUSTOM) parts.push(["layers", settings.layers.map(layerToText).join(";")]);
  else if (settings.model !== DEFAULTS.model) parts.push(["model", settings.model]);
  for (const key of NUMBER_KEYS) {
    const value = settings[key];
    if (value !== undefined && value !== DEFAULTS[key] && !numberProblem(NUMBERS[key], value))
      parts.push([key, String(value)]);
  }
  if (settings.schedule) parts.push(["schedule", namedToText([settings.schedule])]);
  if (settings.callbacks.length > 0) parts.push(["callbacks", namedToText(settings.callbacks)]);
  if (settings.keepBest !== DEFAULTS.keepBest) parts.push(["keepBest", String(settings.keepBest)]);
  return parts.map(([key, value]) => `${key}=${escapeValue(value)}`).join("&");
}

function layerToText({ type, ...options }: LayerSpec): string {
  const list = Object.entries(options).map(([key, value]) => `${key}=${optionText(value)}`);
  return list.length > 0 ? `${type}:${list.join(",")}` : type;
}

/** Escaped, but for what a fragment may hold and people can read. */
function escapeValue(value: string): string {
  return encodeURIComponent(value).replace(/%(3A|3B|3D|2C)/g, (escaped) => decodeURIComponent(escaped));
}

/** Reads a fragment, with or without its `#`. Whatever is wrong in it takes its default, and is listed. */
export function fromFragment(fragment: string): Linked {
  const found: Record<string, unknown> = {};
  const unknown: string[] = [];
  let tab: Tab = "train";
  for (const part of fragment.replace(/^#/, "").split("&")) {
    if (part === "") continue;
    const [key, text] = splitPart(part);
    if (key === "tab" && TABS.includes(text as Tab)) tab = text as Tab;
    else {
      const value = key === "" ? undefined : read(key, text);
      if (value === undefined) unknown.push(part);
      else Object.assign(found, value);
    }
  }
  return { settings: { ...DEFAULTS, ...found }, tab, unknown };
}

function splitPart(part: string): [key: string, value: string] {
  const at = part.indexOf("=");
  try {
    return at < 0 ? ["", ""] : [part.slice(0, at), decodeURIComponent(part.slice(at + 1))];
  } catch {
    return ["", ""];
  }
}

function read(key: string, text: string): Partial<Settings> | undefined {
  if (Object.hasOwn(CHOICES, key))
    return CHOICES[key as keyof typeof CHOICES].includes(text) ? { [key]: text } : undefined;
  if (Object.hasOwn(NUMBERS, key)) {
    const value = /^\d+(\.\d+)?(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    return numberProblem(NUMBERS[key as NumberSetting["key"]], value) ? undefined : { [key]: value };
  }
  if (key === "model") return Object.hasOwn(MODELS, text) ? { model: text } : undefined;
  if (key === "schedule" || key === "callbacks") {
    const found = key === "schedule" ? scheduleFromText(text) : callbacksFromText(text);
    return found && { [key]: found };
  }
  if (key === "run") return ofRun(text);
  if (key === "keepBest")
    return text === "true" || text === "false" ? { keepBest: text === "true" } : undefined;
  if (key !== "layers") return undefined;
  const layers = text.split(";").map(layerFromText);
  if (layers.includes(undefined)) return undefined;
  const own = layers as LayerSpec[];
  return own.every((_, at) => canTake(own, at)) ? { model: CUSTOM, layers: own } : undefined;
}

/** A run as plain data, as in a run's result.json. */
function ofRun(text: string): Settings | undefined {
  try {
    return settingsOfRun(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function layerFromText(text: string): LayerSpec | undefined {
  const [type = "", list = ""] = text.split(":");
  const known = Object.hasOwn(LAYER_TYPES, type) ? LAYER_TYPES[type]! : undefined;
  if (!known) return undefined;
  const layer: Record<string, unknown> = {};
  for (const item of list === "" ? [] : list.split(",")) {
    const [key, value = ""] = item.split("=");
    if (key === "from") {
      layer.from = value.split("x").map((number) => (/^\d+$/.test(number) ? Number(number) : Number.NaN));
      continue;
    }
    const option = known.options.find((candidate) => candidate.key === key);
    if (!option) return undefined;
    layer[option.key] = parseOption(option, value);
  }
  if (known.options.some((option) => optionProblem(option, layer[option.key]))) return undefined;
  return { type, ...layer };
}
