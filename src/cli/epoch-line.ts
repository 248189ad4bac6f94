import type { EpochInfo, Logs } from "../train/callbacks.ts";
import { fill, formatCount, formatSeconds } from "./output.ts";

type Figure = keyof Logs;
const FIGURES = [
  "loss",
  "accuracy",
  "meanIoU",
  "val_loss",
  "val_accuracy",
  "val_meanIoU",
] as const satisfies readonly Figure[];

/** A way to write an epoch's figures, the widest first. */
interface Form {
  readonly names: Readonly<Record<Figure, string>>;
  readonly colon: string;
  readonly between: string;
  readonly speed: boolean;
  /** Whether "Epoch" is written out. */
  readonly word: boolean;
}

const KERAS = Object.fromEntries(FIGURES.map((name) => [name, name])) as Record<Figure, string>;
const SHORT = { ...KERAS, accuracy: "acc", val_accuracy: "val_acc", meanIoU: "IoU", val_meanIoU: "val_IoU" };
const FORMS: readonly Form[] = [
  { names: KERAS, colon: ": ", between: " - ", speed: true, word: true },
  { names: KERAS, colon: ": ", between: " - ", speed: false, word: true },
  { names: SHORT, colon: " ", between: "  ", speed: false, word: true },
  {
    names: { ...SHORT, val_loss: "val", val_accuracy: "" },
    colon: " ",
    between: "  ",
    speed: false,
    word: false,
  },
];

/**
 * Writes a line for each epoch as Keras does, in the widest of some forms that the terminal has room for. Where one needs
 * a narrower form, the lines after it keep that, so that figures stay below each other.
 */
export class EpochLines {
  #form = 0;
  #columns = 0;

  /** @param columns characters in a line; Infinity where there is no terminal */
  line(epochs: number, info: EpochInfo, logs: Logs, columns: number): string {
    if (columns !== this.#columns) [this.#form, this.#columns] = [0, columns];
    for (; this.#form < FORMS.length; this.#form++) {
      const form = FORMS[this.#form]!;
      const text = pieces(form, epochs, info, logs).join(form.between);
      if (text.length <= columns) return text;
    }
    // Narrower than any: broken between figures, never inside of one.
    const narrowest = FORMS.at(-1)!;
    return fill(pieces(narrowest, epochs, info, logs), columns, narrowest.between);
  }
}

/** Epoch 3/10, the number as wide as the last one. */
export function epochTitle(epoch: number, epochs: number): string {
  return `Epoch ${String(epoch + 1).padStart(String(epochs).length)}/${epochs}`;
}

function pieces({ names, colon, speed, word }: Form, epochs: number, info: EpochInfo, logs: Logs): string[] {
  const title = epochTitle(info.epoch, epochs);
  return [
    word ? title : title.slice("Epoch ".length),
    formatSeconds(info.trainSeconds + info.validationSeconds),
    ...FIGURES.flatMap((key) => {
      const value = logs[key];
      return value === undefined ? [] : [`${names[key]}${names[key] && colon}${figure(value)}`];
    }),
    ...(speed ? [`${formatCount(info.imagesPerSecond)} images/s`] : []),
  ];
}

/** Four decimals as Keras has them; small and large ones by exponent. */
export function figure(value: number): string {
  return value !== 0 && (Math.abs(value) < 5e-4 || Math.abs(value) >= 1e4)
    ? value.toExponential(2)
    : value.toFixed(4);
}
