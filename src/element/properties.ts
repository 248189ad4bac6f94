import type { Backend, LossName, ModelConfig, OptimizerName } from "../browser.ts";
import type { Dataset } from "../data/types.ts";
import type { TrainerEventMap } from "./events.ts";
import { ATTRIBUTES, type AttributeName, readAttribute, readSettings, spellings } from "./settings.ts";

/**
 * A property for each attribute, because frameworks set properties where there are some. A property shows what its
 * attribute says, else the default, and sets the attribute; undefined, null and "" remove it.
 */
export interface TrainerProperties {
  /** A dataset's name, or a dataset of your own, which no attribute shows. Of attribute and property the later counts. */
  data: string | Dataset;
  /** Training and test images, at most; undefined: all. */
  train: number | undefined;
  test: number | undefined;
  /** A model's name, the address of a JSON file, or layers: set as an object, shown as its JSON. */
  model: string | ModelConfig | ModelConfig["layers"];
  epochs: number;
  batchSize: number;
  validationSplit: number;
  optimizer: OptimizerName;
  /** undefined: the optimizer's own. */
  learningRate: number | undefined;
  loss: LossName;
  seed: number;
  /** undefined: as many as the hardware has. */
  threads: number | undefined;
  backend: Backend | "auto";
  workerUrl: string | undefined;
  autostart: boolean;
}

/** The same as JSX and templates give them: all optional, numbers as text, too. */
export type TrainerProps = {
  [K in keyof TrainerProperties]?:
    | TrainerProperties[K]
    | (number extends TrainerProperties[K] ? `${number}` : never)
    | (TrainerProperties[K] extends boolean ? "" : never)
    | undefined;
};

/** Listeners as JSX gives them: `onepoch` and so on. */
export type TrainerHandlers = {
  [K in keyof TrainerEventMap as `on${K}`]?: ((event: TrainerEventMap[K]) => void) | undefined;
};

/** All events of the element: those of any HTML element, and its own in place of their namesakes. */
export type TrainerElementEventMap = Omit<HTMLElementEventMap, keyof TrainerEventMap> & TrainerEventMap;

/** An HTML element with these properties and events. */
export interface WasmgradTrainerBase extends HTMLElement, TrainerProperties {
  addEventListener<K extends keyof TrainerElementEventMap>(
    type: K,
    listener: (this: this, event: TrainerElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof TrainerElementEventMap>(
    type: K,
    listener: (this: this, event: TrainerElementEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** Attributes whose property is a number. */
const NUMBERS: ReadonlySet<AttributeName> = new Set([
  "train",
  "test",
  "epochs",
  "batch-size",
  "validation-split",
  "learning-rate",
  "seed",
  "threads",
]);
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...readSettings(() => null),
  data: "digits",
  model: "keras-mnist",
};

const property = (attribute: string) =>
  attribute.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const written = (value: unknown) =>
  typeof value === "object" && !(value instanceof URL) ? JSON.stringify(value) : String(value);

/** The names of all properties. */
const PROPERTIES = [...ATTRIBUTES.map(property), "autostart"];

/** A class of elements with the properties of TrainerProperties; a subclass may add to what `data` does. */
export function withProperties(Base: typeof HTMLElement): new () => WasmgradTrainerBase {
  class Properties extends Base {
    /**
     * Vue sets a property that is a number to 0 where it is given undefined, and removes the attribute of the property's name:
     * `batchSize` is `batch-size`, too.
     */
    override removeAttribute(name: string): void {
      const attribute = ATTRIBUTES.find((known) => spellings(known).includes(name.toLowerCase()));
      if (attribute === undefined || attribute === "data") super.removeAttribute(name);
      else for (const spelling of spellings(attribute)) super.removeAttribute(spelling);
    }
  }
  const define = <T>(
    name: string,
    get: (element: HTMLElement) => T,
    set: (element: HTMLElement, value: T) => void,
  ) =>
    Object.defineProperty(Properties.prototype, name, {
      get(this: HTMLElement) {
        return get(this);
      },
      set(this: HTMLElement, value: T) {
        set(this, value);
      },
      enumerable: true,
      configurable: true,
    });
  for (const attribute of ATTRIBUTES) {
    const name = property(attribute);
    define<unknown>(
      name,
      (element) => {
        const text = readAttribute(attribute, (spelling) => element.getAttribute(spelling));
        if (text === undefined) return DEFAULTS[name];
        return NUMBERS.has(attribute) ? Number(text) : text;
      },
      (element, value) => {
        const [first, ...others] = spellings(attribute);
        for (const spelling of others) element.removeAttribute(spelling);
        if (value === undefined || value === null || value === "") element.removeAttribute(first!);
        else element.setAttribute(first!, written(value));
      },
    );
  }
  define<unknown>(
    "autostart",
    (element) => element.hasAttribute("autostart"),
    (element, value) => element.toggleAttribute("autostart", value === "" || Boolean(value)),
  );
  return Properties as unknown as new () => WasmgradTrainerBase;
}

/** Sets anew what was set before the element was defined: until then the browser knew nothing of its properties. */
export function upgradeProperties(element: HTMLElement): void {
  const own = element as unknown as Record<string, unknown>;
  for (const name of PROPERTIES) {
    if (!Object.hasOwn(own, name)) continue;
    const value = own[name];
    delete own[name];
    own[name] = value;
  }
}
