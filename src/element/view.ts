import { accuracyRange, Curve, lossRange } from "./curve.ts";
import { h, s, setText } from "./dom.ts";
import { Strip } from "./strip.ts";
import { STYLE } from "./style.ts";

/** What the element is doing. */
export type TrainerElementState = "idle" | "loading" | "training" | "paused" | "testing" | "done" | "error";

/** Words for the state, and for the first button in it. */
const STATES: Readonly<Record<TrainerElementState, readonly [state: string, button: string]>> = {
  idle: ["Ready", "Start"],
  loading: ["Loading", "Pause"],
  training: ["Training", "Pause"],
  paused: ["Paused", "Resume"],
  testing: ["Testing", "Pause"],
  done: ["Done", "Train again"],
  error: ["Failed", "Try again"],
};

const FIGURES = ["accuracy", "loss", "speed"] as const;
type Figure = (typeof FIGURES)[number];

let sheet: CSSStyleSheet | undefined;

/** The style sheet, one for all elements: constructed, because a strict CSP refuses a style element. */
function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}

export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;
export const lossText = (loss: number) =>
  loss !== 0 && Math.abs(loss) < 0.001 ? loss.toExponential(1) : loss.toPrecision(3);
export const count = (n: number) => Math.round(n).toLocaleString("en");

/** What the element shows. Knows nothing of training: it is told what to show, in text. */
export class View {
  readonly accuracy = new Curve({ title: "Accuracy", format: (y) => percent(y, 0), range: accuracyRange });
  readonly loss = new Curve({
    title: "Loss",
    format: (y) => String(Number(y.toPrecision(2))),
    range: lossRange,
  });
  readonly strip = new Strip();
  readonly primary = h("button", { type: "button", class: "primary", part: "button primary-button" });
  readonly stop = h("button", { type: "button", part: "button stop-button" }, "Stop");
  readonly save = h("button", { type: "button", part: "button save-button" }, "Save model");
  readonly #card: HTMLElement;
  readonly #title = h("h2", { class: "title", part: "title" });
  readonly #sub = h("p", { class: "sub", part: "subtitle" });
  readonly #state = h("span", { class: "state", part: "state" });
  readonly #labels: Record<Figure, HTMLElement>;
  readonly #values: Record<Figure, HTMLElement>;
  readonly #fill = h("div", { class: "fill", part: "progress-fill" });
  readonly #track = h(
    "div",
    { class: "track", part: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100 },
    this.#fill,
  );
  readonly #step = h("span");
  readonly #left = h("span");
  readonly #message = h("p", { class: "message", part: "error", role: "alert" });
  readonly #notice = h("p", { class: "notice", part: "notice" });
  readonly #facts = h("p", { class: "facts", part: "facts" });
  readonly #live = h("p", { class: "hidden", "aria-live": "polite" });

  constructor(root: ShadowRoot) {
    root.adoptedStyleSheets = [styleSheet()];
    const texts = FIGURES.map((name) => [name, h("dt"), h("dd")] as const);
    this.#labels = Object.fromEntries(texts.map(([name, dt]) => [name, dt])) as Record<Figure, HTMLElement>;
    this.#values = Object.fromEntries(texts.map(([name, , dd]) => [name, dd])) as Record<Figure, HTMLElement>;
    const legend = (name: string, drawing: SVGElement) =>
      h("li", {}, s("svg", { viewBox: "0 0 22 10", "aria-hidden": "true" }, drawing), name);
    this.#card = h(
      "section",
      { class: "card", part: "card" },
      h("div", { class: "head" }, h("div", { class: "titles" }, this.#title, this.#sub), this.#state),
      h(
        "dl",
        { class: "figures", part: "figures" },
        ...texts.map(([name, dt, dd]) => h("div", { class: name === "accuracy" ? "hero" : "" }, dt, dd)),
      ),
      h("div", { class: "curves", part: "curves" }, this.accuracy.element, this.loss.element),
      h(
        "ul",
        { class: "legend", part: "legend" },
        legend("training, as it goes", s("path", { class: "train", d: "M1 5H21" })),
        legend("validation, each epoch", s("path", { class: "dots", d: "M11 5h.01" })),
      ),
      this.strip.element,
      h("div", { class: "progress" }, this.#track, h("p", {}, this.#step, this.#left)),
      this.#message,
      this.#notice,
      h(
        "div",
        { class: "foot" },
        h("div", { class: "buttons", part: "buttons" }, this.primary, this.stop, this.save),
        this.#facts,
      ),
      this.#live,
    );
    root.append(this.#card);
    this.error(undefined);
    this.notice(undefined);
  }

  /** The state's words and buttons. */
  state(state: TrainerElementState, words = STATES[state][0]): void {
    this.#card.dataset.state = state;
    setText(this.#state, words);
    setText(this.primary, STATES[state][1]);
    const busy = state === "loading" || state === "testing";
    this.primary.setAttribute("aria-disabled", String(busy));
    const stoppable = state === "loading" || state === "training" || state === "paused";
    // A button that goes away takes the focus along: hand it on first.
    const root = this.#card.getRootNode() as ShadowRoot;
    if (!stoppable && root.activeElement === this.stop) this.primary.focus();
    this.stop.hidden = !stoppable;
    if (state !== "done" && root.activeElement === this.save) this.primary.focus();
    this.save.hidden = state !== "done";
  }

  titles(title: string, sub: string): void {
    setText(this.#title, title);
    setText(this.#sub, sub);
    this.#card.setAttribute("aria-label", `Training: ${title}`);
  }

  /** A figure and its name; undefined: there is none yet. */
  figure(name: Figure, label: string, value: string | undefined): void {
    setText(this.#labels[name], label);
    setText(this.#values[name], value ?? "–");
    this.#values[name].classList.toggle("none", value === undefined);
  }

  /** @param share of the work that is done; undefined: unknown */
  progress(share: number | undefined, step: string, left = ""): void {
    this.#track.classList.toggle("unknown", share === undefined);
    this.#track.setAttribute("aria-label", step || "Progress");
    if (share === undefined) this.#track.removeAttribute("aria-valuenow");
    else {
      this.#track.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      this.#fill.style.transform = `scaleX(${share})`;
    }
    setText(this.#step, step);
    setText(this.#left, left);
  }

  /** @param blank nothing but the message is worth showing */
  error(message: string | undefined, blank = false): void {
    this.#message.hidden = message === undefined;
    this.#card.toggleAttribute("data-blank", blank);
    this.primary.hidden = blank;
    if (blank) this.titles("Trainer", "");
    setText(this.#message, message ?? "");
  }

  notice(message: string | undefined): void {
    this.#notice.hidden = message === undefined;
    setText(this.#notice, message ?? "");
  }

  facts(text: string): void {
    setText(this.#facts, text);
  }

  /** What screen readers say next. */
  announce(text: string): void {
    setText(this.#live, text);
  }

  /** Empty charts for a run of so many epochs. */
  clear(epochs: number): void {
    this.accuracy.clear(epochs);
    this.loss.clear(epochs);
    for (const name of FIGURES)
      this.figure(name, { accuracy: "Accuracy", loss: "Loss", speed: "Speed" }[name], undefined);
    this.progress(0, "");
  }
}
