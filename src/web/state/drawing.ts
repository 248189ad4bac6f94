import { computed, effect, signal } from "@preact/signals";
import { CENTRED_DATASETS, type Picture, PictureError } from "../../picture/picture.ts";
import { type Prepared, preparePicture } from "../../picture/prepare.ts";
import { photo, pictureOf } from "./photo.ts";
import { epochs, subject, trained } from "./subject.ts";

/** A place on the pad, both axes from 0 to 1, and how wide the pen is there. */
export interface PenPoint {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Width of the pen, as a share of the pad: of MNIST's strokes when a digit fills the pad. */
export const PEN = 0.075;

/** Strokes, each the points of one press of the pen; the last one may still grow. */
export const strokes = signal<readonly (readonly PenPoint[])[]>([]);

/** What the model is given, and what it answers. */
export interface Answer extends Prepared {
  readonly shape: readonly number[];
  readonly outputs: Float32Array;
}

export const answer = signal<Answer | undefined>(undefined);
/** Why there is no answer, where that is not just for want of a drawing. */
export const drawingProblem = signal<string | undefined>(undefined);

/** Whether drawings are centred by their mass, as the images that the model knows are. */
const centred = computed(() => {
  const current = subject.value;
  if (current?.trainer.model.inputShape[2] !== 1) return false;
  const { metadata } = current;
  return metadata.centred ?? CENTRED_DATASETS.includes(metadata.dataset ?? "");
});

/** Whether there is nothing to ask the model about. */
export const blank = computed(() => strokes.value.length === 0 && !photo.value);

export function beginStroke(point: PenPoint): void {
  photo.value = undefined;
  strokes.value = [...strokes.value, [point]];
}

export function extendStroke(points: readonly PenPoint[]): void {
  const last = strokes.value.at(-1) ?? [];
  strokes.value = [...strokes.value.slice(0, -1), [...last, ...points]];
}

/** Takes the last stroke back, or the picture that was brought after it: what was drawn before is there again. */
export function undoStroke(): void {
  if (photo.value) photo.value = undefined;
  else strokes.value = strokes.value.slice(0, -1);
}

export function clearStrokes(): void {
  photo.value = undefined;
  strokes.value = [];
}

/** Draws the strokes on a square of `size` pixels, in the colour that the context has. */
export function paintStrokes(context: CanvasRenderingContext2D, size: number): void {
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes.value) {
    const [first] = stroke;
    if (!first) continue;
    if (stroke.length === 1) {
      context.beginPath();
      context.arc(first.x * size, first.y * size, (first.width * size) / 2, 0, 2 * Math.PI);
      context.fill();
    }
    for (let i = 1; i < stroke.length; i++) {
      const [from, to] = [stroke[i - 1]!, stroke[i]!];
      context.lineWidth = to.width * size;
      context.beginPath();
      context.moveTo(from.x * size, from.y * size);
      context.lineTo(to.x * size, to.y * size);
      context.stroke();
    }
  }
}

/** The drawing as a picture, white on black, some four times as fine as the model's images. */
function picture(shape: readonly number[]): Picture {
  const size = Math.min(256, Math.max(112, 4 * Math.max(shape[0]!, shape[1]!)));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "#000";
  context.fillRect(0, 0, size, size);
  context.fillStyle = context.strokeStyle = "#fff";
  paintStrokes(context, size);
  return pictureOf(context);
}

/** Answers the drawing as it is, one question at a time: what is drawn meanwhile is asked next. */
let asking = false;
let again = false;

async function ask(): Promise<void> {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    do {
      again = false;
      await askOnce();
    } while (again);
  } finally {
    asking = false;
  }
}

async function askOnce(): Promise<void> {
  const current = subject.value;
  if (!current || !trained.value || blank.value) {
    answer.value = undefined;
    drawingProblem.value = undefined;
    return;
  }
  const shape = current.trainer.model.inputShape;
  const own = photo.value?.picture;
  // As the command line takes it: a picture of the model's own size may be one of its images.
  const asItIs = own?.height === shape[0] && own?.width === shape[1];
  try {
    const prepared = preparePicture(own ?? picture(shape), shape, {
      center: centred.value && !asItIs,
      metadata: current.metadata,
    });
    const outputs = await current.trainer.predict(prepared.pixels);
    answer.value = { ...prepared, shape, outputs };
    drawingProblem.value = undefined;
  } catch (error) {
    answer.value = undefined;
    if (current.trainer.state === "disposed") return;
    drawingProblem.value =
      error instanceof PictureError ? `The model can make nothing of it: ${error.message}.` : String(error);
  }
}

effect(() => {
  // The same drawing is asked about again when the model has changed.
  void [strokes.value, photo.value, subject.value, trained.value, epochs.value.length];
  void ask();
});
